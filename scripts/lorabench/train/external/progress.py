"""Turn the progress bar of a training program into the rows of train_log.csv."""

import math
import re
import time
from pathlib import Path

import numpy as np

from lorabench import cli
from lorabench.settings.models import TrainSettings
from lorabench.train import divergence, history
from lorabench.train.external.training import Training
from lorabench.train.history import History, Row
from lorabench.train.schedule import factor

_STEPS = re.compile(r"^steps:.*\| *(\d+)/\d+ \[")
_LOSS = re.compile(r"\bavr_loss=([^],\s]+)")
_HELD_OUT = re.compile(r"^epoch validation steps:.*\bval_epoch_avg_loss=([^],\s]+)")
_BAR = re.compile(r"\d+%\|.*\| *\d+/\d+ \[|^\d+it \[")
# Options that weigh losses otherwise than the settings say, or shift noise and timesteps.
_CHANGES_LOSS = re.compile(r"loss|snr|noise|timestep|debiased|v_pred|huber|mask")
_ALPHAS = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
"""The alphas_cumprod of Stable Diffusion, which sd-scripts trains with."""
# Options that make the learning rate another one than the settings say.
_CHANGES_RATE = re.compile(r"lr|learning_rate|optimizer")


def is_bar(line: str) -> bool:
    """Whether the line is one of the many states of a progress bar."""
    return bool(_BAR.search(line) or _STEPS.match(line))


class Progress:
    """Follows a training by its progress bar: shows another bar, and writes a row for each step.

    A step's loss is that of the bar: the mean over the last epoch, in three digits. Its learning
    rate follows from the settings; it is NaN if the user's options change it.
    """

    def __init__(self, training: Training, device: str, log: Path, first: int) -> None:
        """Continue after `first` steps, with their rows from the file `log`."""
        self._training = training
        self._device = device
        self._first = first
        rows = read_rows(log, first)
        self._before = rows[-1].seconds if rows else 0.0
        self._begin = time.monotonic()
        self._current: Row | None = None
        self._watch = _watch(training)
        self.over = False
        """Whether the program has passed the last step."""
        self._history = History(log, rows)
        self._bar = cli.bar(total=training.steps, initial=first, desc="training", unit="step")

    def read(self, line: str) -> None:
        """Take a line of the output; only the bar of the steps counts.

        Raises `UserError`: the training diverged.
        """
        if measured := _HELD_OUT.match(line):
            self._measured(float(measured[1]))
        found = _STEPS.match(line)
        if not found:
            return
        if found[1] == "0":
            self._begin = time.monotonic()  # loading does not count
            self._bar.unpause()
        loss = _LOSS.search(line)
        step = self._first + int(found[1])
        self.over = step > self._training.steps
        if loss is None or not self._first < step <= self._training.steps:
            return
        if self._current and self._current.step < step:
            self._add(self._current)
            self._current = None
        if self._current and self._current.validation_loss is not None:
            return  # the bar of a step that is complete, shown again
        self._watch.check(float(loss[1]), self._history.rows)
        self._current = self._row(step, float(loss[1]))

    def close(self) -> None:
        """Write the last row and end the bar."""
        if self._current:
            self._add(self._current)
        self._bar.close()
        self._history.close()

    def _measured(self, loss: float) -> None:
        """Take the loss on the held-out pictures, if this is the end of an epoch.

        A training that goes on ends within an epoch without it, and none is to have it then.
        """
        row = self._current
        if row and row.step % self._training.steps_per_epoch == 0:
            self._current = row._replace(validation_loss=loss)

    def _add(self, row: Row) -> None:
        self._history.add(row)
        self._bar.set_postfix(loss=f"{row.loss:.4f}", refresh=False)
        self._bar.update(row.step - self._bar.n)

    def _row(self, step: int, loss: float) -> Row:
        training = self._training
        epoch = (step - 1) // training.steps_per_epoch + 1
        seconds = self._before + time.monotonic() - self._begin
        rate = _rate(step, training.steps, training.settings)
        return Row(step, epoch, loss, rate, seconds, device=self._device)


def read_rows(log: Path, steps: int) -> list[Row]:
    """Return the rows of the first `steps` steps in the file `log`, if it exists."""
    if not steps or not log.exists():
        return []
    return [row for row in history.read(log) if row.step <= steps]


def _rate(step: int, total: int, settings: TrainSettings) -> float:
    """Return the learning rate of `step`, from 1; their warm-up begins at 0, ours above."""
    if any(_CHANGES_RATE.search(name) for name in settings.kohya_args):
        return math.nan
    peak = settings.unet_lr or settings.text_encoder_lr
    if step <= settings.warmup_steps:
        return peak * (step - 1) / settings.warmup_steps
    return peak * factor(step - 1, total, settings)


def _watch(training: Training) -> divergence.Watch:
    """Watch the losses that are shown: means, so that the first few say enough."""
    settings = training.settings
    prediction = training.base.prediction
    nothing = math.inf  # of a flow it depends on the pictures, and on how steps are weighed
    if prediction != "flow" and not any(map(_CHANGES_LOSS.search, settings.kohya_args)):
        nothing = divergence.loss_of_nothing(_ALPHAS, settings, prediction)
    return divergence.Watch(settings, nothing, training.folder, first=10)
