"""A tiny autoencoder (TAESD) as ComfyUI has it in a file, alone or in a checkpoint."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor

from lorabench.base.model_kinds import TAESD
from lorabench.base.networks import AutoencoderTiny

_LAYER = re.compile(r"taesd_(encoder|decoder)\.(\d+)\.(.+)")


class TinyAutoencoder(AutoencoderTiny):
    """A TAESD whose latents are those of the autoencoder that it stands in for, unscaled.

    TAESD's own are scaled already: the file says how.
    """

    def __init__(self, scale: float, shift: float, **config: Any) -> None:
        """Take the file's `vae_scale` and `vae_shift`, and a config of diffusers."""
        super().__init__(**config)
        self._scale, self._shift = scale, shift

    def encode(self, x: Tensor, return_dict: bool = True) -> Any:
        """Return the latents of pixels [N, 3, H, W] in [-1, 1]."""
        found = super().encode(x)
        found.latents = found.latents / self._scale + self._shift
        return found if return_dict else (found.latents,)

    def decode(self, x: Tensor, generator: Any = None, return_dict: bool = True) -> Any:
        """Return the pixels of latents [N, C, H, W]."""
        return super().decode((x - self._shift) * self._scale, generator, return_dict)


def is_one(names: Collection[str]) -> bool:
    """Return whether tensors of these names are a tiny autoencoder's."""
    return TAESD in names


def read(
    weights: Mapping[str, Tensor], scaling_factor: float
) -> tuple[TinyAutoencoder, dict[str, Tensor]]:
    """Return the network for a file's tensors, not filled yet, and the tensors by its names.

    `scaling_factor` is that of the latents that the model draws.
    """
    scale, shift = (
        float(weights[name]) if name in weights else usual
        for name, usual in (("vae_scale", 1.0), ("vae_shift", 0.0))
    )
    vae = TinyAutoencoder(scale, shift, scaling_factor=scaling_factor)
    layers = {name: _LAYER.fullmatch(name) for name in weights}
    return vae, {_name(match): weights[name] for name, match in layers.items() if match}


def standing_in(vae: AutoencoderTiny, scaling_factor: float) -> TinyAutoencoder:
    """Return diffusers' `vae`, whose latents are scaled already, with those of the usual one."""
    config, *_ = AutoencoderTiny.extract_init_dict(dict(vae.config))
    tiny = TinyAutoencoder(scaling_factor, 0, **{**config, "scaling_factor": scaling_factor})
    tiny.load_state_dict(vae.state_dict(), assign=True)
    return tiny


def _name(layer: re.Match[str]) -> str:
    """Return a layer's name in diffusers: ComfyUI counts the decoder's first step as one."""
    side, number, rest = layer.groups()
    return f"{side}.layers.{int(number) - (side == 'decoder')}.{rest}"
