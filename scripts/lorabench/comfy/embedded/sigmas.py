"""Noise levels: the model's own schedule, and a scheduler's steps in it.

`sigma` is the standard deviation of the noise in the variance-exploding view of Karras et al.
(2022, https://arxiv.org/abs/2206.00364): sigma = sqrt((1 - a) / a) for the cumulative alpha `a`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lorabench.errors import UserError

Scheduler = Callable[["NoiseSchedule", int], Tensor]

# ComfyUI's last share of signal in a schedule that is rescaled to end without any.
LEAST_SIGNAL = 4.8973451890853435e-08


@dataclass(frozen=True)
class NoiseSchedule:
    """The noise levels that a model was trained on, one per training timestep, rising.

    `sigmas` and `log_sigmas` are float32 of shape [timesteps].
    """

    sigmas: Tensor
    log_sigmas: Tensor

    @property
    def minimum(self) -> float:
        """Return the lowest trained sigma."""
        return float(self.sigmas[0])

    @property
    def maximum(self) -> float:
        """Return the highest trained sigma."""
        return float(self.sigmas[-1])

    def timestep(self, sigma: Tensor) -> Tensor:
        """Return the whole timestep whose sigma is nearest on a log scale; the shape of `sigma`."""
        distances = sigma.log().cpu() - self.log_sigmas[:, None]
        return distances.abs().argmin(dim=0).view(sigma.shape).to(sigma.device)

    def sigma(self, timestep: Tensor) -> Tensor:
        """Return the sigma at a fractional timestep, interpolated on a log scale."""
        position = timestep.float().clamp(0, len(self.sigmas) - 1)
        low, high, share = position.floor().long(), position.ceil().long(), position.frac()
        return ((1 - share) * self.log_sigmas[low] + share * self.log_sigmas[high]).exp()

    def percent(self, percent: float) -> float:
        """Return the sigma where a range of steps starts or ends, at a share of the timesteps.

        The shares 0 and 1 leave nothing out: they are above and below every level.
        """
        if percent <= 0:
            return math.inf
        if percent >= 1:
            return 0.0
        return float(self.sigma(torch.tensor((1 - percent) * 999.0)))


def noise_schedule(alphas_cumprod: Tensor) -> NoiseSchedule:
    """Return the noise levels of a model with `alphas_cumprod`, float64 [timesteps], falling.

    A schedule that ends without signal gets ComfyUI's last level, which is finite.
    """
    alphas = alphas_cumprod.clamp(min=LEAST_SIGNAL)
    sigmas = ((1 - alphas) / alphas) ** 0.5
    return NoiseSchedule(sigmas.float(), sigmas.log().float())


def normal(schedule: NoiseSchedule, steps: int) -> Tensor:
    """Return sigmas at evenly spaced timesteps, the last one trained included."""
    return _at(schedule, torch.linspace(*_ends(schedule), steps))


def sgm_uniform(schedule: NoiseSchedule, steps: int) -> Tensor:
    """Return sigmas at evenly spaced timesteps that stop one step above the lowest."""
    return _at(schedule, torch.linspace(*_ends(schedule), steps + 1)[:-1])


def simple(schedule: NoiseSchedule, steps: int) -> Tensor:
    """Return every n-th trained sigma from the top."""
    stride = len(schedule.sigmas) / steps
    return _ending_in_zero([schedule.sigmas[-1 - int(i * stride)] for i in range(steps)])


def ddim_uniform(schedule: NoiseSchedule, steps: int) -> Tensor:
    """Return every n-th trained sigma from the second lowest up; it may have steps + 1 of them."""
    stride = max(len(schedule.sigmas) // steps, 1)
    return _ending_in_zero(list(schedule.sigmas[1::stride].flip(0)))


def karras(schedule: NoiseSchedule, steps: int) -> Tensor:
    """Return sigmas evenly spaced in their 7th root (Karras et al. 2022, equation 5)."""
    return karras_between(steps, schedule.maximum, schedule.minimum)


def karras_between(steps: int, sigma_max: float, sigma_min: float, rho: float = 7.0) -> Tensor:
    """Return sigmas evenly spaced in their `rho`-th root; `UserError` for `rho` 0."""
    if rho <= 0:
        raise UserError(f"rho {rho:g}: must be above 0")
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return _ending_in_zero((high + torch.linspace(0, 1, steps) * (low - high)) ** rho)


def exponential(schedule: NoiseSchedule, steps: int) -> Tensor:
    """Return sigmas evenly spaced in their logarithm."""
    high, low = math.log(schedule.maximum), math.log(schedule.minimum)
    return _ending_in_zero(torch.linspace(high, low, steps).exp())


def polyexponential_between(
    steps: int, sigma_max: float, sigma_min: float, rho: float = 1.0
) -> Tensor:
    """Return sigmas whose logarithm falls as the `rho`-th power of a line.

    Raises `UserError` for a sigma of 0, which has no logarithm.
    """
    if sigma_min <= 0 or sigma_max <= 0:
        raise UserError(f"sigma_max {sigma_max:g}, sigma_min {sigma_min:g}: must be above 0")
    high, low = math.log(sigma_max), math.log(sigma_min)
    return _ending_in_zero((torch.linspace(1, 0, steps) ** rho * (high - low) + low).exp())


def turbo(schedule: NoiseSchedule, steps: int, denoise: float) -> Tensor:
    """Return `steps` of the ten levels that turbo models were distilled to.

    They begin at share `denoise` of the ten. See Sauer et al. (2023,
    https://arxiv.org/abs/2311.17042).
    """
    first = 10 - int(10 * denoise)
    timesteps = torch.arange(999, 0, -100)[first : first + steps]
    return _ending_in_zero(schedule.sigma(timesteps))


ALIGNED = {
    "SD1": (
        *(14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092),
        *(0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582),
    ),
    "SDXL": (
        *(14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141),
        *(0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582),
    ),
    "SVD": (700.00, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002),
}
"""The levels of "Align Your Steps" (Sabour et al. 2024, https://arxiv.org/abs/2404.14507)."""


def aligned(model_type: str, steps: int, denoise: float) -> Tensor:
    """Return the levels of `ALIGNED`, interpolated on a log scale; the last one is 0."""
    if denoise <= 0:
        return torch.empty(0)
    levels = np.array(ALIGNED[model_type])
    if steps + 1 != len(levels):
        places = np.linspace(0, 1, steps + 1), np.linspace(0, 1, len(levels))
        levels = np.exp(np.interp(*places, np.log(levels)))
    kept = levels[-(round(steps * min(denoise, 1.0)) + 1) :]
    return _ending_in_zero(torch.tensor(kept[:-1], dtype=torch.float32))


def beta(schedule: NoiseSchedule, steps: int, a: float = 0.6, b: float = 0.6) -> Tensor:
    """Return trained sigmas at quantiles of a beta distribution, most at both ends.

    See Lee et al. (2024, https://arxiv.org/abs/2407.12173). Timesteps that coincide count once.
    """
    from scipy import stats  # half a second that other schedulers need not wait

    shares = stats.beta.ppf(1 - np.linspace(0, 1, steps, endpoint=False), a, b)
    timesteps = np.rint(shares * (len(schedule.sigmas) - 1)).astype(int)
    return _ending_in_zero([schedule.sigmas[t] for t in dict.fromkeys(timesteps)])


def linear_quadratic(schedule: NoiseSchedule, steps: int) -> Tensor:
    """Return sigmas that fall by 2.5 % in the first half of the steps, then quadratically to 0.

    Both parts meet with one slope, as in Mochi 1 and in Movie Gen (2024,
    https://arxiv.org/abs/2410.13720).
    """
    if steps == 1:
        return torch.tensor([schedule.maximum, 0.0])
    linear, fallen = steps // 2, 0.025
    curved = steps - linear
    rate = fallen / linear
    bend = (1 - fallen - rate * curved) / curved**2
    falls = [rate * i + bend * max(i - linear, 0) ** 2 for i in range(steps)]
    return torch.tensor([*(1 - fall for fall in falls), 0.0]) * schedule.maximum


def kl_optimal(schedule: NoiseSchedule, steps: int) -> Tensor:
    """Return sigmas evenly spaced in their arctangent ("Align Your Steps", equation 20).

    See Sabour et al. (2024, https://arxiv.org/abs/2404.14507). Raises `UserError` for one step,
    which has no place between both ends.
    """
    if steps == 1:
        raise UserError("scheduler kl_optimal: takes 2 steps or more, not 1")
    shares = torch.arange(steps, dtype=torch.float32) / (steps - 1)
    high, low = math.atan(schedule.maximum), math.atan(schedule.minimum)
    return _ending_in_zero((shares * low + (1 - shares) * high).tan())


SCHEDULERS: dict[str, Scheduler] = {
    "simple": simple,
    "sgm_uniform": sgm_uniform,
    "karras": karras,
    "exponential": exponential,
    "ddim_uniform": ddim_uniform,
    "beta": beta,
    "normal": normal,
    "linear_quadratic": linear_quadratic,
    "kl_optimal": kl_optimal,
}

DROP_SECOND_LAST = {"dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"}
"""Samplers that take one more step, and then skip the last level above zero."""


def sampling_sigmas(
    schedule: NoiseSchedule, sampler: str, scheduler: str, steps: int, denoise: float = 1.0
) -> Tensor:
    """Return the falling float32 noise levels that `sampler` walks, ending in 0.

    With `denoise` below 1 they are the last `steps` of int(steps / denoise) steps; at 0 there are
    none. `ddim_uniform` may give one more level, `beta` fewer.
    """
    more = int(sampler in DROP_SECOND_LAST)

    def choose(count: int) -> Tensor:
        levels = SCHEDULERS[scheduler](schedule, count + more)
        return torch.cat([levels[:-2], levels[-1:]]) if more else levels

    return _last(choose, steps, denoise)


def scheduled(schedule: NoiseSchedule, scheduler: str, steps: int, denoise: float) -> Tensor:
    """Return the levels of a scheduler, without what some samplers need."""
    return _last(lambda count: SCHEDULERS[scheduler](schedule, count), steps, denoise)


def _last(choose: Callable[[int], Tensor], steps: int, denoise: float) -> Tensor:
    if denoise <= 0:
        return torch.empty(0)
    if denoise > 0.9999:
        return choose(steps)
    return choose(int(steps / denoise))[-(steps + 1) :]


def _ends(schedule: NoiseSchedule) -> tuple[float, float]:
    """Return the timesteps of the highest and the lowest level."""
    low, high = (
        schedule.timestep(schedule.sigmas[i : i + 1]) for i in (0, len(schedule.sigmas) - 1)
    )
    return float(high), float(low)


def _at(schedule: NoiseSchedule, timesteps: Tensor) -> Tensor:
    return _ending_in_zero([schedule.sigma(t) for t in timesteps])


def _ending_in_zero(sigmas: Tensor | list[Tensor]) -> Tensor:
    return torch.tensor([*(float(sigma) for sigma in sigmas), 0.0])
