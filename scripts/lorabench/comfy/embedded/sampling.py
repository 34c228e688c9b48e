"""KSampler: guided denoising of a latent, from its seed's noise or its own content."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lorabench.base import conditions
from lorabench.base.conditions import Text
from lorabench.comfy.embedded import sigmas
from lorabench.comfy.embedded.conditioning import Conditioning
from lorabench.comfy.embedded.samplers import SAMPLERS, Noise
from lorabench.errors import UserError

if TYPE_CHECKING:  # the engine brings diffusers with it
    from diffusers import UNet2DConditionModel

    from lorabench.comfy.embedded.engine import Loaded, Model

OnStep = Callable[[int, int], None]


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
    positive: Conditioning,
    negative: Conditioning,
    latent: Tensor,
    settings: Settings,
    on_step: OnStep,
) -> Tensor:
    """Return the sampled latents, float32 [batch, channels, height / 8, width / 8], unscaled.

    An empty (all zero) `latent` takes the number of channels that the model needs.
    `on_step(done, total)` is called once per step and may raise to stop.
    """
    loaded = model.loaded
    channels = loaded.unet.network.config.in_channels
    if latent.shape[1] != channels and not torch.count_nonzero(latent):
        latent = latent.new_zeros(len(latent), channels, *latent.shape[2:])
    noise = _initial_noise(latent, settings)
    levels = _levels(loaded, settings)
    if len(levels) == 0:
        return latent
    unet = model.unet()
    device = unet.device
    scale = loaded.vae.config.scaling_factor
    start = latent.to(device) * scale + noise.to(device) * _noise_scale(loaded, levels)
    levels = levels.to(device)
    total = len(levels) - 1
    result = SAMPLERS[settings.sampler](
        _guided(unet, loaded, positive, negative, settings.cfg, start),
        start,
        levels,
        Noise(settings.seed),
        lambda i: on_step(i + 1, total),
    )
    return (result / scale).cpu()


def _initial_noise(latent: Tensor, settings: Settings) -> Tensor:
    if not settings.add_noise:
        return torch.zeros_like(latent)
    generator = torch.Generator().manual_seed(settings.seed)
    return torch.randn(latent.shape, generator=generator)


def _levels(loaded: "Loaded", settings: Settings) -> Tensor:
    """Return the noise levels to walk; none if there is nothing to do."""
    levels = sigmas.sampling_sigmas(
        loaded.schedule, settings.sampler, settings.scheduler, settings.steps, settings.denoise
    )
    if settings.end_at_step < len(levels) - 1:
        levels = levels[: settings.end_at_step + 1]
        if not settings.leftover_noise:
            levels[-1] = 0
    if settings.start_at_step >= len(levels) - 1:
        return levels[:0]
    return levels[settings.start_at_step :]


def _noise_scale(loaded: "Loaded", levels: Tensor) -> Tensor:
    """Return the noise's standard deviation; at the top level it includes the picture's."""
    top, highest = float(levels[0]), loaded.schedule.maximum
    if top > highest or math.isclose(top, highest, rel_tol=1e-5):
        return (1.0 + levels[0] ** 2).sqrt()
    return levels[0]


def _guided(
    unet: "UNet2DConditionModel",
    loaded: "Loaded",
    positive: Conditioning,
    negative: Conditioning,
    cfg: float,
    start: Tensor,
) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the denoiser of latents such as `start` under classifier-free guidance.

    See https://arxiv.org/abs/2207.12598. Its texts are the same tensors in each step, because some
    layers keep what they compute on a text (text_layers.py).
    """

    def batch(*told: Conditioning) -> dict[str, Any]:
        texts = [one for given in told for one in [_text(given, unet)] * len(start)]
        sizes = [given.sizes or conditions.sizes_of(start) for given in told]
        every = [one for one in sizes for _ in start]
        return conditions.told(conditions.joined(texts).to(start.device), every)

    def predict(x: Tensor, sigma: Tensor, told: dict[str, Any]) -> Tensor:
        x = x.repeat(len(told["encoder_hidden_states"]) // len(x), 1, 1, 1)
        timestep = loaded.schedule.timestep(sigma.reshape(1)).float().expand(len(x))
        scaled = (x / (sigma**2 + 1) ** 0.5).to(unet.dtype)
        output = unet(scaled, timestep, **told).sample.float()
        return _denoised(x, output, sigma, loaded.prediction)

    if math.isclose(cfg, 1.0):
        alone = batch(positive)
        return lambda x, sigma: predict(x, sigma, alone)
    at_once = positive.features.shape == negative.features.shape
    texts = [batch(negative, positive)] if at_once else [batch(negative), batch(positive)]

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        guesses = torch.cat([predict(x, sigma, text) for text in texts])
        without, following = guesses.chunk(2)
        return without + (following - without) * cfg

    return denoise


def _text(told: Conditioning, unet: "UNet2DConditionModel") -> Text:
    """Return the text in the UNet's precision; raises `UserError` if it is another model's."""
    if (told.pooled is None) != (unet.config.addition_embed_type is None):
        raise UserError(
            "the prompt was encoded by the CLIP of another family than the sampler's model; link "
            "both to one checkpoint"
        )
    pooled = None if told.pooled is None else told.pooled.to(unet.dtype)
    return Text(told.features.to(unet.dtype), pooled)


def _denoised(x: Tensor, output: Tensor, sigma: Tensor, prediction: str) -> Tensor:
    """Return the clean guess from the UNet's output (Salimans and Ho 2022 for v-prediction)."""
    if prediction == "epsilon":
        return x - output * sigma
    return x / (sigma**2 + 1) - output * sigma / (sigma**2 + 1) ** 0.5
