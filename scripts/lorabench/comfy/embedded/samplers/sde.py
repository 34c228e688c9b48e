"""Samplers of the diffusion SDE by exponential integrators, in log-SNR time t = -log(sigma).

Those of DPM-Solver++ (https://arxiv.org/abs/2211.01095) take their noise from one Brownian path;
with `noise_on_cpu` it is the same on every device. `eta` from 0 scales the SDE's noise (at 0 it is
the ODE), `s_noise` the noise alone.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from lorabench.comfy.embedded.samplers.walk import Step, Walk, ancestral, toward


def dpmpp_sde(
    walk: Walk,
    x: Tensor,
    eta: float = 1.0,
    s_noise: float = 1.0,
    r: float = 0.5,
    noise_on_cpu: bool = True,
) -> Tensor:
    """DPM-Solver++ with guesses at the start and at the share `r` of each step."""
    if len(walk.levels) < 2:
        return x
    fresh = walk.noise.brownian(x, walk.levels, on_cpu=noise_on_cpu)

    def toward_with_noise(x: Tensor, guess: Tensor, sigma: Tensor, lower: Tensor) -> Tensor:
        down, up = ancestral(sigma, lower, eta)
        x = toward(x, guess, down / sigma)
        return x + fresh(sigma, lower) * s_noise * up if eta > 0 and s_noise > 0 else x

    for step in walk:
        denoised = walk.guess(x, step)
        if step.lower == 0:
            x = denoised
            continue
        between = (step.sigma.log() + r * (step.lower.log() - step.sigma.log())).exp()
        ahead = toward_with_noise(x, denoised, step.sigma, between)
        guess = denoised + (walk.denoise(ahead, between) - denoised) / (2 * r)
        x = toward_with_noise(x, guess, step.sigma, step.lower)
    return x


def dpmpp_2m_sde(
    walk: Walk,
    x: Tensor,
    eta: float = 1.0,
    s_noise: float = 1.0,
    solver_type: str = "midpoint",
    noise_on_cpu: bool = True,
) -> Tensor:
    """DPM-Solver++(2M), of second order with the last guess ("midpoint" or "heun")."""
    if len(walk.levels) < 2:
        return x
    fresh = walk.noise.brownian(x, walk.levels, on_cpu=noise_on_cpu)
    previous, last_h = None, None
    for step in walk:
        denoised = walk.guess(x, step)
        if step.lower == 0:
            x = denoised
            continue
        h = step.sigma.log() - step.lower.log()
        reach = h * (eta + 1)
        x = (-reach).exp() * x - (-reach).expm1() * denoised
        if previous is not None and last_h is not None:
            change = (denoised - previous) * (h / last_h)
            half = solver_type == "midpoint"
            x = x + (-0.5 * (-reach).expm1() if half else _phi_2(reach)) * change
        x = x + _noise(fresh, step, h, eta, s_noise)
        previous, last_h = denoised, h
    return x


def dpmpp_2m_sde_heun(
    walk: Walk, x: Tensor, eta: float = 1.0, s_noise: float = 1.0, noise_on_cpu: bool = True
) -> Tensor:
    """The "heun" kind of `dpmpp_2m_sde`."""
    return dpmpp_2m_sde(walk, x, eta, s_noise, "heun", noise_on_cpu)


def dpmpp_3m_sde(
    walk: Walk, x: Tensor, eta: float = 1.0, s_noise: float = 1.0, noise_on_cpu: bool = True
) -> Tensor:
    """DPM-Solver++(3M), of third order with the last two guesses."""
    if len(walk.levels) < 2:
        return x
    fresh = walk.noise.brownian(x, walk.levels, on_cpu=noise_on_cpu)
    guesses: list[Tensor] = []
    lengths: list[Tensor] = []
    for step in walk:
        guesses = [walk.guess(x, step), *guesses][:3]
        if step.lower == 0:
            x = guesses[0]
            continue
        h = step.sigma.log() - step.lower.log()
        reach = h * (eta + 1)
        x = (-reach).exp() * x - (-reach).expm1() * guesses[0]
        if len(guesses) > 1:
            first = (guesses[0] - guesses[1]) * (h / lengths[0])
            if len(guesses) > 2:
                before = (guesses[1] - guesses[2]) * (h / lengths[1])
                both = (lengths[0] + lengths[1]) / h
                second = (first - before) / both
                first = first + second * (lengths[0] / h)
                x = x - (_phi_2(reach) / reach - 0.5) * second
            x = x + _phi_2(reach) * first
        x = x + _noise(fresh, step, h, eta, s_noise)
        lengths = [h, *lengths][:2]
    return x


def _phi_2(reach: Tensor) -> Tensor:
    """Return (exp(-reach) - 1 + reach) / reach, the weight of a change per step."""
    return (-reach).expm1() / reach + 1


def _noise(
    fresh: Callable[[Tensor, Tensor], Tensor], step: Step, h: Tensor, eta: float, s_noise: float
) -> Tensor | float:
    """Return the SDE's noise of a step of length `h`."""
    if eta <= 0 or s_noise <= 0:
        return 0.0
    return fresh(step.sigma, step.lower) * step.lower * (-(-2 * h * eta).expm1()).sqrt() * s_noise


def er_sde_scale(sigma: Tensor, eta: float = 1.0) -> Tensor:
    """Return the extended reverse-time SDE's noise scale at a level, as its authors chose it."""
    return sigma * ((sigma**0.3).exp() + 10.0) ** eta


def er_sde(
    walk: Walk,
    x: Tensor,
    s_noise: float = 1.0,
    scale: Callable[[Tensor], Tensor] = er_sde_scale,
    max_stage: int = 3,
) -> Tensor:
    """Solve the extended reverse-time SDE, https://arxiv.org/abs/2309.06169, algorithm 3.

    Its integrals are sums over 200 points. `max_stage` is the highest order, 1 to 3.
    """
    fresh, points = walk.noise.independent(x), 200
    previous, last_change = None, None
    for step in walk:
        sigma, lower = step.sigma, step.lower
        denoised = walk.guess(x, step)
        stage = min(max_stage, step.index + 1)
        if lower == 0:
            x = denoised
            continue
        share = scale(lower) / scale(sigma)
        x = toward(x, denoised, share)
        if stage >= 2 and previous is not None:
            fall = lower - sigma
            place = lower + torch.arange(points, device=x.device) * (-fall / points)
            width = scale(lower) * (-fall / points)
            change = (denoised - previous) / (sigma - walk.levels[step.index - 1])
            x = x + (fall + width * (1 / scale(place)).sum()) * change
            if stage >= 3 and last_change is not None:
                bend = (change - last_change) / ((sigma - walk.levels[step.index - 2]) / 2)
                x = x + (fall**2 / 2 + width * ((place - sigma) / scale(place)).sum()) * bend
            last_change = change
        if s_noise > 0:
            spread = (lower**2 - sigma**2 * share**2).sqrt().nan_to_num(nan=0.0)
            x = x + fresh(sigma, lower) * s_noise * spread
        previous = denoised
    return x
