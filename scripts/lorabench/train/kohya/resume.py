"""The saved states of a training, from which a killed one continues."""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

from lorabench.train.external.training import Training

# Of the files that sd-scripts has, accelerate writes this last: with it the state is complete.
_LAST_FILE = "random_states_0.pkl"


class State(NamedTuple):
    """A state from the end of epoch `epoch`, counted from 1, after `steps` optimizer steps.

    In a training that was itself resumed, its own `train_state.json` has too few steps.
    """

    folder: Path
    epoch: int
    steps: int


def prepare(training: Training) -> State | None:
    """Return the last complete state of the training, and prepare its folder.

    Without one, empty the folder. Remove a killed run's final LoRA, so that a file found later is
    of this training.
    """
    training.folder.mkdir(parents=True, exist_ok=True)
    found = [state for path in training.folder.iterdir() if (state := _read(path, training))]
    if found:
        for path in [training.file(), *training.folder.glob("*-step*.safetensors")]:
            path.unlink(missing_ok=True)
        return max(found, key=lambda state: state.steps)
    shutil.rmtree(training.folder)
    training.folder.mkdir()
    return None


def remaining(training: Training, state: State | None) -> int | None:
    """Return the step, counted from the state, at which to save if the training ends in an epoch.

    A resumed sd-scripts counts its steps from 0 and trains to the end of an epoch, so a LoRA saved
    at that step is the result.
    """
    if state is None or training.steps % training.steps_per_epoch == 0:
        return None
    return training.steps - state.steps


def _read(path: Path, training: Training) -> State | None:
    complete = path / _LAST_FILE
    named = re.fullmatch(re.escape(training.name) + r"-(\d{6})-state", path.name)
    if not named or not complete.is_file() or not complete.stat().st_size:
        return None
    epoch = int(named[1])
    steps = epoch * training.steps_per_epoch
    return State(path, epoch, steps) if steps < training.steps else None
