"""The loss of a step: add noise to latents, have the UNet predict it, weight the error."""

import torch
import torch.nn.functional as F

from lorabench.base import conditions
from lorabench.base.conditions import Text
from lorabench.base.model import StableDiffusion
from lorabench.settings.models import TrainSettings


def losses(
    model: StableDiffusion,
    latents: torch.Tensor,
    text: Text,
    generator: torch.Generator,
    settings: TrainSettings,
    timesteps: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the losses [N] of `latents` [N, C, h, w] under a text for each.

    Timesteps, unless they are given, and noise are drawn on the CPU, so that a seed is the same on
    every device.
    """
    count, channels, *_ = latents.shape
    if timesteps is None:
        timesteps = torch.randint(len(model.alphas_cumprod), (count,), generator=generator)
    noise = torch.randn(latents.shape, generator=generator)
    if settings.noise_offset:
        # One number per channel and picture, so that pictures can become darker or lighter as a
        # whole (Guttenberg, "Diffusion with offset noise", 2023).
        offset = torch.randn(count, channels, 1, 1, generator=generator)
        noise = noise + settings.noise_offset * offset
    noise = noise.to(latents.device)
    alpha = model.alphas_cumprod[timesteps].float()
    signal, spread = (
        share.to(latents.device).view(-1, 1, 1, 1) for share in (alpha.sqrt(), (1 - alpha).sqrt())
    )
    noised = signal * latents + spread * noise
    target = noise if model.prediction == "epsilon" else signal * noise - spread * latents
    predicted = conditions.predicted(model.unet, noised, timesteps.to(latents.device), text)
    errors = F.mse_loss(predicted.float(), target, reduction="none").mean(dim=(1, 2, 3))
    weights = min_snr_weights(alpha, settings.min_snr_gamma, model.prediction)
    return errors * weights.to(errors.device)


def min_snr_weights(alpha: torch.Tensor, gamma: float, prediction: str) -> torch.Tensor:
    """Return the min-SNR weights at `alpha` (alphas_cumprod [N]); all 1 if `gamma` is 0.

    min(SNR, gamma) is the weight of an error in x0 (Hang et al., "Efficient Diffusion Training
    via Min-SNR Weighting Strategy", 2023): over SNR for an error in epsilon, over SNR + 1 in v.
    With a large gamma the latter is what sd-scripts calls scale_v_pred_loss_like_noise_pred. Where
    no signal is left, an error in v weighs nothing.
    """
    if not gamma:
        return torch.ones_like(alpha)
    snr = (alpha / (1 - alpha)).clamp(min=1e-8)
    return snr.clamp(max=gamma) / (snr if prediction == "epsilon" else snr + 1)
