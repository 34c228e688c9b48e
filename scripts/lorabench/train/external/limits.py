"""Check before a training that the program takes the base model, the settings and the buckets."""

from collections.abc import Mapping

from lorabench.base import header, model_files
from lorabench.base.checkpoint import Checkpoint
from lorabench.base.families import PUBLIC
from lorabench.base.trainer import Kohya, Trainer
from lorabench.errors import UserError
from lorabench.settings.models import PreprocessSettings, TrainSettings
from lorabench.text.phrases import listed

OPTIONS: Mapping[str, tuple[str, object]] = {
    "text_encoder_lr": ("text_encoder_lr", 0),
    "clip_skip": ("clip_skip", 1),
    "min_snr_gamma": ("min_snr_gamma", 0),
    "noise_offset": ("noise_offset", 0),
    "caption_dropout": ("caption_dropout_rate", 0),
    "shuffle_caption": ("shuffle_caption", False),
    "flip": ("flip_aug", False),
    "validation": ("validation_split", 0),
}
"""Settings that not every family has: the program's option, and the value that turns it off."""


def of(base: Checkpoint, trainer: str) -> Trainer:
    """Return how `trainer` trains on the base model; raises `UserError` if it cannot."""
    family = base.family
    found = {"kohya": family.kohya, "musubi": family.musubi}[trainer]
    if found is None:
        raise UserError(f"base_model: {base.path}: {cannot(base, trainer)}")
    if base.tiny_vae:
        raise UserError(
            f"base_model: {base.path}: its VAE is a tiny one (TAESD), which {found.program} does "
            "not read; take the full checkpoint, with its own VAE, or trainer=embedded"
        )
    if _wanted_prefix(base, found):
        way = _with_files(base, trainer)
        raise UserError(f"base_model: {base.path}: train {family.title} by trainer={trainer}{way}")
    return found


def cannot(base: Checkpoint, trainer: str) -> str:
    """Say that `trainer` does not train the base model's family, and which trainer does."""
    family = base.family
    what = f"trainer={trainer} does not train {family.a_title} model"
    ways = [f"trainer={one}{_with_files(base, one)}" for one in family.trainers]
    if ways and trainer != "embedded" and family.embedded:
        trained = listed([one.title for one in PUBLIC if trainer in one.trainers])
        return (
            f"{what}; {' or '.join(ways)} does. {trainer} trains {trained}: set base_model to your "
            "checkpoint in config/config.yaml (base_model: /path/to/model.safetensors; snakemake "
            "takes it after --config, too), and try again"
        )
    if ways:
        return f"{what}; {' or '.join(ways)} does"
    return f"{what}, and no other one does: train it elsewhere, and bench it with lora=<file>"


def check_settings(settings: TrainSettings, trainer: Trainer, base: Checkpoint) -> None:
    """Raise `UserError` for what the program would pass over, without a word."""
    said = [
        f"train.{name}: {getattr(settings, name)}: {_no_such(trainer, base)}; leave it out, or "
        f"set it to {off}"
        for name, (option, off) in OPTIONS.items()
        if option in trainer.without and getattr(settings, name) != off
    ]
    said += [
        f"train.kohya_args: {name}: {_no_such(trainer, base)}; leave it out"
        for name in settings.kohya_args
        if name in trainer.without
    ]
    said += [
        f"train.kohya_args: {name}: a file that the result depends on: set models={{{name}: …}}"
        for name in settings.kohya_args
        if name in trainer.models
    ]
    if said:
        raise UserError("\n".join(said))


def check_buckets(settings: PreprocessSettings, trainer: Trainer) -> None:
    """Raise `UserError` if the program would crop pictures of these buckets."""
    step = trainer.bucket_step
    if settings.bucket_step % step:
        name = "kohya" if isinstance(trainer, Kohya) else "musubi"
        raise UserError(
            f"preprocess.bucket_step: {settings.bucket_step}, but trainer={name} crops pictures of "
            f"this base model to multiples of {step} px; allowed are {step}, {2 * step} and so on."
        )


def _with_files(base: Checkpoint, trainer: str) -> str:
    """Return which files it has to be given besides, and in place of a model without the rest."""
    way = {"kohya": base.family.kohya, "musubi": base.family.musubi}.get(trainer)
    files = model_files.needed(way.models, base.path) if way else []
    if way and (prefix := _wanted_prefix(base, way)):
        return (
            " with base_model=/path/to/checkpoint.safetensors, whose layers begin with "
            f"{prefix} (this is a diffusion model alone), and what that does not hold of "
            f"{model_files.typed(files)}"
        )
    return f" with {model_files.typed(files)}" if files else ""


def _wanted_prefix(base: Checkpoint, way: Trainer) -> str:
    """Return what a wanted checkpoint's layers begin with; empty if the base model will do."""
    prefix = way.prefix if isinstance(way, Kohya) else ""
    held = prefix and any(name.startswith(prefix) for name in header.read(base.path)[0])
    return "" if held else prefix


def _no_such(trainer: Trainer, base: Checkpoint) -> str:
    return f"{trainer.program} does nothing with it for {base.family.a_title} model"
