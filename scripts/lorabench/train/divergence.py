"""Stop a training that diverges, and say which settings to change."""

import math

import numpy as np

from lorabench.errors import UserError
from lorabench.settings.models import TrainSettings
from lorabench.train import history

# Predicting nothing gives a loss of about 1; no training recovers from ten times that.
EXPLODED = 10.0
LOST, LOST_AFTER = 1.0, 20
"""A mean loss over this many steps that is worse than predicting nothing: the LoRA is ruined."""


def check(loss: float, before: list[history.Row], settings: TrainSettings) -> None:
    """Raise `UserError` with the settings to change if the loss shows that the training diverged.

    The message has the last losses, because Snakemake deletes the log of a failed training.
    """
    latest = [*(row.loss for row in before[1 - LOST_AFTER :]), loss]
    lost = len(latest) == LOST_AFTER and np.mean(latest) > LOST
    if math.isfinite(loss) and loss < EXPLODED and not lost:
        return
    rates = f"unet_lr (now {settings.unet_lr:g})"
    if settings.text_encoder_lr:
        rates += f" and text_encoder_lr (now {settings.text_encoder_lr:g})"
    precision = (
        f", precision fp32 (now {settings.precision})" if settings.precision != "fp32" else ""
    )
    step = before[-1].step + 1 if before else 1
    course = ", ".join(f"{row.loss:.3g}" for row in before[-10:]) or "nothing"
    raise UserError(
        f"the training diverged: at step {step} the loss is {loss:g}, after {course}. "
        f"Lower {rates} to a tenth; else try warmup_steps 50 (now {settings.warmup_steps}), "
        f"max_grad_norm 1 (now {settings.max_grad_norm:g}){precision}."
    )
