"""The models that are measured: SD1.5 and SDXL of random weights, in full and tiny."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from lorabench import layout
from lorabench.base import model
from lorabench.base.family import Family
from lorabench.base.stable_diffusion import SD15, SDXL, VAE
from lorabench.digests import Digests
from lorabench.lora import file as lora_file
from lorabench.settings.models import TrainSettings
from lorabench.settings.validation import validate
from lorabench.train import network
from tests import checkpoints_sdxl
from tests.checkpoints import MICRO_LDM, save_folder

Config = Mapping[str, Any]
CHANGE = 0.05
"""Spread of the numbers in the LoRA that is rendered: enough to be seen, too little to spoil."""


@dataclass(frozen=True)
class Shape:
    """A model's networks by their configs, and in which sizes it is used."""

    name: str
    family: Family
    unet: Config
    vae: Config
    encoders: tuple[Config, ...]
    small: int  # px, the edge of a picture
    large: int
    workflow: str

    @property
    def usual(self) -> int:
        """Return the edge of the pictures that the family is made for, in px."""
        return self.large if self.family is SDXL else self.small

    def settings(self, **changes: Any) -> TrainSettings:
        """Return the preset of the family, some settings changed."""
        preset = {**self.family.preset["train"], "flip": False}
        return validate(TrainSettings, {**preset, **changes})


_CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
_CLIP_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_attention_heads": 20}
FULL = (
    Shape(
        "SD1.5",
        SD15,
        SD15.configs["unet"],
        VAE,
        (SD15.configs["text_encoder"],),
        512,
        1024,
        "sd15_lora_bench.json",
    ),
    Shape(
        "SDXL",
        SDXL,
        checkpoints_sdxl.FULL_UNET,
        {**VAE, "scaling_factor": 0.13025},
        (
            {**SDXL.configs["text_encoder"], **_CLIP_L, "projection_dim": 768},
            {
                **SDXL.configs["text_encoder_2"],
                **_CLIP_G,
                "projection_dim": 1280,
                "num_hidden_layers": 32,
            },
        ),
        512,
        1024,
        "sdxl_lora_bench.json",
    ),
)
_TINY_TEXT = checkpoints_sdxl.TEXT
TINY = (
    Shape(
        "tiny SD1.5",
        SD15,
        MICRO_LDM["unet"],
        MICRO_LDM["vae"],
        (MICRO_LDM["text_encoder"],),
        64,
        128,
        "sd15_lora_bench.json",
    ),
    Shape(
        "tiny SDXL",
        SDXL,
        checkpoints_sdxl.UNET,
        checkpoints_sdxl.AUTOENCODER,
        (
            {
                **_TINY_TEXT,
                **SDXL.configs["text_encoder"],
                "hidden_size": 32,
                "projection_dim": 32,
            },
            {
                **_TINY_TEXT,
                **SDXL.configs["text_encoder_2"],
                "hidden_size": 48,
                "projection_dim": 48,
            },
        ),
        64,
        128,
        "sdxl_lora_bench.json",
    ),
)


def save(shape: Shape, folder: Path, lora: Path, device: str) -> None:
    """Write a model of random weights as a diffusers folder, and a random LoRA for it.

    The weights are PyTorch's for a new network: of full size, and made on the device in seconds.
    """
    torch.manual_seed(0)
    parts = networks(shape, device)
    save_folder(folder, parts.unet, parts.vae, parts.text_encoders[0])
    for encoder in parts.text_encoders[1:]:
        encoder.half().save_pretrained(folder / "text_encoder_2")
    _save_lora(shape, parts, lora)
    # As a workflow's first job does, so that not every training reads it once more.
    digests = Digests(folder.parents[2] / layout.DIGESTS)
    digests.remember(folder)
    digests.save()


def networks(shape: Shape, device: str) -> model.StableDiffusion:
    """Return the networks of a shape, new and in float32."""
    with torch.device(device):
        unet = UNet2DConditionModel(**shape.unet)
        vae = AutoencoderKL(**shape.vae)
        first, *second = (CLIPTextConfig(**config) for config in shape.encoders)
        encoders = [CLIPTextModel(first), *map(CLIPTextModelWithProjection, second)]
    alphas = torch.empty(0)  # nothing is drawn with them
    return model.StableDiffusion(model.clip_tokenizer(), encoders, unet, vae, alphas, "epsilon")


def _save_lora(shape: Shape, parts: model.StableDiffusion, path: Path) -> None:
    settings = shape.settings()
    layers = network.inject(parts, settings)
    for weight in network.weights(layers):
        weight.data.normal_(0, CHANGE)
    path.parent.mkdir(parents=True, exist_ok=True)
    lora_file.save(path, network.to_kohya(layers, settings.alpha), {})
