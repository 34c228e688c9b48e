"""SA-Solver, the stochastic Adams method of Xue et al. (2023, https://arxiv.org/abs/2309.05019).

A predictor and a corrector integrate the polynomial through the last guesses in log-SNR time
t = -log(sigma), with exp weights. Noise is added only between the levels at 20 % and 80 % of the
model's timesteps, unless `interval` says otherwise.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from lorabench.comfy.embedded.samplers.walk import Step, Walk

STOCHASTIC = (0.2, 0.8)
"""The shares of the timesteps between which noise is added."""


def sa_solver(
    walk: Walk,
    x: Tensor,
    eta: float = 1.0,
    interval: tuple[float, float] = STOCHASTIC,
    s_noise: float = 1.0,
    predictor_order: int = 3,
    corrector_order: int = 4,
    use_pece: bool = False,
    simple_order_2: bool = False,
) -> Tensor:
    """Predict each level and correct it by the guess there; with `use_pece`, guess again.

    `eta` is the paper's tau, the strength of the noise; `interval` are shares of the timesteps;
    `simple_order_2` takes the paper's simpler weights where the order is 2.
    """
    if len(walk.levels) < 2:
        return x
    begin, end = (walk.sigma_at(share) for share in interval)
    solver = _Solver(walk, simple_order_2)
    fresh = walk.noise.independent(x)
    predicted, tau, noise = x, 0.0, None
    for step in walk:
        solver.remember(walk.guess(predicted, step), max(predictor_order, corrector_order))
        corrector = min(corrector_order, solver.highest(step.index))
        if step.index > 0 and corrector > 0 and (step.lower > 0 or use_pece):
            x = solver.moved(x, step.index - 1, corrector, tau, corrects=True)
            x = x if noise is None else x + noise
            if use_pece:
                solver.guesses[-1] = walk.denoise(x, step.sigma)
        else:
            x = predicted
        if step.lower == 0:
            predicted = solver.guesses[-1]
            continue
        order = min(predictor_order, solver.highest(step.index + 1))
        tau = eta if eta > 0 and begin >= step.lower >= end else 0.0
        predicted = solver.moved(x, step.index, order, tau, corrects=False)
        noise = None
        if tau > 0 and s_noise > 0:
            noise = fresh(step.sigma, step.lower) * _spread(step, tau) * s_noise
            predicted = predicted + noise
    return predicted


def sa_solver_pece(walk: Walk, x: Tensor, s_noise: float = 1.0) -> Tensor:
    """SA-Solver that guesses twice at each level."""
    return sa_solver(walk, x, s_noise=s_noise, use_pece=True)


def _spread(step: Step, tau: float) -> Tensor:
    """Return the standard deviation of a step's noise."""
    h = step.sigma.log() - step.lower.log()
    return step.lower * (-(-2 * tau**2 * h).expm1()).sqrt()


@dataclass
class _Solver:
    """The guesses so far, newest last, and the steps that they allow."""

    walk: Walk
    simple: bool
    guesses: list[Tensor] = field(default_factory=list)

    def remember(self, guess: Tensor, most: int) -> None:
        """Add a guess, and forget those before the last `most`."""
        self.guesses = [*self.guesses, guess][-most:]

    def highest(self, index: int) -> int:
        """Return the highest order of a step to level `index`; it falls before a level 0."""
        left = len(self.walk.levels) - 1 - index
        return min(len(self.guesses), left) if self.walk.levels[-1] == 0 else len(self.guesses)

    def moved(self, x: Tensor, index: int, order: int, tau: float, *, corrects: bool) -> Tensor:
        """Return `x` one level on from level `index`, by the last `order` guesses.

        A corrector's newest guess is that at the level it goes to.
        """
        levels = self.walk.levels
        times = -levels.log()
        start, end = times[index], times[index + 1]
        newest = index + 1 if corrects else index
        nodes = times[newest - order + 1 : newest + 1]
        if self.simple and order == 2:
            weights = _simple_weights(nodes, start, end, tau, corrects=corrects)
        else:
            weights = _weights(nodes, start, end, tau)
        x = levels[index + 1] / levels[index] * (-(tau**2) * (end - start)).exp() * x
        for weight, guess in zip(weights, self.guesses[-order:], strict=True):
            x = x + weight * guess
        return x


def _weights(nodes: Tensor, start: Tensor, end: Tensor, tau: float) -> Tensor:
    """Return the weights of the guesses at `nodes` (equations 15 and 18 of the paper).

    They make the integral of (1 + tau²) exp((1 + tau²) (t - end)) p(t) from `start` to `end` right
    for each polynomial p of a degree below the number of nodes.
    """
    rate, count = 1 + tau**2, len(nodes)
    fall = (-rate * (end - start)).exp()
    moments: list[Tensor] = []
    for power in range(count):  # by parts, from the lower power
        moment = end**power - start**power * fall
        moments.append(moment - power / rate * moments[-1] if moments else moment)
    powers = torch.stack([nodes**power for power in range(count)])
    return torch.linalg.solve(powers, torch.stack(moments))


def _simple_weights(
    nodes: Tensor, start: Tensor, end: Tensor, tau: float, *, corrects: bool
) -> Tensor:
    """Return the weights of the paper's appendix D for two guesses, older first."""
    rate, h = 1 + tau**2, end - start
    whole = -(-rate * h).expm1()
    if corrects:
        newer = 0.5 * rate * h
        return torch.stack([whole - newer, newer])
    older = 0.5 * rate * h**2 / (nodes[0] - start)
    return torch.stack([older, whole - older])
