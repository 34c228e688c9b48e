"""How a UNet's output is read: as noise, velocity or picture, and at which noise levels.

A checkpoint decides that; the ModelSampling… nodes replace it, for models that were trained on.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from lorabench.comfy.embedded.sigmas import LEAST_SIGNAL, NoiseSchedule

Kind = Literal["epsilon", "v_prediction", "edm", "x0", "lcm"]


@dataclass(frozen=True)
class ModelSampling:
    """A UNet's noise levels and the meaning of its output; `sigma_data` is the pictures' spread."""

    schedule: NoiseSchedule
    kind: Kind
    sigma_data: float = 1.0

    def scaled(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return the UNet's input, of unit variance."""
        return x / (sigma**2 + self.sigma_data**2) ** 0.5

    def clean(self, x: Tensor, output: Tensor, sigma: Tensor) -> Tensor:
        """Return the clean guess behind `x`, from the UNet's output for it.

        "v_prediction" is that of Salimans and Ho (2022), "edm" of Karras et al. (2022), "lcm" of
        Luo et al. (2023, https://arxiv.org/abs/2310.04378).
        """
        if self.kind == "x0":
            return output
        if self.kind == "epsilon":
            return x - output * sigma
        if self.kind == "lcm":
            scaled = 10.0 * self.schedule.timestep(sigma.reshape(1)).reshape(())
            total = scaled**2 + 0.25
            return scaled / total**0.5 * (x - output * sigma) + 0.25 / total * x
        data = self.sigma_data
        total = sigma**2 + data**2
        moved = output * sigma * data / total**0.5
        return x * data**2 / total + (moved if self.kind == "edm" else -moved)


@dataclass(frozen=True)
class EvenSchedule(NoiseSchedule):
    """Every n-th level of another schedule, as distilled models have them; `stride` is that n."""

    stride: int = 1

    def timestep(self, sigma: Tensor) -> Tensor:
        """Return the timestep of the other schedule."""
        return super().timestep(sigma) * self.stride + (self.stride - 1)

    def sigma(self, timestep: Tensor) -> Tensor:
        """Return the sigma at a timestep of the other schedule."""
        return super().sigma((timestep.float() - (self.stride - 1)) / self.stride)


@dataclass(frozen=True)
class ContinuousSchedule(NoiseSchedule):
    """A thousand levels, evenly spaced in their logarithm, for a UNet that takes any level."""

    def timestep(self, sigma: Tensor) -> Tensor:
        """Return what the UNet gets for a level (Karras et al. 2022, table 1)."""
        return 0.25 * sigma.log()

    def sigma(self, timestep: Tensor) -> Tensor:
        """Return the level that the UNet gets so."""
        return (timestep / 0.25).exp()

    def percent(self, percent: float) -> float:
        """Return the sigma at a share of the way down, on a log scale."""
        if 0 < percent < 1:
            low, high = math.log(self.minimum), math.log(self.maximum)
            return math.exp((high - low) * (1 - percent) + low)
        return super().percent(percent)


@dataclass(frozen=True)
class AngularSchedule(ContinuousSchedule):
    """The same for a UNet that takes the angle between picture and noise, 1 for 90 degrees."""

    def timestep(self, sigma: Tensor) -> Tensor:
        """Return the angle of a level."""
        return sigma.atan() / math.pi * 2

    def sigma(self, timestep: Tensor) -> Tensor:
        """Return the level at an angle."""
        return (timestep * math.pi / 2).tan()


def discrete(sampling: ModelSampling, kind: Kind, *, without_signal: bool) -> ModelSampling:
    """Return another reading of a UNet with discrete timesteps.

    `without_signal` moves and scales its levels so that the last one is noise alone (Lin et al.
    2023, https://arxiv.org/abs/2305.08891). "lcm" uses every twentieth level.
    """
    schedule = sampling.schedule
    if without_signal:
        schedule = _without_signal(schedule)
    if kind == "lcm":
        stride = len(schedule.sigmas) // 50
        sigmas = schedule.sigmas[stride - 1 :: stride]
        schedule = EvenSchedule(sigmas, sigmas.log(), stride)
    return ModelSampling(schedule, kind)


def continuous(
    kind: Kind, sigma_max: float, sigma_min: float, sigma_data: float, *, angular: bool
) -> ModelSampling:
    """Return the reading of a UNet with continuous levels."""
    sigmas = torch.linspace(math.log(sigma_min), math.log(sigma_max), 1000).exp()
    schedule = AngularSchedule if angular else ContinuousSchedule
    return ModelSampling(schedule(sigmas, sigmas.log()), kind, sigma_data)


def _without_signal(schedule: NoiseSchedule) -> NoiseSchedule:
    signal = (1 / (schedule.sigmas.double() ** 2 + 1)).sqrt()
    first, last = signal[0].clone(), signal[-1].clone()
    shares = ((signal - last) * first / (first - last)) ** 2
    shares[-1] = LEAST_SIGNAL
    sigmas = ((1 - shares) / shares) ** 0.5
    return replace(schedule, sigmas=sigmas.float(), log_sigmas=sigmas.log().float())
