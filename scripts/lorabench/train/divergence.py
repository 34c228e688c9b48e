"""Stop a training that diverges, and say which settings to change."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lorabench.errors import UserError
from lorabench.settings.models import TrainSettings
from lorabench.train.history import Row

_SHOWN = 10

EXPLODED = 10.0
"""Times the loss of predicting nothing: from there no training comes back."""
WINDOW: int = 50
"""Steps whose median is looked at: with one picture a step, single losses say little."""
RISEN = 3.0
"""Times the median of the first `WINDOW` steps."""
NOTHING = 0.75
"""Share of the loss of predicting nothing: of good trainings, none came above 0.4 of it."""


class Watch(NamedTuple):
    """What a training is watched by."""

    settings: TrainSettings
    nothing: float
    """The loss of a model that predicts nothing; infinite where nobody knows it."""
    kept: Path
    """The folder of the LoRAs of epochs."""
    first: int = WINDOW
    """The number of steps that say what the loss was at first."""

    def check(self, loss: float, before: Sequence[Row]) -> None:
        """Raise `UserError` with the settings to change if this loss after those says it is lost.

        It says the losses of the last steps too: Snakemake deletes the log of a failed training.
        """
        broken = not math.isfinite(loss) or loss >= EXPLODED * self.nothing
        first = [row.loss for row in before[: self.first]]
        latest = [*(row.loss for row in before[1 - WINDOW :]), loss]
        if not broken and not self._lost(first, latest):
            return
        step = before[-1].step + 1 if before else 1
        began = f"It began with {_few(first[:3])}. " if len(before) > _SHOWN else ""
        raise UserError(
            f"the training diverged: at step {step} the loss is {loss:g}, after "
            f"{_few(latest[-_SHOWN - 1 : -1]) or 'nothing'}. {began}"
            f"{self._remedy(10 if broken else 3)}{self._what_is_left()}"
        )

    def _lost(self, first: Sequence[float], latest: Sequence[float]) -> bool:
        """Whether the loss has risen by far, and stayed there."""
        if len(latest) < WINDOW:
            return False
        now = np.median(latest)
        if now > NOTHING * self.nothing and now > 2 * min(first[:3]):
            return True  # from so early on that the first steps say nothing
        return bool(now > RISEN * np.median(first))

    def _remedy(self, parts: int) -> str:
        """Say which settings to change, and to what."""
        settings = self.settings
        rates = {"unet_lr": settings.unet_lr, "text_encoder_lr": settings.text_encoder_lr}
        lower = [f"{name} (now {now:g}) to {now / parts:.2g}" for name, now in rates.items() if now]
        precision = (
            f", precision fp32 (now {settings.precision})" if settings.precision != "fp32" else ""
        )
        return (
            f"Lower {' and '.join(lower)}; else try warmup_steps 50 (now {settings.warmup_steps}), "
            f"max_grad_norm 1 (now {settings.max_grad_norm:g}){precision}."
        )

    def _what_is_left(self) -> str:
        kept = f" The LoRAs of earlier epochs stay in {self.kept}."
        return kept if self.settings.save_every_epochs else ""


def loss_of_nothing(alphas: np.ndarray, settings: TrainSettings, prediction: str) -> float:
    """Return the mean loss of a model that predicts nothing, over `alphas`, its alphas_cumprod."""
    snr = np.maximum(alphas / (1 - alphas), 1e-8)
    weights = np.minimum(snr, settings.min_snr_gamma) / (snr + (prediction != "epsilon"))
    mean = float(weights.mean()) if settings.min_snr_gamma else 1.0
    return mean * (1 + settings.noise_offset**2)


def _few(losses: Sequence[float]) -> str:
    return ", ".join(f"{loss:.3g}" for loss in losses)
