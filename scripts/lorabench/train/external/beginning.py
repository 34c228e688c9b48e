"""What comes before a training by a program of others: checks, and where everything is."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from lorabench import layout
from lorabench.base import checkpoint, model_files
from lorabench.settings.models import TrainSettings
from lorabench.train import data
from lorabench.train.external import hardware, installation, limits, options, pictures
from lorabench.train.external.hardware import Hardware
from lorabench.train.external.installation import Installation
from lorabench.train.external.tool import Settings, Tool
from lorabench.train.external.training import Training


class Begun(NamedTuple):
    """A training that can be done, by a program that is there, on some hardware."""

    training: Training
    there: Installation
    has: Hardware


def begin(
    tool: Tool,
    place: Settings,
    owned: Mapping[str, str],
    folder: Path,
    base_model: Path,
    settings: TrainSettings,
    name: str,
    reg: Path | None,
    keep: int,
    models: Mapping[str, str] | None,
) -> Begun:
    """Return the training of the LoRA `name` on the normalized set in `folder`.

    `owned` are the options that the pipeline gives, with the reasons; the others are those of a
    trainer's `train`. Raises `UserError` for what the program cannot train, or where it is missing.
    """
    base = checkpoint.inspect(base_model)
    by = limits.of(base, tool.trainer)
    limits.check_settings(settings, by, base)
    options.check_owned(settings.kohya_args, owned)
    beside = model_files.find(models or {}, by.models, base.path)
    layout.KOHYA.mkdir(parents=True, exist_ok=True)  # Docker would make it, and root would own it
    there = installation.find(tool, place, [base.path, *beside.values(), folder, layout.KOHYA])
    taken = data.read_set(folder, settings, reg)
    pictures.check(taken, by)
    training = Training(name, taken, base, by, beside)
    training = replace(training, pictures=taken.keeping(keep, training.epochs))
    return Begun(training, there, hardware.find(there, settings))
