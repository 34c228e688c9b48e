"""Options of sd-scripts that a user adds to the pipeline's settings (`train.kohya_args`)."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lorabench.errors import UserError
from lorabench.train.kohya.installation import Installation

_OWNED_TOGETHER: Mapping[str, str] = {
    "the training uses the normalized set as it is": (
        "train_data_dir in_json dataset_config dataset_class dataset_repeats"
        " caption_extension caption_extention debug_dataset"
    ),
    "the pictures have their size already; see preprocess: {resolution: …}": (
        "resolution enable_bucket min_bucket_reso max_bucket_reso bucket_reso_steps"
        " bucket_no_upscale random_crop"
    ),
    "the pipeline names and places what is written": (
        "output_dir output_name save_model_as config_file output_config"
    ),
    "the pipeline saves states and resumes by itself": (
        "resume resume_from_huggingface initial_epoch initial_step skip_until_initial_step"
        " save_state save_state_on_train_end save_state_to_huggingface save_every_n_steps"
        " save_n_epoch_ratio save_last_n_epochs save_last_n_epochs_state save_last_n_steps"
        " save_last_n_steps_state"
    ),
    "it would write into the set, which other runs share": (
        "cache_latents_to_disk cache_text_encoder_outputs_to_disk cache_info"
    ),
    "the pipeline reads the progress from its output": (
        "console_log_simple console_log_file console_log_level"
    ),
}

OWNED: Mapping[str, str] = {
    "pretrained_model_name_or_path": "set base_model",
    "max_train_steps": "set train.steps",
    "max_train_epochs": "set train.epochs",
    "train_batch_size": "set train.batch_size",
    "gradient_accumulation_steps": "set train.gradient_accumulation",
    "save_every_n_epochs": "set train.save_every_epochs",
    "mixed_precision": "set train.precision",
    "seed": "set train.seed",
    "validation_split": "set train.validation",
    "reg_data_dir": "set reg_set",
    **{name: why for why, names in _OWNED_TOGETHER.items() for name in names.split()},
}
"""Options that belong to the pipeline, and why or what to set instead."""

_OPTION = re.compile(r"(?<![\w-])--(\w+)")


def check_owned(given: Iterable[str]) -> None:
    """Raise `UserError` for an option that the pipeline itself gives."""
    owned = [f"train.kohya_args: {name}: {OWNED[name]}" for name in given if name in OWNED]
    if owned:
        raise UserError("\n".join(owned))


def known(installation: Installation, program: str) -> frozenset[str]:
    """Return the options that the installed program lists in its `--help`."""
    return frozenset(_OPTION.findall(installation.ask(installation.script(program), "--help")))


def check_known(given: Iterable[str], ours: Iterable[str], known: frozenset[str]) -> None:
    """Raise `UserError` if sd-scripts lacks an option, which it might ignore in silence.

    `given` are the user's options; `ours` are the pipeline's, which an old sd-scripts may lack.
    """
    unknown = [_unknown(name, known) for name in given if name not in known]
    if unknown:
        raise UserError("\n".join(unknown))
    missing = sorted(set(ours) - known)
    if missing:
        needed = "0.10" if "validate_every_n_epochs" in missing else "0.9"
        raise UserError(
            f"this sd-scripts does not know {', '.join(missing)}: it is too old; take version "
            f"{needed} or newer."
        )


def as_arguments(given: Mapping[str, Any]) -> list[str]:
    """Write options as arguments: True makes a flag; False and None leave an option out."""
    arguments: list[str] = []
    for name, value in given.items():
        if value is True:
            arguments.append(f"--{name}")
        elif isinstance(value, list):
            arguments += [f"--{name}", *map(str, value)]
        elif value is not False and value is not None:
            arguments.append(f"--{name}={value}")
    return arguments


def _unknown(name: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), 1)
    hint = f"did you mean {near[0]}?" if near else "its --help lists them."
    return f"train.kohya_args: {name}: sd-scripts has no such option; {hint}"
