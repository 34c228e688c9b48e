"""The nodes that this server runs, as `/object_info` declares them.

Loaders and texts stand here, the others in the `catalog_…` files. Inputs, defaults and limits are
those of the ComfyUI that `/system_stats` names.
"""

import json
from typing import Any

from lorabench.comfy.embedded import (
    catalog_conditions,
    catalog_latents,
    catalog_pictures,
    catalog_sampling,
    catalog_values,
)
from lorabench.comfy.embedded.declaration import Input, Node, number, sockets, text, whole
from lorabench.comfy.embedded.library import Library


def object_info(library: Library) -> dict[str, Any]:
    """Return the content of `/object_info`: JSON by class, with `library`'s files."""
    return json.loads(json.dumps({name: node.info(name) for name, node in nodes(library).items()}))


def nodes(library: Library, most_pixels: int | None = None) -> dict[str, Node]:
    """Return every supported node by class name, with the present model files.

    `most_pixels` limits a batch, unless it is None.
    """
    return (
        _loaders(library)
        | _texts()
        | catalog_conditions.nodes()
        | catalog_latents.nodes(most_pixels)
        | catalog_sampling.nodes()
        | catalog_pictures.nodes(library)
        | catalog_values.nodes()
    )


def _loaders(library: Library) -> dict[str, Node]:
    lora_name: Input = (library.names("loras"), {})
    strength = number(1.0, -100.0, 100.0, 0.01)
    return {
        "CheckpointLoaderSimple": Node(
            {"ckpt_name": (library.names("checkpoints"), {})},
            ("MODEL", "CLIP", "VAE"),
            "loaders",
            "Load Checkpoint",
            "Loads a Stable Diffusion 1.x checkpoint: a file or a diffusers folder.",
        ),
        "LoraLoader": Node(
            sockets(model="MODEL", clip="CLIP")
            | {"lora_name": lora_name, "strength_model": strength, "strength_clip": strength},
            ("MODEL", "CLIP"),
            "loaders",
            "Load LoRA",
            "Merges a LoRA into the UNet and the text encoder.",
        ),
        "LoraLoaderModelOnly": Node(
            sockets(model="MODEL") | {"lora_name": lora_name, "strength_model": strength},
            ("MODEL",),
            "loaders",
            "LoraLoaderModelOnly",
            "Merges a LoRA into the UNet alone.",
        ),
        "VAELoader": Node(
            {"vae_name": (library.names("vae"), {})},
            ("VAE",),
            "loaders",
            "Load VAE",
            "Loads the autoencoder of a Stable Diffusion 1.x model from its own file.",
        ),
    }


def _texts() -> dict[str, Node]:
    return {
        "CLIPTextEncode": Node(
            {"text": text(multiline=True, dynamicPrompts=True)} | sockets(clip="CLIP"),
            ("CONDITIONING",),
            "conditioning",
            "CLIP Text Encode (Prompt)",
            "Encodes a prompt, with (emphasis:1.2), at any length.",
        ),
        "CLIPSetLastLayer": Node(
            sockets(clip="CLIP") | {"stop_at_clip_layer": whole(-1, -24, -1, step=1)},
            ("CLIP",),
            "conditioning",
            "CLIP Set Last Layer",
            "Takes the text features of an earlier layer (clip skip).",
        ),
    }
