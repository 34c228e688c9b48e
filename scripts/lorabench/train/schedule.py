"""Learning rates over the steps, as factors of the configured one."""

import math

from lorabench.settings.models import TrainSettings


def factor(step: int, total: int, settings: TrainSettings) -> float:
    """Return the factor in [0, 1] of the learning rate at `step` (0 is the first) of `total`.

    After a linear warm-up to 1, it is constant, half a cosine to 0, or `restarts` such cosines in
    a row (Loshchilov and Hutter, 2017, without growth of the cycles).
    """
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    progress = (step - settings.warmup_steps) / max(1, total - settings.warmup_steps)
    if settings.scheduler == "constant":
        return 1.0
    if settings.scheduler == "cosine_with_restarts":
        progress = progress * settings.restarts % 1
    return (1 + math.cos(math.pi * progress)) / 2
