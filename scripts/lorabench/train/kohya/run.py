"""Train a LoRA with sd-scripts, from a normalized set to a checked file."""

import logging
import shlex
from collections import deque
from dataclasses import replace
from pathlib import Path

import tomli_w

from lorabench import files, layout
from lorabench.base import checkpoint
from lorabench.errors import UserError
from lorabench.settings.models import KohyaSettings, TrainSettings
from lorabench.text import phrases
from lorabench.train import data
from lorabench.train.kohya import (
    command,
    failures,
    hardware,
    installation,
    limits,
    options,
    pictures,
    process,
    results,
    resume,
    subsets,
)
from lorabench.train.kohya.hardware import Hardware
from lorabench.train.kohya.installation import Installation
from lorabench.train.kohya.progress import Progress, is_bar
from lorabench.train.kohya.resume import State
from lorabench.train.kohya.training import Training

log = logging.getLogger(__name__)

_MEMORY = 500
"""Lines of its output that are kept for a message."""


def train(
    folder: Path,
    base_model: Path,
    output: Path,
    settings: TrainSettings,
    kohya: KohyaSettings,
    name: str,
    reg: Path | None = None,
    keep: int = 0,
) -> None:
    """Train a LoRA on the normalized set in `folder` and write it to `output`.

    `reg` is the normalized set of regularization pictures, if there are any; `keep` is about how
    many epochs to keep where `save_every_epochs` says none.

    Also write `train_log.csv`, `loss.png` and, every `save_every_epochs`,
    `<stem>-<epoch>.safetensors`; and all LoRAs to output/kohya/, as `<name>….safetensors`. A killed
    training continues from its last saved epoch. Raises `UserError`: the settings, the set, the
    base model or sd-scripts cannot be used, or the training failed, diverged or left no working
    LoRA.
    """
    options.check_owned(settings.kohya_args)
    base = checkpoint.inspect(base_model)
    sd_scripts = limits.of(base)
    layout.KOHYA.mkdir(parents=True, exist_ok=True)  # Docker would make it, and root would own it
    there = installation.find(kohya, [base.path, folder, layout.KOHYA])
    taken = data.read_set(folder, settings, reg)
    pictures.check(taken, sd_scripts)
    training = Training(name, taken, base)
    training = replace(training, pictures=taken.keeping(keep, training.epochs))
    has = hardware.find(there, settings)

    state = _prepare(training, there, has)
    _announce(training, has, state)
    rows = training.folder / "train_log.csv"
    progress = Progress(training, rows, state.steps if state else 0)
    try:
        said = _follow(there, command.command(training, there, has, state), progress)
    finally:
        progress.close()

    cut = resume.remaining(training, state)
    final = training.file(f"-step{cut:08d}" if cut else "")
    if not final.exists():
        raise failures.no_file(there.seen(folder / "images"), said)
    results.collect(training, final, rows, output)
    log.info("the LoRA is in %s, and in %s", output, layout.KOHYA / f"{name}.safetensors")


def _prepare(training: Training, there: Installation, has: Hardware) -> State | None:
    """Write sd-scripts' files into the training's folder; return the state to resume from."""
    config = command.config(training, there, has)
    known = options.known(there, limits.of(training.base).program)
    given = training.settings.kohya_args
    options.check_known(given, [*config, *command.ON_COMMAND_LINE], known)
    state = resume.prepare(training)
    files.write_text(training.folder / command.CONFIG, tomli_w.dumps(config))
    subsets.lay(training)
    dataset = command.dataset(training, there)
    files.write_text(training.folder / command.DATASET, tomli_w.dumps(dataset))
    return state


def _announce(training: Training, has: Hardware, state: State | None) -> None:
    taken, settings = training.pictures, training.settings
    log.info(
        "%s in %s, rank %d, %d steps of %d by sd-scripts on %s in %s, in %s",
        *(taken.count, phrases.count(len(taken.buckets), "size"), settings.rank, training.steps),
        *(settings.batch_size * settings.gradient_accumulation, *has, training.folder),
    )
    if state:
        log.info("continuing after step %d of %d", state.steps, training.steps)


def _follow(there: Installation, arguments: list[str], progress: Progress) -> list[str]:
    """Run the training to its end; return its last lines, without bars, which the log has all."""
    log.debug("%s", shlex.join(arguments))
    said: deque[str] = deque(maxlen=_MEMORY)
    with process.started(there, arguments) as program:
        assert program.stdout  # a pipe
        for line in process.lines(program.stdout):
            if is_bar(line):
                progress.read(line)
                if progress.over:
                    return list(said)  # it would train to the end of its epoch
                continue
            said.append(line)
            log.debug("%s", line)
            _check_captions(line)
        status = program.wait()
    if status:
        raise failures.explain(status, list(said))
    return list(said)


def _check_captions(line: str) -> None:
    if "No caption file found" in line:
        raise UserError(
            "sd-scripts does not find the captions of all pictures and would train on the class "
            f"name instead ({line.strip()[:100]}…). Does the container see the .txt files?"
        )
