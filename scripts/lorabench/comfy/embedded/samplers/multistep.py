"""Samplers of the probability-flow ODE that use the guesses of earlier steps; they add no noise,
but for the ancestral kind of `res_multistep`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lorabench.comfy.embedded.samplers.walk import Walk, ancestral, slope, toward


def lms(walk: Walk, x: Tensor, order: int = 4) -> Tensor:
    """Integrate the polynomial through the last `order` slopes (Adams and Bashforth)."""
    levels, slopes = walk.levels.cpu().numpy(), []
    for step in walk:
        denoised = walk.guess(x, step)
        slopes = [slope(x, denoised, step.sigma), *slopes][:order]
        if step.lower == 0:
            x = denoised
            continue
        nodes = levels[step.index :: -1][: len(slopes)]
        for j, each in enumerate(slopes):
            x = x + _lagrange_integral(nodes, j, levels[step.index + 1]) * each
    return x


def dpmpp_2m(walk: Walk, x: Tensor) -> Tensor:
    """DPM-Solver++(2M), https://arxiv.org/abs/2211.01095, in log-SNR time t = -log(sigma)."""
    previous: Tensor | None = None
    for step in walk:
        denoised = walk.guess(x, step)
        guess = denoised
        if previous is not None and step.lower > 0:
            ratio = _last_over_this(walk.levels, step.index)
            guess = denoised + (denoised - previous) / (2 * ratio)
        x = toward(x, guess, step.lower / step.sigma)
        previous = denoised
    return x


def ipndm(walk: Walk, x: Tensor, max_order: int = 4) -> Tensor:
    """Use the weights of Adams and Bashforth for equal steps, whatever the steps are.

    See Zhang and Chen (2022, https://arxiv.org/abs/2204.13902), section 3.3.
    """
    weights = (
        (1,),
        (3 / 2, -1 / 2),
        (23 / 12, -16 / 12, 5 / 12),
        (55 / 24, -59 / 24, 37 / 24, -9 / 24),
    )
    slopes: list[Tensor] = []
    for step in walk:
        denoised = walk.guess(x, step)
        slopes = [slope(x, denoised, step.sigma), *slopes][:max_order]
        if step.lower == 0:
            x = denoised
            continue
        mean = sum(w * each for w, each in zip(weights[len(slopes) - 1], slopes, strict=True))
        x = x + (step.lower - step.sigma) * mean
    return x


def ipndm_v(walk: Walk, x: Tensor) -> Tensor:
    """Use the weights of Adams and Bashforth for unequal steps, up to order 4.

    They differ from the exact ones in two places (`_unequal`), as the pictures that people know.
    """
    slopes: list[Tensor] = []
    steps: list[Tensor] = []
    for step in walk:
        denoised = walk.guess(x, step)
        slopes = [slope(x, denoised, step.sigma), *slopes][:4]
        steps = [step.lower - step.sigma, *steps][:4]
        x = denoised if step.lower == 0 else x + steps[0] * _unequal(slopes, steps)
    return x


def _unequal(slopes: list[Tensor], steps: list[Tensor]) -> Tensor:
    """Return the mean slope of a step from the last slopes and step lengths, newest first.

    In Newton's form: each difference is that of the lower order, less the same one step before.
    """
    h, mean = steps[0], slopes[0]
    if len(slopes) == 1:
        return mean
    h1, first = steps[1], slopes[0] - slopes[1]
    mean = mean + h / h1 / 2 * first
    if len(slopes) == 2:
        return mean
    h2, before = steps[2], slopes[1] - slopes[2]
    second = first - h1 / h2 * before
    # exact: (1 - h / (3 (h + h1))) h (h + h1) / (h1 (h1 + h2)) / 2
    mean = mean + (1 - h**2 / (3 * h1 * (h1 + h2))) / 2 * second
    if len(slopes) == 3:
        return mean
    h3 = steps[3]
    share = h1 * (h1 + h2) / (h2 * (h2 + h3))
    # exact: the last slope times h2 / h3
    third = second - share * (before - h2 / h3 * slopes[2] + h1 / h2 * slopes[3])
    weight = (1 - h / (3 * (h + h1))) / 2
    weight = weight + (1 - h / (2 * (h + h1))) * h / (6 * (h + h1 + h2))
    weight = weight * h * (h + h1) * (h + h1 + h2) / (h1 * (h1 + h2) * (h1 + h2 + h3))
    return mean + weight * third


def deis(walk: Walk, x: Tensor, max_order: int = 3) -> Tensor:
    """Integrate the polynomial through the last slopes in the time of a VP process (tAB-DEIS).

    See Zhang and Chen (2022, https://arxiv.org/abs/2204.13902).
    """
    time = _VpTime(walk.levels)
    slopes: list[Tensor] = []
    for step in walk:
        slopes = [slope(x, walk.guess(x, step), step.sigma), *slopes][:max_order]
        if len(slopes) == 1 or step.lower <= 0:
            x = x + (step.lower - step.sigma) * slopes[0]
            continue
        for j, each in enumerate(slopes):
            x = x + time.integral(step.index, len(slopes), j).to(x) * each
    return x


class _VpTime:
    """Levels as times of the VP process whose sigma is 80 at time 1 and 0.002 at time 0.001."""

    def __init__(self, levels: Tensor) -> None:
        start, end, first = np.log(0.002**2 + 1), np.log(80.0**2 + 1), 1e-3
        self.rise = float(2 * (start / first - end) / (first - 1))
        self.low = float(end - 0.5 * self.rise)
        logs = (levels.cpu() ** 2 + 1).log()
        self.times = ((self.low**2 + 2 * self.rise * logs).sqrt() - self.low) / self.rise

    def integral(self, index: int, order: int, j: int) -> Tensor:
        """Return the integral over step `index` of basis polynomial `j` of `order`, in sigma.

        It is a sum over 10,000 points, as in the authors' program: an exact one differs in the
        fourth digit.
        """
        nodes = self.times[index - order + 1 : index + 1].flip(0)
        begin, end, count = self.times[index], self.times[index + 1], 10_000
        times = torch.linspace(float(begin), float(end), count)
        alpha = (-0.5 * times**2 * self.rise - times * self.low).exp()
        growth = 0.5 * (times * self.rise + self.low) / (alpha * (1 - alpha)).sqrt()
        return (growth * _lagrange(nodes, j)(times)).sum() * (end - begin) / count


def res_multistep(walk: Walk, x: Tensor, eta: float = 0.0, s_noise: float = 1.0) -> Tensor:
    """Exponential integrator of second order with two guesses, https://arxiv.org/abs/2308.02157.

    With `eta` above 0 it is the ancestral kind: it steps below the next level and adds noise.
    """
    fresh = walk.noise.independent(x)
    previous, last_down = None, walk.levels[0]
    for step in walk:
        denoised = walk.guess(x, step)
        down, up = ancestral(step.sigma, step.lower, eta)
        if previous is None or down == 0:
            x = toward(x, denoised, down / step.sigma)
        else:
            now, before = res_weights(step.sigma, down, walk.levels[step.index - 1], last_down)
            x = down / step.sigma * x + now * denoised + before * previous
        if up > 0:
            x = x + fresh(step.sigma, step.lower) * s_noise * up
        previous, last_down = denoised, down
    return x


def res_weights(
    sigma: Tensor, down: Tensor, last_sigma: Tensor, last_down: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the weights of this guess and the last one for a step from `sigma` to `down`.

    phi1 and phi2 are the functions of exponential integrators; the last guess was made at
    `last_sigma`, from which the step went to `last_down`.
    """
    h = sigma.log() - down.log()
    place = (last_down.log() - last_sigma.log()) / h
    phi1 = torch.expm1(-h) / -h
    phi2 = (phi1 - 1) / -h
    before = torch.nan_to_num(phi2 / place, nan=0.0)
    return h * torch.nan_to_num(phi1 - phi2 / place, nan=0.0), h * before


def res_multistep_ancestral(
    walk: Walk, x: Tensor, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    """The ancestral kind of `res_multistep`."""
    return res_multistep(walk, x, eta, s_noise)


def gradient_estimation(walk: Walk, x: Tensor, gamma: float = 2.0) -> Tensor:
    """Go `gamma` of the way from the last slope to this one, https://arxiv.org/abs/2306.04848."""
    last: Tensor | None = None
    for step in walk:
        denoised = walk.guess(x, step)
        now = slope(x, denoised, step.sigma)
        if step.lower == 0:
            return denoised
        mean = now if last is None else now + (gamma - 1) * (now - last)
        x = x + mean * (step.lower - step.sigma)
        last = now
    return x


def _last_over_this(levels: Tensor, index: int) -> Tensor:
    """Return the last step's length over this one's, on a log scale."""
    logs = levels[index - 1 : index + 2].log()
    return (logs[0] - logs[1]) / (logs[1] - logs[2])


def _lagrange(nodes: Any, j: int) -> Callable[[Any], Any]:
    """Return the polynomial that is 1 at node `j` and 0 at the others, for numbers or tensors."""

    def polynomial(t: Any) -> Any:
        value = 1.0
        for k, node in enumerate(nodes):
            if k != j:
                value = value * (t - node) / (nodes[j] - node)
        return value

    return polynomial


def _lagrange_integral(nodes: np.ndarray, j: int, end: float) -> float:
    """Return the integral of the `j`-th polynomial from the first node to `end`."""
    from scipy import integrate  # half a second that other samplers need not wait

    return integrate.quad(_lagrange(nodes, j), nodes[0], end, epsrel=1e-4)[0]
