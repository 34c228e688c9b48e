"""Write the pipeline's settings for musubi-tuner: two TOML files and three command lines."""

from collections.abc import Iterator, Mapping

from lorabench.base import header
from lorabench.base.trainer import Musubi
from lorabench.train.external import command as external
from lorabench.train.external import subsets
from lorabench.train.external.command import CONFIG, DATASET, Toml
from lorabench.train.external.hardware import Hardware
from lorabench.train.external.installation import Installation
from lorabench.train.external.options import as_arguments
from lorabench.train.external.training import Training
from lorabench.train.musubi.resume import State, output_name, remaining

Known = Mapping[str, frozenset[str]]
"""The options that each program has."""

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
    made = {
        "dit": installation.seen(training.base.path),
        **external.config(training, installation, hardware),
        "dataset_config": installation.seen(training.folder / DATASET),
        "output_name": output_name(training, state),
        "learning_rate": settings.unet_lr,
        # Otherwise its order of pictures would begin anew; the noise goes on from the state.
        "seed": settings.seed + (state.epoch if state else 0),
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
    *_, program = programs(training)
    options = {
        "config_file": installation.seen(training.folder / CONFIG),
        "resume": installation.seen(state.folder) if state else None,
        "save_every_n_steps": remaining(training, state),
        **training.settings.kohya_args,
    }
    return [
        *external.launched(training, installation, hardware),
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
