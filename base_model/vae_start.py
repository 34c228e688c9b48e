"""Where the autoencoder starts and how its latents get their scale.

From ordinary initial weights a small autoencoder of flat drawings stays gray for a long time.
This one starts as a colour identity: the first three channels carry the RGB averages of 8 x 8
boxes through every layer, and training adds detail to them.
"""

import torch
from diffusers import AutoencoderTiny
from torch import nn

_BINOMIAL = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16
_SPREAD = 2.0
"""Latents start as (colour - 0.5) * 2 * _SPREAD, inside the decoder's soft limit of 3."""


@torch.no_grad()
def start_as_color_identity(vae: AutoencoderTiny) -> None:
    """Change the weights of a new `vae` in place; see the module's text."""
    layers = [*vae.encoder.layers, *vae.decoder.layers]
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    for block in (layer for layer in layers if hasattr(layer, "conv")):
        block.conv[-1].weight *= 0.1
        block.conv[-1].bias.zero_()
    for conv in convolutions:
        _carry_color(conv)
    first_decoder = next(layer for layer in vae.decoder.layers if isinstance(layer, nn.Conv2d))
    last_encoder = [layer for layer in vae.encoder.layers if isinstance(layer, nn.Conv2d)][-1]
    last_encoder.weight[:3] *= 2 * _SPREAD
    last_encoder.get_parameter("bias")[:3] = -_SPREAD
    first_decoder.weight[:3] /= 2 * _SPREAD
    first_decoder.get_parameter("bias")[:3] = 0.5


@torch.no_grad()
def whiten(vae: AutoencoderTiny, mean: torch.Tensor, std: torch.Tensor) -> None:
    """Fold `(z - mean) / std`, per latent channel, into encoder and decoder, in place.

    At the picture's border the decoder's zero padding now means another colour, so the decoder
    needs some training after this.
    """
    last = [layer for layer in vae.encoder.layers if isinstance(layer, nn.Conv2d)][-1]
    last.weight /= std[:, None, None, None]
    last.get_parameter("bias").sub_(mean).div_(std)
    first = next(layer for layer in vae.decoder.layers if isinstance(layer, nn.Conv2d))
    first.get_parameter("bias").add_((first.weight.sum((2, 3)) * mean).sum(1))
    first.weight *= std[None, :, None, None]


def _carry_color(conv: nn.Conv2d) -> None:
    conv.weight[:3] = 0.0
    for channel in range(3):
        if conv.stride[0] == 2:
            conv.weight[channel, channel] = _BINOMIAL
        else:
            conv.weight[channel, channel, 1, 1] = 1.0
    if conv.bias is not None:
        conv.bias[:3] = 0.0
