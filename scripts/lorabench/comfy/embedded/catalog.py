"""The nodes that this server runs, as `/object_info` declares them.

Loaders and texts stand here, the others in the `catalog_…` files. Inputs, defaults and limits are
those of the ComfyUI that `/system_stats` names.
"""

import json
from typing import Any

from lorabench.comfy.embedded import (
    catalog_latents,
    catalog_levels,
    catalog_pictures,
    catalog_prompts,
    catalog_sampling,
    catalog_values,
)
from lorabench.comfy.embedded.declaration import (
    MAX_SIDE,
    Input,
    Node,
    number,
    sockets,
    text,
    whole,
)
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
        | catalog_prompts.nodes()
        | catalog_latents.nodes(most_pixels)
        | catalog_sampling.nodes()
        | catalog_levels.nodes()
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
            "model/loaders",
            "Load Checkpoint",
            "Loads a checkpoint of SD1.x or SDXL: a file or a diffusers folder.",
        ),
        "LoraLoader": Node(
            sockets(model="MODEL", clip="CLIP")
            | {"lora_name": lora_name, "strength_model": strength, "strength_clip": strength},
            ("MODEL", "CLIP"),
            "model/loaders",
            "Load LoRA (Model and CLIP)",
            "Merges a LoRA into the UNet and the text encoders.",
        ),
        "LoraLoaderModelOnly": Node(
            sockets(model="MODEL") | {"lora_name": lora_name, "strength_model": strength},
            ("MODEL",),
            "model/loaders",
            "Load LoRA",
            "Merges a LoRA into the UNet alone.",
        ),
        "VAELoader": Node(
            {"vae_name": (library.names("vae"), {})},
            ("VAE",),
            "model/loaders",
            "Load VAE",
            "Loads the autoencoder of an SD1.x or SDXL model from its own file.",
        ),
    }


def _texts() -> dict[str, Node]:
    prompt = text(multiline=True, dynamicPrompts=True)
    return {
        "CLIPTextEncode": Node(
            {"text": prompt} | sockets(clip="CLIP"),
            ("CONDITIONING",),
            "model/conditioning",
            "CLIP Text Encode (Prompt)",
            "Encodes a prompt, with (emphasis:1.2), at any length.",
        ),
        "CLIPTextEncodeSDXL": Node(
            sockets(clip="CLIP")
            | {
                "width": whole(1024, 0, MAX_SIDE),
                "height": whole(1024, 0, MAX_SIDE),
                "crop_w": whole(0, 0, MAX_SIDE),
                "crop_h": whole(0, 0, MAX_SIDE),
                "target_width": whole(1024, 0, MAX_SIDE),
                "target_height": whole(1024, 0, MAX_SIDE),
                "text_g": prompt,
                "text_l": prompt,
            },
            ("CONDITIONING",),
            "model/conditioning/stable diffusion",
            "CLIP Text Encode (SDXL)",
            "Encodes a text for each encoder of SDXL, with the sizes that its UNet is told.",
        ),
        "CLIPSetLastLayer": Node(
            sockets(clip="CLIP") | {"stop_at_clip_layer": whole(-1, -24, -1, step=1)},
            ("CLIP",),
            "model/conditioning",
            "CLIP Set Last Layer",
            "Takes the text features of an earlier layer (clip skip).",
        ),
    }
