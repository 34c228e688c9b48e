"""States of a training, by which a killed one goes on."""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

from lorabench.train.kohya.training import Training

# accelerate writes it last but for what sd-scripts has none of: with it the state is complete.
_LAST_FILE = "random_states_0.pkl"


class State(NamedTuple):
    """A state that was saved at the end of epoch `epoch`, from 1, after `steps` optimizer steps.

    The steps in its own `train_state.json` are too few where the training was itself resumed.
    """

    folder: Path
    epoch: int
    steps: int


def prepare(training: Training) -> State | None:
    """Return the last complete state of the training, and make its folder ready for it.

    Without one the folder is emptied. What a killed run left of a final LoRA is removed, so that
    a file found after the training is of this training.
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
    """Return the step, counted from the state, that ends the training, where sd-scripts has none.

    It goes on after the state's epoch but counts its steps from 0, and so ends with a whole epoch.
    A number of steps that ends within one is met by a LoRA saved at that step.
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
