"""The nodes that this server runs, as `/object_info` declares them: sockets, widgets, limits."""

import json
from dataclasses import dataclass
from typing import Any

from lorabench.comfy.embedded.library import Library

SAMPLER_NAMES = [
    *("euler", "euler_ancestral", "heun", "dpmpp_sde", "dpmpp_2m"),
    *("dpmpp_2m_sde", "lcm", "ddim", "uni_pc"),
]
SCHEDULER_NAMES = ["simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "normal"]

MAX_SIDE = 16384
MAX_SEED = 2**64 - 1
Options = dict[str, Any]
Input = tuple[str | list[str], Options]


@dataclass(frozen=True)
class Node:
    """The declaration of a node class.

    `inputs` are all required: name -> (socket or widget type, or the list of choices; options).
    """

    inputs: dict[str, Input]
    outputs: tuple[str, ...]
    category: str
    title: str
    description: str
    is_output: bool = False
    most_pixels: int | None = None
    """The limit of width × height × batch_size."""

    def info(self, name: str) -> dict[str, Any]:
        """Return the entry of `/object_info`."""
        sections: dict[str, Any] = {"required": self.inputs}
        if self.is_output:  # the pictures carry the graph
            sections["hidden"] = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}
        return {
            "input": sections,
            "input_order": {section: list(keys) for section, keys in sections.items()},
            "output": self.outputs,
            "output_is_list": [False] * len(self.outputs),
            "output_name": self.outputs,
            "name": name,
            "display_name": self.title,
            "description": self.description,
            "python_module": "nodes",
            "category": self.category,
            "output_node": self.is_output,
        }


def object_info(library: Library) -> dict[str, Any]:
    """Return the content of `/object_info`: JSON by class, with `library`'s files."""
    return json.loads(json.dumps({name: node.info(name) for name, node in nodes(library).items()}))


def nodes(library: Library, most_pixels: int | None = None) -> dict[str, Node]:
    """Return every supported node by class name, with the present model files.

    `most_pixels` limits a batch, unless it is None.
    """
    return _loaders(library) | _texts_and_latents(most_pixels) | _samplers() | _pictures()


def _loaders(library: Library) -> dict[str, Node]:
    lora_name: Input = (library.names("loras"), {})
    return {
        "CheckpointLoaderSimple": Node(
            {"ckpt_name": (library.names("checkpoints"), {})},
            ("MODEL", "CLIP", "VAE"),
            "loaders",
            "Load Checkpoint",
            "Loads a checkpoint of SD1.x or SDXL: a file or a diffusers folder.",
        ),
        "LoraLoader": Node(
            {
                "model": ("MODEL", {}),
                "clip": ("CLIP", {}),
                "lora_name": lora_name,
                "strength_model": _strength(),
                "strength_clip": _strength(),
            },
            ("MODEL", "CLIP"),
            "loaders",
            "Load LoRA",
            "Merges a LoRA into the UNet and the text encoders.",
        ),
        "LoraLoaderModelOnly": Node(
            {"model": ("MODEL", {}), "lora_name": lora_name, "strength_model": _strength()},
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
            "Loads the autoencoder of an SD1.x or SDXL model from its own file.",
        ),
    }


def _texts_and_latents(most_pixels: int | None) -> dict[str, Node]:
    prompt: Input = ("STRING", {"multiline": True, "dynamicPrompts": True})
    return {
        "CLIPTextEncode": Node(
            {"text": prompt, "clip": ("CLIP", {})},
            ("CONDITIONING",),
            "conditioning",
            "CLIP Text Encode (Prompt)",
            "Encodes a prompt, with (emphasis:1.2), at any length.",
        ),
        "CLIPTextEncodeSDXL": Node(
            {
                "clip": ("CLIP", {}),
                "width": ("INT", _range(1024, 0, MAX_SIDE)),
                "height": ("INT", _range(1024, 0, MAX_SIDE)),
                "crop_w": ("INT", _range(0, 0, MAX_SIDE)),
                "crop_h": ("INT", _range(0, 0, MAX_SIDE)),
                "target_width": ("INT", _range(1024, 0, MAX_SIDE)),
                "target_height": ("INT", _range(1024, 0, MAX_SIDE)),
                "text_g": prompt,
                "text_l": prompt,
            },
            ("CONDITIONING",),
            "conditioning",
            "CLIP Text Encode (SDXL)",
            "Encodes a text for each encoder of SDXL, with the sizes that its UNet is told.",
        ),
        "ConditioningZeroOut": Node(
            {"conditioning": ("CONDITIONING", {})},
            ("CONDITIONING",),
            "conditioning",
            "Conditioning Zero Out",
            "Takes the text out of a conditioning.",
        ),
        "CLIPSetLastLayer": Node(
            {
                "clip": ("CLIP", {}),
                "stop_at_clip_layer": ("INT", _range(-1, -24, -1, step=1)),
            },
            ("CLIP",),
            "conditioning",
            "CLIP Set Last Layer",
            "Takes the text features of an earlier layer (clip skip).",
        ),
        "EmptyLatentImage": Node(
            {
                "width": ("INT", _range(512, 16, MAX_SIDE, step=8)),
                "height": ("INT", _range(512, 16, MAX_SIDE, step=8)),
                "batch_size": ("INT", _range(1, 1, 4096)),
            },
            ("LATENT",),
            "latent",
            "Empty Latent Image",
            "Starts a picture of a size from nothing.",
            most_pixels=most_pixels,
        ),
        "VAEDecode": Node(
            {"samples": ("LATENT", {}), "vae": ("VAE", {})},
            ("IMAGE",),
            "latent",
            "VAE Decode",
            "Turns latents into pictures.",
        ),
    }


def _samplers() -> dict[str, Node]:
    seed: Input = ("INT", _range(0, 0, MAX_SEED) | {"control_after_generate": True})
    walk: dict[str, Input] = {
        "steps": ("INT", _range(20, 1, 10000)),
        "cfg": ("FLOAT", _range(8.0, 0.0, 100.0, step=0.1, round=0.01)),
        "sampler_name": (SAMPLER_NAMES, {}),
        "scheduler": (SCHEDULER_NAMES, {}),
        "positive": ("CONDITIONING", {}),
        "negative": ("CONDITIONING", {}),
        "latent_image": ("LATENT", {}),
    }
    return {
        "KSampler": Node(
            {
                "model": ("MODEL", {}),
                "seed": seed,
                **walk,
                "denoise": ("FLOAT", _range(1.0, 0.0, 1.0, step=0.01)),
            },
            ("LATENT",),
            "sampling",
            "KSampler",
            "Denoises a latent under the guidance of two prompts.",
        ),
        "KSamplerAdvanced": Node(
            {
                "model": ("MODEL", {}),
                "add_noise": (["enable", "disable"], {}),
                "noise_seed": seed,
                **walk,
                "start_at_step": ("INT", _range(0, 0, 10000)),
                "end_at_step": ("INT", _range(10000, 0, 10000)),
                "return_with_leftover_noise": (["disable", "enable"], {}),
            },
            ("LATENT",),
            "sampling",
            "KSampler (Advanced)",
            "Denoises a latent from one step to another.",
        ),
    }


def _pictures() -> dict[str, Node]:
    images: dict[str, Input] = {"images": ("IMAGE", {})}
    return {
        "SaveImage": Node(
            images | {"filename_prefix": ("STRING", {"default": "ComfyUI"})},
            (),
            "image",
            "Save Image",
            "Saves PNG files with their workflow in the output folder.",
            is_output=True,
        ),
        "PreviewImage": Node(
            images,
            (),
            "image",
            "Preview Image",
            "Saves PNG files in a folder that is gone when the server ends.",
            is_output=True,
        ),
    }


def _strength() -> Input:
    return ("FLOAT", _range(1.0, -100.0, 100.0, step=0.01))


def _range(default: float, low: float, high: float, **more: float) -> Options:
    return {"default": default, "min": low, "max": high, **more}
