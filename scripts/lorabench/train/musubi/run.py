"""Train a LoRA with musubi-tuner, from a normalized set to a checked file."""

import logging
from collections.abc import Mapping
from pathlib import Path

import tomli_w

from lorabench import files
from lorabench.errors import UserError
from lorabench.settings.models import MusubiSettings, TrainSettings
from lorabench.train.external import options as external_options
from lorabench.train.external import results, subsets
from lorabench.train.external.beginning import begin
from lorabench.train.external.follow import announce, follow, follow_training
from lorabench.train.external.hardware import Hardware
from lorabench.train.external.installation import Installation
from lorabench.train.external.training import Training
from lorabench.train.musubi import command, options, resume
from lorabench.train.musubi.resume import State
from lorabench.train.musubi.tool import TOOL

log = logging.getLogger(__name__)

_ENCODED = "encoded-{}.done"
"""A mark that a program has encoded all pictures, or all captions."""
_VERSION = "0.3.4"


def train(
    folder: Path,
    base_model: Path,
    output: Path,
    settings: TrainSettings,
    musubi: MusubiSettings,
    name: str,
    reg: Path | None = None,
    keep: int = 0,
    models: Mapping[str, str] | None = None,
) -> None:
    """Train a LoRA on the normalized set in `folder` and write it to `output`.

    `keep` is about how many epochs to keep where `save_every_epochs` says none; `models` are the
    files that the family needs beside the base model; a `reg` is refused.

    The same files appear as by `kohya.run.train`, and a killed training continues from its last
    saved epoch. Raises `UserError`: the settings, the set, the base model, a file beside it or
    musubi-tuner cannot be used, or the training failed, diverged or left no working LoRA.
    """
    if reg:
        raise UserError("--reg: musubi-tuner has no regularization pictures; leave it out")
    training, there, has = begin(
        TOOL, musubi, options.OWNED, folder, base_model, settings, name, None, keep, models
    )

    known = _known(training, there)
    state = _prepare(training, there, has, known)
    done = state.steps if state else 0
    announce(training, there, has, done)
    _encode(training, there, known)
    arguments = command.train(training, there, has, state, known)
    said = follow_training(training, there, has.device, arguments, done)

    resume.name_by_epoch(training)
    cut = resume.remaining(training, state)
    written = resume.output_name(training, state) + (f"-step{cut:08d}" if cut else "")
    final = training.folder / f"{written}.safetensors"
    results.collect(training, there, final, said, output)


def _known(training: Training, there: Installation) -> command.Known:
    """Return the options of the three programs; raises `UserError` if they lack one."""
    names = command.programs(training)
    return {name: external_options.known(there, name) for name in names}


def _prepare(
    training: Training, there: Installation, has: Hardware, known: command.Known
) -> State | None:
    """Write musubi-tuner's files into the training's folder; return the state to resume from."""
    state = resume.prepare(training)
    config = command.config(training, there, has, state)
    *_, trains = command.programs(training)
    settings, every = training.settings, frozenset().union(*known.values())
    external_options.check_known(TOOL.name, settings.kohya_args, [], every, _VERSION)
    ours = [*config, *command.ON_COMMAND_LINE]
    external_options.check_known(TOOL.name, [], ours, known[trains], _VERSION)
    files.write_text(training.folder / command.CONFIG, tomli_w.dumps(config))
    subsets.lay(training)
    dataset = command.dataset(training, there)
    files.write_text(training.folder / command.DATASET, tomli_w.dumps(dataset))
    return state


def _encode(training: Training, there: Installation, known: command.Known) -> None:
    """Encode the pictures and the captions, unless a training that was killed has done so."""
    for what, arguments in zip(
        ("pictures", "captions"), command.encode(training, there, known), strict=True
    ):
        done = training.folder / _ENCODED.format(what)
        if not done.exists():
            log.info("encoding the %s", what)
            follow(there, arguments)
            done.touch()
