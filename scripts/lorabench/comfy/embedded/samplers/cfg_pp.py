"""CFG++ (Chung et al. 2024, https://arxiv.org/abs/2406.08070) for samplers of the other files.

The noise that is put back is that of the negative prompt's guess alone, so that guidance moves the
clean guess and not the noise. These samplers therefore need both guesses, also at CFG 1.
"""

from torch import Tensor

from lorabench.comfy.embedded.samplers.multistep import res_weights
from lorabench.comfy.embedded.samplers.walk import Walk, ancestral, middle, slope, toward


def euler_cfg_pp(walk: Walk, x: Tensor) -> Tensor:
    """Euler's method."""
    return euler_ancestral_cfg_pp(walk, x, eta=0.0, s_noise=0.0)


def euler_cfg_pp_alternative(walk: Walk, x: Tensor) -> Tensor:
    """Euler's method, whose slope leads from the negative prompt's guess to the guided one."""
    for step in walk:
        denoised, without = walk.both_guesses(x, step)
        along = slope(x - denoised + without, denoised, step.sigma)
        x = x + along * (step.lower - step.sigma)
    return x


def euler_ancestral_cfg_pp(walk: Walk, x: Tensor, eta: float = 1.0, s_noise: float = 1.0) -> Tensor:
    """Euler's method below the next level, and fresh noise up to it."""
    fresh = walk.noise.independent(x)
    for step in walk:
        denoised, without = walk.both_guesses(x, step)
        if step.lower == 0:
            x = denoised
            continue
        down, up = ancestral(step.sigma, step.lower, eta)
        x = denoised + down * slope(x, without, step.sigma)
        if eta > 0 and s_noise > 0:
            x = x + fresh(step.sigma, step.lower) * s_noise * up
    return x


def dpmpp_2s_ancestral_cfg_pp(
    walk: Walk, x: Tensor, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    """DPM-Solver++(2S) below the next level, and fresh noise up to it."""
    fresh = walk.noise.independent(x)
    for step in walk:
        denoised, without = walk.both_guesses(x, step)
        down, up = ancestral(step.sigma, step.lower, eta)
        if down == 0:
            x = denoised
        else:
            between = middle(step.sigma, down)
            halfway = toward(x + denoised - without, denoised, between / step.sigma)
            further, without = walk.denoise.both(halfway, between)
            share = down / step.sigma
            x = share * (x + denoised - without) + (1 - share) * further
        if step.lower > 0:
            x = x + fresh(step.sigma, step.lower) * s_noise * up
    return x


def dpmpp_2m_cfg_pp(walk: Walk, x: Tensor) -> Tensor:
    """DPM-Solver++(2M)."""
    previous: Tensor | None = None
    for step in walk:
        denoised, without = walk.both_guesses(x, step)
        share = step.lower / step.sigma
        x = denoised + share * (x - without)
        if previous is not None and step.lower > 0:
            logs = walk.levels[step.index - 1 : step.index + 2].log()
            ratio = (logs[0] - logs[1]) / (logs[1] - logs[2])
            x = x + (1 - share) / (2 * ratio) * (denoised - previous)
        previous = without
    return x


def res_multistep_cfg_pp(walk: Walk, x: Tensor, s_noise: float = 1.0) -> Tensor:
    """The exponential integrator of `res_multistep`."""
    return res_multistep_ancestral_cfg_pp(walk, x, 0.0, s_noise)


def res_multistep_ancestral_cfg_pp(
    walk: Walk, x: Tensor, eta: float = 1.0, s_noise: float = 1.0
) -> Tensor:
    """The same below the next level, and fresh noise up to it."""
    fresh = walk.noise.independent(x)
    previous, last_down = None, walk.levels[0]
    for step in walk:
        denoised, without = walk.both_guesses(x, step)
        down, up = ancestral(step.sigma, step.lower, eta)
        if previous is None or down == 0:
            x = denoised + down * slope(x, without, step.sigma)
        else:
            now, before = res_weights(step.sigma, down, walk.levels[step.index - 1], last_down)
            x = down / step.sigma * (x + denoised - without) + now * without + before * previous
        if up > 0:
            x = x + fresh(step.sigma, step.lower) * s_noise * up
        previous, last_down = without, down
    return x


def gradient_estimation_cfg_pp(walk: Walk, x: Tensor, gamma: float = 2.0) -> Tensor:
    """`gradient_estimation`, whose correction is added to a step of Euler's method."""
    last: Tensor | None = None
    for step in walk:
        denoised, without = walk.both_guesses(x, step)
        now = slope(x, without, step.sigma)
        if step.lower == 0:
            return denoised
        x = denoised + now * step.lower
        if last is not None:
            x = x + (gamma - 1) * (now - last) * (step.lower - step.sigma)
        last = now
    return x
