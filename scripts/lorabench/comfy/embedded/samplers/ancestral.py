"""Samplers that step below the next level and add fresh, independent noise up to it.

`eta` from 0 scales the noise of a step as the variance allows, `s_noise` the noise alone.
"""

from torch import Tensor

from lorabench.comfy.embedded.samplers.single_step import midpoint
from lorabench.comfy.embedded.samplers.walk import Walk, ancestral, middle, slope, toward


def euler_ancestral(walk: Walk, x: Tensor, eta: float = 1.0, s_noise: float = 1.0) -> Tensor:
    """Step down with Euler's method."""
    fresh = walk.noise.independent(x)
    for step in walk:
        denoised = walk.guess(x, step)
        down, up = ancestral(step.sigma, step.lower, eta)
        if down == 0:
            x = denoised
            continue
        x = x + slope(x, denoised, step.sigma) * (down - step.sigma)
        x = x + fresh(step.sigma, step.lower) * s_noise * up
    return x


def dpm_2_ancestral(walk: Walk, x: Tensor, eta: float = 1.0, s_noise: float = 1.0) -> Tensor:
    """Step down with DPM-Solver-2."""
    fresh = walk.noise.independent(x)
    for step in walk:
        denoised = walk.guess(x, step)
        down, up = ancestral(step.sigma, step.lower, eta)
        if down == 0:
            x = denoised
            continue
        x = midpoint(walk, x, slope(x, denoised, step.sigma), step.sigma, down)
        x = x + fresh(step.sigma, step.lower) * s_noise * up
    return x


def dpmpp_2s_ancestral(walk: Walk, x: Tensor, eta: float = 1.0, s_noise: float = 1.0) -> Tensor:
    """Step down with DPM-Solver++(2S), https://arxiv.org/abs/2211.01095."""
    fresh = walk.noise.independent(x)
    for step in walk:
        denoised = walk.guess(x, step)
        down, up = ancestral(step.sigma, step.lower, eta)
        if down == 0:
            x = denoised
        else:
            between = middle(step.sigma, down)
            halfway = toward(x, denoised, between / step.sigma)
            x = toward(x, walk.denoise(halfway, between), down / step.sigma)
        if step.lower > 0:
            x = x + fresh(step.sigma, step.lower) * s_noise * up
    return x


def ddpm(walk: Walk, x: Tensor) -> Tensor:
    """Draw from the posterior of the next level (Ho et al. 2020, https://arxiv.org/abs/2006.11239).

    The method is defined where the variance stays 1, so `x` is scaled to there and back.
    """
    fresh = walk.noise.independent(x)
    for step in walk:
        denoised = walk.guess(x, step)
        noise = slope(x, denoised, step.sigma)
        signal, next_signal = 1 / (step.sigma**2 + 1), 1 / (step.lower**2 + 1)
        kept = signal / next_signal
        x = (x * signal.sqrt() - (1 - kept) * noise / (1 - signal).sqrt()) / kept.sqrt()
        if step.lower > 0:
            spread = ((1 - kept) * (1 - next_signal) / (1 - signal)).sqrt()
            x = (x + spread * fresh(step.sigma, step.lower)) / next_signal.sqrt()
    return x


def lcm(
    walk: Walk,
    x: Tensor,
    s_noise: float = 1.0,
    s_noise_end: float | None = None,
    noise_clip_std: float = 0.0,
) -> Tensor:
    """Jump to the clean guess and add fresh noise of the next level, as consistency models do.

    See Luo et al. (2023, https://arxiv.org/abs/2310.04378). The noise is scaled from `s_noise` at
    the first step to `s_noise_end` at the last, and cut at `noise_clip_std` of its standard
    deviations, unless that is 0.
    """
    fresh = walk.noise.independent(x)
    end = s_noise if s_noise_end is None else s_noise_end
    last = max(len(walk.levels) - 2, 1)
    for step in walk:
        x = walk.guess(x, step)
        if step.lower > 0:
            noise = fresh(step.sigma, step.lower)
            if noise_clip_std > 0:
                limit = float(noise_clip_std * noise.std())
                noise = noise.clamp(-limit, limit)
            x = x + noise * (s_noise + (end - s_noise) * step.index / last) * step.lower
    return x
