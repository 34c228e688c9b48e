"""Samplers of the probability-flow ODE that remember nothing from step to step.

They add no noise. Karras et al. (2022, https://arxiv.org/abs/2206.00364) describe the ODE and the
first two.
"""

from torch import Tensor

from lorabench.comfy.embedded.samplers.walk import Walk, middle, slope


def euler(walk: Walk, x: Tensor) -> Tensor:
    """Follow the slope at the beginning of each step."""
    for step in walk:
        x = x + slope(x, walk.guess(x, step), step.sigma) * (step.lower - step.sigma)
    return x


def heun(walk: Walk, x: Tensor) -> Tensor:
    """Take the mean of the slopes at both ends of each step."""
    for step in walk:
        mean = slope(x, walk.guess(x, step), step.sigma)
        if step.lower != 0:
            ahead = x + mean * (step.lower - step.sigma)
            mean = (mean + slope(ahead, walk.denoise(ahead, step.lower), step.lower)) / 2
        x = x + mean * (step.lower - step.sigma)
    return x


def heunpp2(walk: Walk, x: Tensor) -> Tensor:
    """Weigh the slopes at this level and up to two further ones (Heun++).

    The further levels weigh as they are high beside the first of the walk, so they count less and
    less. The last step is Euler's, the one before it uses one further level.
    """
    last = walk.levels[-1]
    for step in walk:
        place, sigma = x, step.sigma
        slopes = [slope(x, walk.guess(x, step), sigma)]
        ahead = [level for level in walk.levels[step.index + 1 : step.index + 3] if level != last]
        for level in ahead:
            place, sigma = place + slopes[-1] * (level - sigma), level
            slopes.append(slope(place, walk.denoise(place, level), level))
        weights = [level / (len(slopes) * walk.levels[0]) for level in ahead]
        mean = (1 - sum(weights)) * slopes[0]
        for weight, further in zip(weights, slopes[1:], strict=True):
            mean = mean + weight * further
        x = x + mean * (step.lower - step.sigma)
    return x


def dpm_2(walk: Walk, x: Tensor) -> Tensor:
    """Follow the slope in the middle of each step, on a log scale (DPM-Solver-2).

    See Lu et al. (2022, https://arxiv.org/abs/2206.00927).
    """
    for step in walk:
        first = slope(x, walk.guess(x, step), step.sigma)
        if step.lower == 0:
            x = x + first * (step.lower - step.sigma)
        else:
            x = midpoint(walk, x, first, step.sigma, step.lower)
    return x


def midpoint(walk: Walk, x: Tensor, first: Tensor, sigma: Tensor, lower: Tensor) -> Tensor:
    """Return `x` one level lower, by the slope at the middle, to which the slope `first` leads."""
    between = middle(sigma, lower)
    halfway = x + first * (between - sigma)
    return x + slope(halfway, walk.denoise(halfway, between), between) * (lower - sigma)
