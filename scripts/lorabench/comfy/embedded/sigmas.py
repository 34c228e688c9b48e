"""Noise levels: the model's own schedule, and a scheduler's steps in it.

`sigma` is the standard deviation of the noise in the variance-exploding view of Karras et al.
(2022, https://arxiv.org/abs/2206.00364): sigma = sqrt((1 - a) / a) for the cumulative alpha `a`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Scheduler = Callable[["NoiseSchedule", int], Tensor]

# ComfyUI's last share of signal in a schedule that is rescaled to end without any.
_LEAST_SIGNAL = 4.8973451890853435e-08


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


def noise_schedule(alphas_cumprod: Tensor) -> NoiseSchedule:
    """Return the noise levels of a model with `alphas_cumprod`, float64 [timesteps], falling.

    A schedule that ends without signal gets ComfyUI's last level, which is finite.
    """
    alphas = alphas_cumprod.clamp(min=_LEAST_SIGNAL)
    sigmas = ((1 - alphas) / alphas) ** 0.5
    return NoiseSchedule(sigmas.float(), sigmas.log().float())


def normal(schedule: NoiseSchedule, steps: int) -> Tensor:
    """Return sigmas at evenly spaced timesteps, the last one trained included."""
    return _at(schedule, torch.linspace(len(schedule.sigmas) - 1, 0, steps))


def sgm_uniform(schedule: NoiseSchedule, steps: int) -> Tensor:
    """Return sigmas at evenly spaced timesteps that stop one step above the lowest."""
    return _at(schedule, torch.linspace(len(schedule.sigmas) - 1, 0, steps + 1)[:-1])


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
    rho = 7.0
    high, low = schedule.maximum ** (1 / rho), schedule.minimum ** (1 / rho)
    return _ending_in_zero((high + torch.linspace(0, 1, steps) * (low - high)) ** rho)


def exponential(schedule: NoiseSchedule, steps: int) -> Tensor:
    """Return sigmas evenly spaced in their logarithm."""
    high, low = math.log(schedule.maximum), math.log(schedule.minimum)
    return _ending_in_zero(torch.linspace(high, low, steps).exp())


SCHEDULERS: dict[str, Scheduler] = {
    "simple": simple,
    "sgm_uniform": sgm_uniform,
    "karras": karras,
    "exponential": exponential,
    "ddim_uniform": ddim_uniform,
    "normal": normal,
}

DROP_SECOND_LAST = {"uni_pc"}
"""Samplers that take one more step, and then skip the last level above zero."""


def sampling_sigmas(
    schedule: NoiseSchedule, sampler: str, scheduler: str, steps: int, denoise: float = 1.0
) -> Tensor:
    """Return the falling float32 noise levels that `sampler` walks, ending in 0.

    With `denoise` below 1 they are the last `steps` of int(steps / denoise) steps; at 0 there are
    none. `ddim_uniform` may give one more level.
    """
    if denoise <= 0:
        return torch.empty(0)
    if denoise > 0.9999:
        return _all_levels(schedule, sampler, scheduler, steps)
    return _all_levels(schedule, sampler, scheduler, int(steps / denoise))[-(steps + 1) :]


def _all_levels(schedule: NoiseSchedule, sampler: str, scheduler: str, steps: int) -> Tensor:
    choose = SCHEDULERS[scheduler]
    if sampler not in DROP_SECOND_LAST:
        return choose(schedule, steps)
    levels = choose(schedule, steps + 1)
    return torch.cat([levels[:-2], levels[-1:]])


def _at(schedule: NoiseSchedule, timesteps: Tensor) -> Tensor:
    return _ending_in_zero([schedule.sigma(t) for t in timesteps])


def _ending_in_zero(sigmas: Tensor | list[Tensor]) -> Tensor:
    return torch.tensor([*(float(sigma) for sigma in sigmas), 0.0])
