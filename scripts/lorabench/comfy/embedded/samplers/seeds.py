"""SEEDS (Gonzalez et al. 2023, https://arxiv.org/abs/2305.14267) and the exponential Heun method.

They solve the diffusion SDE in log-SNR time with several guesses in each step. The noise of its
parts is independent, and is carried on from each part to the next. `eta` from 0 scales it (at 0
they solve the ODE), `s_noise` scales it alone.
"""

import torch
from torch import Tensor

from lorabench.comfy.embedded.samplers.walk import Step, Walk


def seeds_2(
    walk: Walk,
    x: Tensor,
    eta: float = 1.0,
    s_noise: float = 1.0,
    r: float = 0.5,
    solver_type: str = "phi_1",
) -> Tensor:
    """SEEDS-2, with a further guess at the share `r` of each step ("phi_1" or "phi_2")."""
    noise = _PartialNoise(walk, x, eta, s_noise)
    for step in walk:
        denoised = walk.guess(x, step)
        if step.lower == 0:
            x = denoised
            continue
        part = _Part(step, eta)
        between = part.level(r)
        ahead = part.keep(r) * x - part.phi_1(r) * denoised
        ahead = ahead + noise.of(part, 0.0, r)
        further = walk.denoise(ahead, between)
        weight = part.phi_1(1.0) / (2 * r) if solver_type == "phi_1" else part.phi_2(1.0) / r
        guess = part.phi_1(1.0) * denoised + weight * (further - denoised)
        x = part.keep(1.0) * x - guess + noise.of(part, r, 1.0)
    return x


def seeds_3(
    walk: Walk,
    x: Tensor,
    eta: float = 1.0,
    s_noise: float = 1.0,
    r_1: float = 1 / 3,
    r_2: float = 2 / 3,
) -> Tensor:
    """SEEDS-3, with further guesses at the shares `r_1` and `r_2` of each step."""
    noise = _PartialNoise(walk, x, eta, s_noise)
    for step in walk:
        denoised = walk.guess(x, step)
        if step.lower == 0:
            x = denoised
            continue
        part = _Part(step, eta)
        ahead = part.keep(r_1) * x - part.phi_1(r_1) * denoised + noise.of(part, 0.0, r_1)
        second = walk.denoise(ahead, part.level(r_1)) - denoised
        ahead = part.keep(r_2) * x - part.phi_1(r_2) * denoised
        ahead = ahead - r_2 / r_1 * part.phi_2(r_2) * second + noise.of(part, r_1, r_2)
        third = walk.denoise(ahead, part.level(r_2)) - denoised
        x = part.keep(1.0) * x - part.phi_1(1.0) * denoised
        x = x - part.phi_2(1.0) / r_2 * third + noise.of(part, r_2, 1.0)
    return x


def exp_heun_2_x0(walk: Walk, x: Tensor, solver_type: str = "phi_2") -> Tensor:
    """Exponential Heun method of second order: SEEDS-2 without noise, with a guess at the end."""
    return seeds_2(walk, x, eta=0.0, s_noise=0.0, r=1.0, solver_type=solver_type)


def exp_heun_2_x0_sde(
    walk: Walk, x: Tensor, eta: float = 1.0, s_noise: float = 1.0, solver_type: str = "phi_2"
) -> Tensor:
    """The same with the SDE's noise."""
    return seeds_2(walk, x, eta=eta, s_noise=s_noise, r=1.0, solver_type=solver_type)


class _Part:
    """The coefficients at a share of a step."""

    def __init__(self, step: Step, eta: float) -> None:
        self.begin, self.end = step.sigma.log(), step.lower.log()
        self.h = self.begin - self.end
        self.reach = self.h * (eta + 1)
        self.noise = self.h * eta

    def level(self, share: float) -> Tensor:
        """Return sigma there."""
        return torch.lerp(self.begin, self.end, share).exp()

    def keep(self, share: float) -> Tensor:
        """Return the weight of `x`."""
        return (-share * self.reach).exp()

    def phi_1(self, share: float) -> Tensor:
        """Return h phi_1(h), the negative weight of the first guess."""
        return torch.expm1(-share * self.reach)

    def phi_2(self, share: float) -> Tensor:
        """Return h phi_2(h), the negative weight of a change of the guess."""
        h = -share * self.reach
        return (torch.expm1(h) - h) / h


class _PartialNoise:
    """The noise of a step up to a share of it, of unit variance at level 1."""

    def __init__(self, walk: Walk, x: Tensor, eta: float, s_noise: float) -> None:
        self.fresh = walk.noise.independent(x)
        self.wanted = eta > 0 and s_noise > 0
        self.s_noise = s_noise
        self.sum: Tensor | float = 0.0

    def of(self, part: _Part, begin: float, end: float) -> Tensor | float:
        """Carry the noise at share `begin` on to `end`, with fresh noise, and return it there."""
        if not self.wanted:
            return 0.0
        length = (begin - end) * part.noise
        carried = self.sum * length.exp() if begin > 0 else 0.0
        fresh = self.fresh(part.level(begin), part.level(end))
        self.sum = carried + (-(2 * length).expm1()).sqrt() * fresh
        return self.sum * part.level(end) * self.s_noise
