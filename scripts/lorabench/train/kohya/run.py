"""Train a LoRA with sd-scripts, from a normalized set to a checked file."""

from collections.abc import Mapping
from pathlib import Path

import tomli_w

from lorabench import files
from lorabench.errors import UserError
from lorabench.settings.models import KohyaSettings, TrainSettings
from lorabench.train.external import options as external_options
from lorabench.train.external import results, subsets
from lorabench.train.external.beginning import begin
from lorabench.train.external.follow import announce, follow_training
from lorabench.train.external.hardware import Hardware
from lorabench.train.external.installation import Installation
from lorabench.train.external.training import Training
from lorabench.train.kohya import command, options, resume
from lorabench.train.kohya.resume import State
from lorabench.train.kohya.tool import TOOL


def train(
    folder: Path,
    base_model: Path,
    output: Path,
    settings: TrainSettings,
    kohya: KohyaSettings,
    name: str,
    reg: Path | None = None,
    keep: int = 0,
    models: Mapping[str, str] | None = None,
) -> None:
    """Train a LoRA on the normalized set in `folder` and write it to `output`.

    `reg` is the normalized set of regularization pictures, if there are any; `keep` is about how
    many epochs to keep where `save_every_epochs` says none; `models` are the files that the family
    needs beside the base model.

    Also write `train_log.csv`, `loss.png` and, every `save_every_epochs`,
    `<stem>-<epoch>.safetensors`; and all LoRAs to output/kohya/, as `<name>….safetensors`. A killed
    training continues from its last saved epoch. Raises `UserError`: the settings, the set, the
    base model, a file beside it or sd-scripts cannot be used, or the training failed, diverged or
    left no working LoRA.
    """
    training, there, has = begin(
        TOOL, kohya, options.OWNED, folder, base_model, settings, name, reg, keep, models
    )

    state = _prepare(training, there, has)
    done = state.steps if state else 0
    announce(training, there, has, done)
    arguments = command.command(training, there, has, state)
    said = follow_training(training, there, has.device, arguments, done, _check_captions)

    cut = resume.remaining(training, state)
    final = training.file(f"-step{cut:08d}" if cut else "")
    results.collect(training, there, final, said, output)


def _prepare(training: Training, there: Installation, has: Hardware) -> State | None:
    """Write sd-scripts' files into the training's folder; return the state to resume from."""
    config = command.config(training, there, has)
    known = external_options.known(there, training.by.program)
    needed = "0.10" if training.by.models or training.pictures.held_out else "0.9"
    external_options.check_known(
        TOOL.name,
        training.settings.kohya_args,
        [*config, *command.ON_COMMAND_LINE],
        known,
        needed,
    )
    state = resume.prepare(training)
    files.write_text(training.folder / command.CONFIG, tomli_w.dumps(config))
    subsets.lay(training)
    dataset = command.dataset(training, there)
    files.write_text(training.folder / command.DATASET, tomli_w.dumps(dataset))
    return state


def _check_captions(line: str) -> None:
    if "No caption file found" in line:
        raise UserError(
            "sd-scripts does not find the captions of all pictures and would train on the class "
            f"name instead ({line.strip()[:100]}…). Does the container see the .txt files?"
        )
