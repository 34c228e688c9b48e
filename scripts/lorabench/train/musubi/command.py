"""Write the pipeline's settings for musubi-tuner: two TOML files and three command lines."""

from collections.abc import Iterator, Mapping
from typing import Any

from lorabench.base import header
from lorabench.base.trainer import Musubi
from lorabench.train.external import subsets
from lorabench.train.external.hardware import Hardware
from lorabench.train.external.installation import Installation
from lorabench.train.external.options import as_arguments
from lorabench.train.external.training import Training
from lorabench.train.musubi.resume import State, output_name, remaining

Toml = dict[str, Any]
Known = Mapping[str, frozenset[str]]
"""The options that each program has."""

CONFIG, DATASET = "config.toml", "dataset.toml"
"""The names of the two files, in the training's folder."""

ON_COMMAND_LINE = ("config_file", "resume", "save_every_n_steps")
"""Options that `train` gives, besides the user's."""


def dataset(training: Training, installation: Installation) -> Toml:
    """Return the dataset TOML: which pictures, and where they are encoded to.

    Without upscaling, a picture's own size becomes its bucket.
    """
    return {
        "general": {
            "resolution": [training.side, training.side],
            "caption_extension": ".txt",
            "batch_size": training.settings.batch_size,
            "enable_bucket": True,
            "bucket_no_upscale": True,
        },
        "datasets": [
            {
                "image_directory": installation.seen(one.folder),
                "cache_directory": installation.seen(training.folder / f"encoded-{number}"),
                "num_repeats": one.repeats,
            }
            for number, one in enumerate(subsets.trained(training))
        ],
    }


def config(
    training: Training, installation: Installation, hardware: Hardware, state: State | None
) -> Toml:
    """Return the config TOML of the training: the options that the pipeline's settings make.

    Options that the user gives otherwise (`train.kohya_args`) are left out.
    """
    settings = training.settings
    warms_up = settings.scheduler == "constant" and settings.warmup_steps
    made = {
        "dit": installation.seen(training.base.path),
        **_models(training, installation),
        "dataset_config": installation.seen(training.folder / DATASET),
        "output_dir": installation.seen(training.folder),
        "output_name": output_name(training, state),
        "save_precision": "fp16",
        "network_module": training.by.network_module,
        "network_dim": settings.rank,
        "network_alpha": settings.alpha,
        "optimizer_type": settings.optimizer_type,
        "optimizer_args": [f"weight_decay={settings.weight_decay}"],
        "learning_rate": settings.unet_lr,
        "lr_scheduler": "constant_with_warmup" if warms_up else settings.scheduler,
        "lr_warmup_steps": settings.warmup_steps,
        "lr_scheduler_num_cycles": settings.restarts,
        "max_train_steps": training.steps,
        "gradient_accumulation_steps": settings.gradient_accumulation,
        "gradient_checkpointing": settings.gradient_checkpointing,
        "max_grad_norm": settings.max_grad_norm,
        "max_data_loader_n_workers": 1,
        "mixed_precision": hardware.mixed_precision,
        "sdpa": True,
        # Otherwise its order of pictures would begin anew; the noise goes on from the state.
        "seed": settings.seed + (state.epoch if state else 0),
        "save_every_n_epochs": training.save_every,
        "save_last_n_epochs": None if training.kept_epochs else 1,
        "save_state": True,
        "save_last_n_epochs_state": 1,
        **version(training),
        **training.by.options,
    }
    return {
        name: value
        for name, value in made.items()
        if value is not None and name not in settings.kohya_args
    }


def encode(training: Training, installation: Installation, known: Known) -> Iterator[list[str]]:
    """Yield the Python programs that encode the pictures and the captions, with arguments.

    A user's option goes to each program that has it: `fp8_llm` to that of the captions.
    """
    for program in programs(training)[:-1]:
        options = {
            **_models(training, installation),
            **version(training),
            **training.by.options,
            **training.settings.kohya_args,
        }
        yield [
            installation.script(program),
            f"--dataset_config={installation.seen(training.folder / DATASET)}",
            *as_arguments({name: v for name, v in options.items() if name in known[program]}),
        ]


def train(
    training: Training,
    installation: Installation,
    hardware: Hardware,
    state: State | None,
    known: Known,
) -> list[str]:
    """Return the Python program that trains, from `state` on, with its arguments."""
    launch = {
        "num_processes": 1,
        "num_machines": 1,
        "mixed_precision": hardware.mixed_precision,
        "dynamo_backend": "no",
        "num_cpu_threads_per_process": training.settings.threads,
    }
    *_, program = programs(training)
    options = {
        "config_file": installation.seen(training.folder / CONFIG),
        "resume": installation.seen(state.folder) if state else None,
        "save_every_n_steps": remaining(training, state),
        **training.settings.kohya_args,
    }
    return [
        *("-m", "accelerate.commands.launch"),
        *(["--cpu"] if hardware.device == "cpu" else []),
        *as_arguments(launch),
        *installation.accelerate,
        installation.script(program),
        *as_arguments({name: v for name, v in options.items() if name in known[program]}),
    ]


def programs(training: Training) -> tuple[str, str, str]:
    """Return the programs that encode the pictures and the captions, and the one that trains."""
    by = training.by
    assert isinstance(by, Musubi)
    return by.cache_latents, by.cache_text, by.program


def version(training: Training) -> Toml:
    """Return which of several models the base model is, by its width, where that has to be said."""
    by = training.by
    if not isinstance(by, Musubi) or not by.versions:
        return {}
    tensors, _ = header.read(training.base.path)
    weight = next(key for key in tensors if key.endswith(f"{by.width_of}.weight"))
    found = by.versions.get(tensors[weight]["shape"][0])
    return {"model_version": found} if found else {}


def _models(training: Training, installation: Installation) -> Toml:
    return {name: installation.seen(path) for name, path in training.models.items()}
