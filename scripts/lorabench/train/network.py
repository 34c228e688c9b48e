"""Add a LoRA to a model with PEFT, and export it under kohya's names."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.lora import Conv2d, Linear, LoraLayer
from torch import nn

from lorabench.base.model import StableDiffusion
from lorabench.base.networks import Transformer2DModel
from lorabench.lora import base_layers
from lorabench.lora.file import ALPHA, DOWN, UP
from lorabench.settings.models import TrainSettings

ADAPTER = "default"
WEIGHT = f"{ADAPTER}.weight"
UNET, TEXT = "lora_unet_", "lora_te"
_ENCODERS = {1: ("lora_te_",), 2: ("lora_te1_", "lora_te2_")}
"""What kohya's names of a text encoder's modules begin with, by how many encoders there are."""

Network = dict[str, LoraLayer]  # kohya's name of a module -> the module with its LoRA


class Adapted(Linear):
    """PEFT's layer for a linear one: the same sum, in one operation instead of three."""

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Return the base layer's output plus the scaled LoRA's."""
        down, up = (matrix.get_parameter(WEIGHT) for matrix in (self.lora_A, self.lora_B))
        plain, low = self.base_layer(x, *args, **kwargs), F.linear(x, down)
        change = (low.flatten(0, -2), up.t())
        return torch.addmm(plain.flatten(0, -2), *change, alpha=self.scaling[ADAPTER]).view_as(
            plain
        )


class AdaptedPoint(Conv2d):
    """The same for a 1x1 convolution, which is a linear layer over the channels."""

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Return the base layer's output plus the scaled LoRA's."""
        down, up = (part.get_parameter(WEIGHT).flatten(1) for part in (self.lora_A, self.lora_B))
        plain, low = self.base_layer(x, *args, **kwargs), down @ x.flatten(2)
        change = (up.expand(len(x), -1, -1), low)
        return torch.baddbmm(plain.flatten(2), *change, alpha=self.scaling[ADAPTER]).view_as(plain)


_FASTER: dict[type[LoraLayer], type[LoraLayer]] = {Linear: Adapted, Conv2d: AdaptedPoint}


def inject(model: StableDiffusion, settings: TrainSettings) -> Network:
    """Add a fresh LoRA to every part of `model` that has a learning rate.

    It covers kohya's choice of layers: in the UNet the linear layers and 1x1 convolutions of the
    transformers, in the text encoders attention and MLP (on SD1.5 192 and 72 modules, on SDXL 722,
    72 and 192). Down weights start random, up weights at zero; both are float32 for any model.
    """
    network: Network = {}
    if settings.unet_lr:
        layers = _inject(model.unet, _unet_targets(model.unet), settings)
        # kohya's UNet of SDXL is a copy of the original one, whose names its files have.
        depth = model.unet.config.layers_per_block if len(model.text_encoders) > 1 else None
        network |= {UNET + _unet_name(layer, depth): module for layer, module in layers.items()}
    if settings.text_encoder_lr:
        prefixes = _ENCODERS[len(model.text_encoders)]
        for encoder, prefix in zip(model.text_encoders, prefixes, strict=True):
            targets = [name for name, module in _linear(encoder) if ".layers." in name]
            layers = _inject(encoder, targets, settings)
            network |= {
                f"{prefix}text_model_{layer.removeprefix('text_model_')}": module
                for layer, module in layers.items()
            }
    return network


def weights(network: Network, part: str = "") -> list[nn.Parameter]:
    """Return the trained weights, down and up in turn, of the modules with this prefix."""
    return [
        matrix.get_parameter(WEIGHT)
        for name, layer in network.items()
        if name.startswith(part)
        for matrix in (layer.lora_A, layer.lora_B)
    ]


def to_kohya(network: Network, alpha: float) -> dict[str, np.ndarray]:
    """Return the LoRA under kohya's key names, as float16 arrays.

    Alphas are float32: float16 would round 22.627, and lose what is below 6e-8 or above 65504.
    """
    tensors = {}
    for name, layer in network.items():
        for suffix, matrix in ((DOWN, layer.lora_A), (UP, layer.lora_B)):
            tensors[name + suffix] = matrix.get_parameter(WEIGHT).detach().cpu().half().numpy()
        tensors[name + ALPHA] = np.array(alpha, np.float32)
    return tensors


def _unet_targets(unet: nn.Module) -> list[str]:
    return [
        f"{outer}.{inner}"
        for outer, transformer in unet.named_modules()
        if isinstance(transformer, Transformer2DModel)
        for inner, _ in _linear(transformer)
    ]


def _linear(module: nn.Module) -> list[tuple[str, nn.Module]]:
    return [
        (name, part)
        for name, part in module.named_modules()
        if isinstance(part, nn.Linear)
        or (isinstance(part, nn.Conv2d) and part.kernel_size == (1, 1))
    ]


def _unet_name(layer: str, depth: int | None) -> str:
    return layer if depth is None else base_layers.original_name(layer, depth)


def _inject(part: nn.Module, targets: list[str], settings: TrainSettings) -> Network:
    """Add a LoRA to these modules; return them by their names, underscored."""
    # pyrefly: ignore[bad-argument-type] (peft takes any number)
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, target_modules=targets)
    inject_adapter_in_model(config, part, ADAPTER)
    layers: Network = {
        name.replace(".", "_"): layer
        for name, layer in part.named_modules()
        if isinstance(layer, LoraLayer)
    }
    for weight in weights(layers):
        weight.data = weight.data.to(torch.float32)
    for layer in layers.values():
        layer.__class__ = _FASTER.get(type(layer), type(layer))
    return layers
