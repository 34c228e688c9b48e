"""Sampling: guided denoising of a latent, from its seed's noise or its own content."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lorabench.comfy.embedded import sigmas
from lorabench.comfy.embedded.guidance import CfgGuider, GuidedModel, Guider, Kept
from lorabench.comfy.embedded.latents import Latent
from lorabench.comfy.embedded.samplers.table import SAMPLERS, Sampler
from lorabench.comfy.embedded.samplers.walk import Noise, Walk

if TYPE_CHECKING:  # the engine brings diffusers with it
    from lorabench.comfy.embedded.engine import Model
    from lorabench.comfy.embedded.prompts import Prompts

OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class Method:
    """The value of a SAMPLER socket.

    With `other_mask_noise`, what a mask keeps gets the noise of seed + 1, not the initial noise.
    """

    walk: Sampler
    options: dict[str, Any] = field(default_factory=dict)
    other_mask_noise: bool = False

    @classmethod
    def named(cls, name: str, **options: Any) -> "Method":
        """Return a sampler of the table."""
        return cls(SAMPLERS[name], options, other_mask_noise=name == "ddim")


@dataclass(frozen=True)
class StartNoise:
    """The value of a NOISE socket; `seed` decides all noise, `wanted` is for the initial one."""

    seed: int
    wanted: bool = True

    def of(self, latent: Latent) -> Tensor:
        """Return the initial noise, of unit variance or none."""
        return latent.noise(self.seed) if self.wanted else torch.zeros_like(latent.samples)


@dataclass(frozen=True)
class Settings:
    """The settings of KSampler and KSamplerAdvanced, by ComfyUI's names."""

    seed: int
    steps: int
    cfg: float
    sampler: str
    scheduler: str
    denoise: float = 1.0
    add_noise: bool = True
    start_at_step: int = 0
    end_at_step: int = 10000
    leftover_noise: bool = False


def sample(
    model: "Model",
    positive: "Prompts",
    negative: "Prompts",
    latent: Latent,
    settings: Settings,
    on_step: OnStep,
) -> Latent:
    """Return the latent that KSampler makes; arguments as for `walk`."""
    guider = CfgGuider(model, positive, negative, settings.cfg)
    noise = StartNoise(settings.seed, settings.add_noise)
    levels = _levels(model.sampling.schedule, settings)
    return walk(guider, noise, latent, Method.named(settings.sampler), levels, on_step)[0]


def walk(
    guider: Guider,
    noise: StartNoise,
    latent: Latent,
    method: Method,
    levels: Tensor,
    on_step: OnStep,
) -> tuple[Latent, Latent]:
    """Return the sampled latent, and the last clean guess of a step.

    An empty (all zero) `latent` takes the number of channels that the model needs. Without `levels`
    it is returned as it is. `on_step(done, total)` is called once per step and may raise to stop.
    """
    latent = _with_channels(latent, guider.model.loaded.unet.network.config.in_channels)
    if len(levels) == 0:
        return latent, latent
    # the UNet may be merged and moved first: its device is where the walk takes place
    device = guider.model.unet().device
    scale = guider.model.loaded.vae.config.scaling_factor
    own = latent.samples.to(device) * scale
    fresh = noise.of(latent).to(device)
    start = own + fresh * _noise_scale(guider.model.sampling.schedule, levels)
    levels, total, clean = levels.to(device), len(levels) - 1, start

    def report(i: int, denoised: Tensor) -> None:
        nonlocal clean
        clean = denoised
        on_step(min(i + 1, total), total)

    kept = _kept(latent, own, fresh, noise.seed, method)
    denoiser = GuidedModel(guider, start, kept)
    schedule = guider.model.sampling.schedule
    way = Walk(denoiser, levels, Noise(noise.seed), report, schedule.percent)
    result = method.walk(way, start, **method.options)
    return (
        Latent((result / scale).cpu(), latent.mask, latent.places),
        Latent((clean / scale).cpu(), latent.mask, latent.places),
    )


def _with_channels(latent: Latent, channels: int) -> Latent:
    samples = latent.samples
    if samples.shape[1] == channels or torch.count_nonzero(samples):
        return latent
    empty = samples.new_zeros(len(samples), channels, *samples.shape[2:])
    return Latent(empty, latent.mask, latent.places)


def _kept(latent: Latent, own: Tensor, fresh: Tensor, seed: int, method: Method) -> Kept | None:
    mask = latent.mask_like(own)
    if mask is None:
        return None
    if method.other_mask_noise:
        generator = torch.Generator().manual_seed((seed + 1) % 2**64)
        fresh = torch.randn(own.shape, generator=generator).to(own.device)
    return Kept(mask, own, fresh)


def _levels(schedule: sigmas.NoiseSchedule, settings: Settings) -> Tensor:
    """Return the noise levels to walk; none if there is nothing to do."""
    levels = sigmas.sampling_sigmas(
        schedule, settings.sampler, settings.scheduler, settings.steps, settings.denoise
    )
    if settings.end_at_step < len(levels) - 1:
        levels = levels[: settings.end_at_step + 1]
        if not settings.leftover_noise:
            levels[-1] = 0
    if settings.start_at_step >= len(levels) - 1:
        return levels[:0]
    return levels[settings.start_at_step :]


def _noise_scale(schedule: sigmas.NoiseSchedule, levels: Tensor) -> Tensor:
    """Return the noise's standard deviation; at the top level it includes the picture's."""
    top, highest = float(levels[0]), schedule.maximum
    if top > highest or math.isclose(top, highest, rel_tol=1e-5):
        return (1.0 + levels[0] ** 2).sqrt()
    return levels[0]
