"""DPM-Solver (Lu et al. 2022, https://arxiv.org/abs/2206.00927): "fast" and "adaptive".

Both walk between the first and the last level above 0, whatever lies between, in log-SNR time
t = -log(sigma), and predict the noise.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lorabench.comfy.embedded.samplers.walk import Step, Walk, ancestral, slope
from lorabench.errors import UserError


def dpm_fast(walk: Walk, x: Tensor) -> Tensor:
    """Take steps of third order and one or two of lower order, as many guesses as levels."""
    guesses = len(walk.levels) - 1
    if guesses < 1:
        return x
    start, end = _ends(walk)
    count = guesses // 3 + 1
    orders = [3] * (count - 2) + [2, 1] if guesses % 3 == 0 else [3] * (count - 1) + [guesses % 3]
    times = torch.linspace(float(start), float(end), count + 1, device=x.device)
    for i, order in enumerate(orders):
        noise = _first_noise(walk, x, i, times[i])
        x = _STEPS[order](walk, x, times[i], times[i + 1], noise)
    return x


def dpm_adaptive(
    walk: Walk,
    x: Tensor,
    order: int = 3,
    rtol: float = 0.05,
    atol: float = 0.0078,
    h_init: float = 0.05,
    pcoeff: float = 0.0,
    icoeff: float = 1.0,
    dcoeff: float = 0.0,
    accept_safety: float = 0.81,
    eta: float = 0.0,
    s_noise: float = 1.0,
) -> Tensor:
    """Choose each step's length so that the orders `order` and `order` - 1 agree.

    The allowed difference is the larger of `atol` and `rtol` of the latent. A PID controller
    (`pcoeff`, `icoeff`, `dcoeff`) changes the length, from `h_init`; a step is taken if it would
    change by no less than `accept_safety`. It takes as many steps as it needs.
    """
    if len(walk.levels) < 2:
        return x
    now, end = _ends(walk)
    fresh = walk.noise.independent(x)
    pid = _Pid(h_init, (pcoeff, icoeff, dcoeff), 1.5 if eta else order, accept_safety)
    last, count = x, 0
    while now < end - 1e-5:
        ahead = torch.minimum(end, now + pid.h)
        if not ahead > now:
            raise UserError(
                f"dpm_adaptive: its steps have shrunk to {pid.h:g}; raise rtol, atol or h_init"
            )
        target, up = ahead, 0.0
        if eta:
            down, _ = ancestral(_sigma(now), _sigma(ahead), eta)
            target = torch.minimum(end, -down.log())
            up = (_sigma(ahead) ** 2 - _sigma(target) ** 2) ** 0.5
        noise = _first_noise(walk, x, count, now)
        low, high = _pair(walk, x, now, target, noise, order)
        allowed = torch.clamp(rtol * torch.maximum(low.abs(), last.abs()), min=atol)
        error = torch.linalg.norm((low - high) / allowed) / x.numel() ** 0.5
        if pid.accepts(float(error)):
            last = low
            x = high + up * s_noise * fresh(_sigma(now), _sigma(ahead)) if eta else high
            now = ahead
        count += 1
    return x


def _ends(walk: Walk) -> tuple[Tensor, Tensor]:
    """Return the times of the first level and of the last one above 0."""
    last = walk.levels[-1] if walk.levels[-1] != 0 else walk.levels[-2]
    return -walk.levels[0].log(), -last.log()


def _first_noise(walk: Walk, x: Tensor, index: int, t: Tensor) -> Tensor:
    """Return the predicted noise at the beginning of a step, and report the step."""
    step = Step(index, _sigma(t), _sigma(t))
    return slope(x, walk.guess(x, step), step.sigma)


def _noise(walk: Walk, x: Tensor, t: Tensor) -> Tensor:
    return slope(x, walk.denoise(x, _sigma(t)), _sigma(t))


def _sigma(t: Tensor) -> Tensor:
    return (-t).exp()


def _first(walk: Walk, x: Tensor, t: Tensor, end: Tensor, noise: Tensor) -> Tensor:
    """DPM-Solver-1."""
    return x - _sigma(end) * (end - t).expm1() * noise


def _second(
    walk: Walk, x: Tensor, t: Tensor, end: Tensor, noise: Tensor, share: float = 0.5
) -> Tensor:
    """DPM-Solver-2, with a further guess at `share` of the step."""
    between = t + share * (end - t)
    further = _noise(walk, _first(walk, x, t, between, noise), between)
    change = _sigma(end) / (2 * share) * (end - t).expm1() * (further - noise)
    return _first(walk, x, t, end, noise) - change


def _third(walk: Walk, x: Tensor, t: Tensor, end: Tensor, noise: Tensor) -> Tensor:
    """DPM-Solver-3, with further guesses at one and two thirds of the step."""
    return _third_from(walk, x, t, end, noise, _at_a_third(walk, x, t, end, noise))


def _at_a_third(walk: Walk, x: Tensor, t: Tensor, end: Tensor, noise: Tensor) -> Tensor:
    between = t + (1 / 3) * (end - t)
    return _noise(walk, _first(walk, x, t, between, noise), between)


def _third_from(
    walk: Walk, x: Tensor, t: Tensor, end: Tensor, noise: Tensor, at_a_third: Tensor
) -> Tensor:
    h = end - t
    between = t + (2 / 3) * h
    reach = (2 / 3) * h
    ahead = _first(walk, x, t, between, noise)
    ahead = ahead - _sigma(between) * 2 * (reach.expm1() / reach - 1) * (at_a_third - noise)
    further = _noise(walk, ahead, between)
    change = _sigma(end) * 1.5 * (h.expm1() / h - 1) * (further - noise)
    return _first(walk, x, t, end, noise) - change


def _pair(
    walk: Walk, x: Tensor, t: Tensor, end: Tensor, noise: Tensor, order: int
) -> tuple[Tensor, Tensor]:
    """Return the results of the orders `order` - 1 and `order`, which share their guesses."""
    if order == 2:
        return _first(walk, x, t, end, noise), _second(walk, x, t, end, noise)
    at_a_third = _at_a_third(walk, x, t, end, noise)
    change = _sigma(end) * 1.5 * (end - t).expm1() * (at_a_third - noise)
    low = _first(walk, x, t, end, noise) - change
    return low, _third_from(walk, x, t, end, noise, at_a_third)


_STEPS: dict[int, Callable[..., Tensor]] = {1: _first, 2: _second, 3: _third}


class _Pid:
    """Chooses the length of steps (Söderlind 2003) for an error that should be 1 or less."""

    def __init__(
        self, h: float, gains: tuple[float, float, float], order: float, safety: float
    ) -> None:
        p, i, d = gains
        self.h = h
        self.powers = ((p + i + d) / order, -(p + 2 * d) / order, d / order)
        self.safety = safety
        self.errors: list[float] = []

    def accepts(self, error: float) -> bool:
        """Change the length for the next step or trial; return whether this one counts."""
        inverse = 1 / (error + 1e-8)
        errors = [inverse, *self.errors[1:]] if self.errors else [inverse] * 3
        factor = math.prod(e**power for e, power in zip(errors, self.powers, strict=True))
        factor = 1 + math.atan(factor - 1)
        self.h *= factor
        good = factor >= self.safety
        self.errors = [errors[0], errors[0], errors[1]] if good else errors
        return good
