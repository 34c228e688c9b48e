"""The saved states of a training by musubi-tuner, from which a killed one continues.

It counts epochs and steps from 0 wherever it begins. So that nothing is overwritten, what a resumed
training writes has the epoch before it in its name: `ink-after-000004-000002` is epoch 6.
"""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

from lorabench.train.external.training import Training, epoch_suffix

# Of the files of a state, accelerate writes this last: with it the state is complete.
_LAST_FILE = "random_states_0.pkl"
_EPOCH = r"(?:-after-(\d{6}))?-(\d{6})"


class State(NamedTuple):
    """A state from the end of epoch `epoch`, counted from 1, after `steps` optimizer steps."""

    folder: Path
    epoch: int
    steps: int


def prepare(training: Training) -> State | None:
    """Return the last complete state of the training, and prepare its folder.

    What else was trained before goes, but for the LoRAs of epochs, which get their own epoch's
    name, and what was encoded.
    """
    training.folder.mkdir(parents=True, exist_ok=True)
    found = [one for path in training.folder.iterdir() if (one := _read(path, training))]
    state = max(found, key=lambda one: one.steps) if found else None
    name_by_epoch(training)
    kept = {training.file(epoch_suffix(n)) for n in range(1, state.epoch + 1)} if state else set()
    for path in list(training.folder.glob(f"{_glob(training.name)}*")):
        if path in kept or (state and path == state.folder):
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return state


def output_name(training: Training, state: State | None) -> str:
    """Return what the training's files are to be named after."""
    return f"{training.name}-after-{state.epoch:06d}" if state else training.name


def name_by_epoch(training: Training) -> None:
    """Name the LoRAs of epochs that resumed trainings wrote by their place in the whole."""
    for path in list(training.folder.glob("*.safetensors")):
        named = re.fullmatch(re.escape(training.name) + _EPOCH, path.stem)
        if named and named[1]:
            path.replace(training.file(epoch_suffix(int(named[1]) + int(named[2]))))


def remaining(training: Training, state: State | None) -> int | None:
    """Return the step, counted from the state, at which a resumed training is to save and end."""
    return training.steps - state.steps if state else None


def _read(path: Path, training: Training) -> State | None:
    complete = path / _LAST_FILE
    named = re.fullmatch(re.escape(training.name) + _EPOCH + "-state", path.name)
    if not named or not complete.is_file() or not complete.stat().st_size:
        return None
    epoch = int(named[1] or 0) + int(named[2])
    steps = epoch * training.steps_per_epoch
    return State(path, epoch, steps) if steps < training.steps else None


def _glob(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
