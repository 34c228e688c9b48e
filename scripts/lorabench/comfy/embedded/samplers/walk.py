"""What every sampler gets: the denoiser, the noise levels to walk, fresh noise, and a reporter.

A sampler is a function (walk, x, **options) -> x. `x` is a float32 latent of shape [batch,
channels, height, width] in the variance-exploding view of Karras et al. (2022,
https://arxiv.org/abs/2206.00364): clean latent + sigma × noise.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

OnStep = Callable[[int, Tensor], None]
NoiseBetween = Callable[[Tensor, Tensor], Tensor]


class Denoiser(Protocol):
    """The model under guidance, which guesses the clean latent behind a noisy one."""

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return the guess for `x` at noise level `sigma`, a scalar."""
        ...

    def both(self, x: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
        """Return the guess under guidance, and that of the negative prompt alone."""
        ...


class Step(NamedTuple):
    """One step of a walk: its number from 0, its level, and the next level."""

    index: int
    sigma: Tensor
    lower: Tensor


@dataclass(frozen=True)
class Noise:
    """The kinds of fresh noise, all decided by the seed alone."""

    seed: int

    def independent(self, x: Tensor) -> NoiseBetween:
        """Return a source of independent Gaussian noise like `x`, drawn on the device of `x`.

        On a CPU it starts from seed + 1: from `seed` itself it would repeat the initial noise.
        """
        generator = torch.Generator(device=x.device)
        generator.manual_seed((self.seed + 1) % 2**64 if x.device.type == "cpu" else self.seed)
        return lambda _from, _to: torch.randn(
            x.shape, dtype=x.dtype, device=x.device, generator=generator
        )

    def brownian(self, x: Tensor, sigmas: Tensor, *, on_cpu: bool = True) -> NoiseBetween:
        """Return unit noise between two sigmas from one Brownian path.

        The same path is seen at any number of steps, so more steps refine the same picture.
        Drawn `on_cpu`, it is the same on every device; otherwise on the device of `x`.
        """
        import torchsde

        # it warns if an interval's end differs from the path's in the seventh digit
        warnings.filterwarnings("ignore", module="torchsde")
        where = torch.device("cpu") if on_cpu else x.device
        low, high = sigmas[sigmas > 0].min().to(where), sigmas.max().to(where)
        start = torch.zeros_like(x, device=where)
        path = torchsde.BrownianTree(low, start, high, entropy=self.seed)

        def between(sigma: Tensor, other: Tensor) -> Tensor:
            sigma, other = sigma.to(where), other.to(where)
            lower, upper = torch.minimum(sigma, other), torch.maximum(sigma, other)
            increment = path(lower, upper).to(x)
            if sigma > other:
                increment = -increment
            return increment / (upper - lower).to(x).sqrt()

        return between


@dataclass(frozen=True)
class Walk:
    """A walk down `levels`, float32 of shape [steps + 1], which usually end in 0.

    `on_step(i, denoised)` is called once per step, after its first guess, and may raise to stop.
    `sigma_at(share)` is the model's level after a share of the training timesteps, from above.
    """

    denoise: Denoiser
    levels: Tensor
    noise: Noise
    on_step: OnStep
    sigma_at: Callable[[float], float]

    def __iter__(self) -> Iterator[Step]:
        """Yield the steps in order."""
        for index, (sigma, lower) in enumerate(pairwise(self.levels)):
            yield Step(index, sigma, lower)

    def guess(self, x: Tensor, step: Step) -> Tensor:
        """Return the first guess of a step, and report the step."""
        denoised = self.denoise(x, step.sigma)
        self.on_step(step.index, denoised)
        return denoised

    def both_guesses(self, x: Tensor, step: Step) -> tuple[Tensor, Tensor]:
        """Return the first guess of a step with that of the negative prompt; report the step."""
        denoised, without = self.denoise.both(x, step.sigma)
        self.on_step(step.index, denoised)
        return denoised, without


def slope(x: Tensor, denoised: Tensor, sigma: Tensor) -> Tensor:
    """Return dx/dsigma of the probability-flow ODE."""
    return (x - denoised) / sigma


def toward(x: Tensor, denoised: Tensor, share: Tensor) -> Tensor:
    """Return `x` with `share` of its distance to `denoised` left.

    With share = lower / sigma, that is a step down by Euler's method, and by DPM-Solver++'s of
    first order.
    """
    return share * x + (1 - share) * denoised


def middle(sigma: Tensor, lower: Tensor) -> Tensor:
    """Return the level halfway between two, on a log scale."""
    return sigma.log().lerp(lower.log(), 0.5).exp()


def ancestral(sigma: Tensor, lower: Tensor, eta: float = 1.0) -> tuple[Tensor, Tensor]:
    """Split `lower` into the level to step down to and the noise to add, keeping the variance.

    `eta` from 0 scales the noise; `lower` is its upper limit.
    """
    if not eta:
        return lower, torch.zeros_like(lower)
    up = torch.minimum(lower, eta * (lower**2 * (sigma**2 - lower**2) / sigma**2) ** 0.5)
    return (lower**2 - up**2) ** 0.5, up
