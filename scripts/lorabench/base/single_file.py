"""Load the networks of a single file in the original (LDM) naming."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from lorabench.base import architecture, tiny_autoencoder
from lorabench.base.conditions import TextEncoder
from lorabench.base.family import PARTS, Family
from lorabench.base.networks import (
    AutoencoderKL,
    AutoencoderTiny,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    UNet2DConditionModel,
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
    init_empty_weights,
)

Weights = dict[str, Tensor]
Network = TypeVar("Network", bound=nn.Module)


def load(
    path: Path, dtype: torch.dtype, family: Family
) -> tuple[list[TextEncoder], UNet2DConditionModel, AutoencoderKL | AutoencoderTiny]:
    """Return the text encoders, the UNet and the autoencoder of a file as `dtype`, on the CPU.

    Raises `KeyError` or `RuntimeError`: the tensors are not those of the family.
    """
    weights = load_file(path)
    encoders: list[TextEncoder] = [_text_encoder(weights, dtype, family)]
    if "text_encoder_2" in family.parts:
        encoders.append(_second_text_encoder(weights, dtype, family))
    pooled = encoders[-1].config.projection_dim or 0
    unet = _unet(weights, dtype, family, pooled)
    return encoders, unet, _autoencoder(weights, dtype, family)


def load_autoencoder(path: Path, family: Family) -> AutoencoderKL | AutoencoderTiny:
    """Return a file's autoencoder alone, in float32; raises as `load`."""
    prefix = family.parts["vae"]
    with safe_open(path, "pt") as file:
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
        weights = {name: file.get_tensor(name) for name in names}
    return _autoencoder(weights, torch.float32, family)


def _text_encoder(weights: Weights, dtype: torch.dtype, family: Family) -> CLIPTextModel:
    text = _unwrapped(convert_ldm_clip_checkpoint(weights))
    text.pop("text_projection.weight", None)  # some files keep it, and nothing uses it
    config = {**family.configs["text_encoder"], **architecture.text_encoder(_shapes(text))}
    with init_empty_weights(include_buffers=False):
        encoder = CLIPTextModel(CLIPTextConfig(**config))
    return _filled(encoder, text, dtype)


def _second_text_encoder(
    weights: Weights, dtype: torch.dtype, family: Family
) -> CLIPTextModelWithProjection:
    prefix = family.parts["text_encoder_2"]
    if not any(name.startswith(prefix) for name in weights):
        raise KeyError(f"it holds no {PARTS['text_encoder_2']}")
    turned = weights.pop(f"{prefix}text_projection.weight", None)
    if turned is not None:  # a linear layer's weight in some files, its transpose in the most
        weights[f"{prefix}text_projection"] = turned.T
    # It takes the width from the projection, not from a model.
    text = convert_open_clip_checkpoint(None, weights, prefix=prefix)
    read = architecture.text_encoder(_shapes(_unwrapped(text)))
    with init_empty_weights(include_buffers=False):
        config = CLIPTextConfig(**{**family.configs["text_encoder_2"], **read})
        encoder = CLIPTextModelWithProjection(config)
    return _filled(encoder, text, dtype)


def _unet(
    weights: Weights, dtype: torch.dtype, family: Family, pooled: int
) -> UNet2DConditionModel:
    config = family.configs["unet"]
    if "addition_embed_type" in config:  # SDXL, of which there are smaller relatives
        read = architecture.unet(_shapes(_within(weights, family.parts["unet"])), pooled)
        config = {**config, **read}
    with init_empty_weights(include_buffers=False):
        unet = UNet2DConditionModel(**config)
    return _filled(unet, convert_ldm_unet_checkpoint(weights, unet.config), dtype)


def _autoencoder(
    weights: Weights, dtype: torch.dtype, family: Family
) -> AutoencoderKL | AutoencoderTiny:
    own = _within(weights, family.parts["vae"])
    if tiny_autoencoder.is_one(own):
        tiny, tensors = tiny_autoencoder.read(own, family.configs["vae"]["scaling_factor"])
        return _filled(tiny, tensors, dtype)
    read = architecture.autoencoder(_shapes(own))
    with init_empty_weights(include_buffers=False):
        vae = AutoencoderKL(**{**family.configs["vae"], **read})
    return _filled(vae, convert_ldm_vae_checkpoint(weights, vae.config), dtype)


def _within(weights: Weights, prefix: str) -> Weights:
    """Return the tensors of one network by their names in it."""
    return {k.removeprefix(prefix): one for k, one in weights.items() if k.startswith(prefix)}


def _unwrapped(text: Weights) -> Weights:
    """Return a text encoder's tensors by the names in its class.

    Some files nest them under `text_model`, older ones do not; position ids are a constant that
    old files store.
    """
    text = {key.removeprefix("text_model."): tensor for key, tensor in text.items()}
    text.pop("embeddings.position_ids", None)
    return text


def _shapes(weights: Mapping[str, Tensor]) -> architecture.Shapes:
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def _filled(network: Network, weights: Weights, dtype: torch.dtype) -> Network:
    # Safetensors are mapped from the disk; copies make the network independent of the file.
    weights = {key: tensor.to(dtype, copy=True).contiguous() for key, tensor in weights.items()}
    network.load_state_dict(weights, assign=True)
    return network
