"""Samplers, which turn noise into a picture along falling noise levels.

Every sampler is a function (denoise, x, sigmas, noise, on_step) -> x. `x` is a float32 latent of
shape [batch, channels, height, width] in the variance-exploding view; `denoise(x, sigma)` returns
the model's guess at the clean latent; `noise` makes fresh noise for those that need it;
`on_step(i)` is called once per step after the model's first guess, and may raise to stop.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from lorabench.comfy.embedded.uni_pc import uni_pc

Denoise = Callable[[Tensor, Tensor], Tensor]
OnStep = Callable[[int], None]
NoiseBetween = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Noise:
    """The two kinds of fresh noise, both decided by the seed alone."""

    seed: int

    def independent(self, x: Tensor) -> NoiseBetween:
        """Return a source of independent Gaussian noise like `x`, drawn on the device of `x`.

        On CPU it starts from seed + 1: from `seed` itself it would repeat the initial noise.
        """
        generator = torch.Generator(device=x.device)
        generator.manual_seed((self.seed + 1) % 2**64 if x.device.type == "cpu" else self.seed)
        return lambda _from, _to: torch.randn(
            x.shape, dtype=x.dtype, device=x.device, generator=generator
        )

    def brownian(self, x: Tensor, sigmas: Tensor) -> NoiseBetween:
        """Return unit noise between two sigmas from one Brownian path, sampled on the CPU.

        The same path is seen at any number of steps, so more steps refine the same picture.
        """
        import torchsde

        # it warns if an interval's end differs from the path's in the seventh digit
        warnings.filterwarnings("ignore", module="torchsde")
        low, high = sigmas[sigmas > 0].min().cpu(), sigmas.max().cpu()
        start = torch.zeros_like(x, device="cpu")
        path = torchsde.BrownianTree(low, start, high, entropy=self.seed)

        def between(upper: Tensor, lower: Tensor) -> Tensor:
            upper, lower = upper.cpu(), lower.cpu()
            increment = -path(lower, upper).to(x)
            return increment / (upper - lower).to(x).sqrt()

        return between


Sampler = Callable[[Denoise, Tensor, Tensor, Noise, OnStep], Tensor]


def euler(denoise: Denoise, x: Tensor, sigmas: Tensor, _noise: Noise, on_step: OnStep) -> Tensor:
    """Walk the probability-flow ODE with Euler steps (Karras et al. 2022, algorithm 2)."""
    for i, (sigma, lower) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, sigma)
        on_step(i)
        x = x + _slope(x, denoised, sigma) * (lower - sigma)
    return x


def euler_ancestral(
    denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep
) -> Tensor:
    """Step below the next level with Euler, then add fresh noise up to it."""
    fresh = noise.independent(x)
    for i, (sigma, lower) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, sigma)
        on_step(i)
        down, up = _ancestral(sigma, lower)
        if down == 0:
            x = denoised
        else:
            x = x + _slope(x, denoised, sigma) * (down - sigma) + fresh(sigma, lower) * up
    return x


def heun(denoise: Denoise, x: Tensor, sigmas: Tensor, _noise: Noise, on_step: OnStep) -> Tensor:
    """Take the mean of the slopes at both ends of each step (Karras et al. 2022, algorithm 2)."""
    for i, (sigma, lower) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, sigma)
        on_step(i)
        slope = _slope(x, denoised, sigma)
        if lower > 0:
            ahead = x + slope * (lower - sigma)
            slope = (slope + _slope(ahead, denoise(ahead, lower), lower)) / 2
        x = x + slope * (lower - sigma)
    return x


def dpmpp_2m(denoise: Denoise, x: Tensor, sigmas: Tensor, _noise: Noise, on_step: OnStep) -> Tensor:
    """DPM-Solver++(2M), https://arxiv.org/abs/2211.01095, in log-SNR time t = -log(sigma)."""
    previous: Tensor | None = None
    for i, (sigma, lower) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, sigma)
        on_step(i)
        h = sigma.log() - lower.log()
        guess = denoised
        if previous is not None and lower > 0:
            ratio = (sigmas[i - 1].log() - sigma.log()) / h
            guess = (1 + 1 / (2 * ratio)) * denoised - (1 / (2 * ratio)) * previous
        x = (lower / sigma) * x - (-h).expm1() * guess
        previous = denoised
    return x


def dpmpp_2m_sde(
    denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep
) -> Tensor:
    """DPM-Solver++(2M) for the diffusion SDE (eta 1), with the midpoint correction."""
    fresh = noise.brownian(x, sigmas)
    previous, last_h = None, None
    for i, (sigma, lower) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, sigma)
        on_step(i)
        if lower == 0:
            return denoised
        h = sigma.log() - lower.log()
        gain = -(-2 * h).expm1()
        x = (lower / sigma) * (-h).exp() * x + gain * denoised
        if previous is not None and last_h is not None:
            x = x + 0.5 * gain * (h / last_h) * (denoised - previous)
        x = x + fresh(sigma, lower) * lower * gain.sqrt()
        previous, last_h = denoised, h
    return x


def dpmpp_sde(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep) -> Tensor:
    """DPM-Solver++ for the diffusion SDE (eta 1), with a model call at the start and the middle."""
    fresh = noise.brownian(x, sigmas)
    for i, (sigma, lower) in enumerate(pairwise(sigmas)):
        denoised = denoise(x, sigma)
        on_step(i)
        if lower == 0:
            return denoised
        middle = (0.5 * (sigma.log() + lower.log())).exp()
        halfway = _sde_step(x, denoised, sigma, middle, fresh)
        x = _sde_step(x, denoise(halfway, middle), sigma, lower, fresh)
    return x


def lcm(denoise: Denoise, x: Tensor, sigmas: Tensor, noise: Noise, on_step: OnStep) -> Tensor:
    """Jump to the clean guess and add fresh noise of the next level, as consistency models do."""
    fresh = noise.independent(x)
    for i, (sigma, lower) in enumerate(pairwise(sigmas)):
        x = denoise(x, sigma)
        on_step(i)
        if lower > 0:
            x = x + fresh(sigma, lower) * lower
    return x


SAMPLERS: dict[str, Sampler] = {
    "euler": euler,
    "euler_ancestral": euler_ancestral,
    "heun": heun,
    "dpmpp_sde": dpmpp_sde,
    "dpmpp_2m": dpmpp_2m,
    "dpmpp_2m_sde": dpmpp_2m_sde,
    "lcm": lcm,
    "ddim": euler,  # DDIM is Euler in this view of the noise
    "uni_pc": uni_pc,
}


def _slope(x: Tensor, denoised: Tensor, sigma: Tensor) -> Tensor:
    """Return dx/dsigma of the probability-flow ODE."""
    return (x - denoised) / sigma


def _ancestral(sigma: Tensor, lower: Tensor) -> tuple[Tensor, Tensor]:
    """Split `lower` into the level to step down to and the noise to add, keeping the variance."""
    up = torch.minimum(lower, (lower**2 * (sigma**2 - lower**2) / sigma**2) ** 0.5)
    return (lower**2 - up**2) ** 0.5, up


def _sde_step(
    x: Tensor, denoised: Tensor, sigma: Tensor, lower: Tensor, fresh: NoiseBetween
) -> Tensor:
    down, up = _ancestral(sigma, lower)
    h = sigma.log() - down.log()
    return (-h).exp() * x - (-h).expm1() * denoised + fresh(sigma, lower) * up
