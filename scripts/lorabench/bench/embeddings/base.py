"""Use the base model's own features of a slightly noised picture as an embedding.

The middle of a diffusion model's UNet represents content and style (Kwon et al., "Diffusion Models
Already Have a Semantic Latent Space", 2023). It needs no further weights.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from lorabench.base import conditions, model
from lorabench.base.conditions import Text

TIMESTEP = 100
"""Of 1,000: with so little noise that the picture is complete."""
SEED = 0
"""Of the noise, which is the same for all pictures."""
_GRID = 8  # pixels of a latent's edge


def load_base(path: Path, device: str) -> "BaseFeatures":
    """Load the base model at `path`, in float32; raises `UserError` as `model.load` does."""
    return BaseFeatures(model.load(path, device, torch.float32))


class BaseFeatures:
    """Mean and standard deviation over space of each channel of the UNet's mid block."""

    def __init__(self, base: model.StableDiffusion) -> None:
        """Take a model in float32."""
        self._model = base
        self._area = (base.unet.config.sample_size * _GRID) ** 2
        self._empty_prompt = self._encode_nothing()

    @torch.no_grad()
    def images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Return the vectors of RGB pictures of one size, float32 [n, d], each of length 1."""
        pixels = np.stack([_fitted(image, self._area) for image in images])
        latents = self._latents(torch.from_numpy(pixels).permute(0, 3, 1, 2))
        found = self._middle(self._noised(latents))
        spread, mean = torch.std_mean(found.float(), dim=(2, 3))
        return F.normalize(torch.cat([mean, spread], dim=1), dim=1).cpu().numpy()

    def texts(self, texts: Sequence[str]) -> None:
        """Return None: a diffusion model has features of pictures only."""

    @torch.no_grad()
    def _encode_nothing(self) -> Text:
        return self._model.encode_text([""])

    def _latents(self, pixels: torch.Tensor) -> torch.Tensor:
        # A KL autoencoder samples from a distribution. Every picture gets the same random
        # numbers, so that equal pictures have equal features.
        return torch.cat([self._model.encode(one[None], _numbers()) for one in pixels])

    def _noised(self, latents: torch.Tensor) -> torch.Tensor:
        noise = torch.randn(latents.shape[1:], generator=_numbers())
        left = float(self._model.alphas_cumprod[TIMESTEP])
        return left**0.5 * latents + (1 - left) ** 0.5 * noise.to(latents.device)

    def _middle(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the output of the UNet's mid block, [n, channels, h, w], without the rest."""
        unet = self._model.unet
        text = conditions.joined([self._empty_prompt] * len(latents))

        def stop(module: torch.nn.Module, given: tuple[Any, ...], returned: torch.Tensor) -> None:
            raise _Reached(returned)

        hook = unet.mid_block.register_forward_hook(stop)
        try:
            conditions.predicted(unet, latents, TIMESTEP, text)
        except _Reached as reached:
            return reached.args[0]
        finally:
            hook.remove()
        raise AssertionError("the UNet has no middle")


class _Reached(Exception):
    """The mid block is done; the second half of the UNet would cost as much as the first."""


def _numbers() -> torch.Generator:
    return torch.Generator().manual_seed(SEED)


def _fitted(image: Image.Image, area: int) -> np.ndarray:
    """Return an RGB picture in the model's own area, -1 to 1, [h, w, 3]."""
    factor = (area / (image.width * image.height)) ** 0.5
    width, height = (max(1, round(edge * factor / _GRID)) * _GRID for edge in image.size)
    if (width, height) != image.size:
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image, dtype=np.float32) / 127.5 - 1
