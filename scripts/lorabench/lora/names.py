"""Translate the names that makers of LoRAs give to a model's layers.

kohya writes `lora_unet_down_blocks_0_…`, PEFT and diffusers `unet.down_blocks.0.…`, and SDXL
trainers the names of the original checkpoints, `lora_unet_input_blocks_4_1_…`.
"""

import re
from typing import Literal

from lorabench.base import family

Part = family.Part | Literal["other"]

_PREFIXES: tuple[tuple[str, Part], ...] = (
    ("lora_unet_", "unet"),
    ("lycoris_text_model_", "text_encoder"),
    ("lycoris_", "unet"),
    ("unet.", "unet"),
    ("diffusion_model.", "unet"),
    ("lora_te_", "text_encoder"),
    ("lora_te1_", "text_encoder"),
    ("lora_te2_", "text_encoder_2"),
    ("text_encoder.", "text_encoder"),
    ("text_encoder_2.", "text_encoder_2"),
    ("text_encoders.clip_l.transformer.", "text_encoder"),
    ("text_encoders.clip_g.transformer.", "text_encoder_2"),
    ("clip_l.", "text_encoder"),
    ("clip_g.", "text_encoder_2"),
    ("text_model.", "text_encoder"),
)
_DIFFUSERS = (
    *("down_blocks_", "mid_block_", "up_blocks_"),
    *("conv_", "time_embedding_", "add_embedding_"),
)
_ORIGINAL = (
    *("input_blocks_", "middle_block_", "output_blocks_"),
    *("out_", "time_embed_", "label_emb_"),
)
# diffusers' first LoRAs gave CLIP's projections the UNet's names.
_OF_TEXT = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out_0": "out_proj"}
_TEXT_LAYERS = re.compile(r"encoder_layers_\d+_(self_attn_(q|k|v|out)_proj|mlp_fc[12])")
_PROJECTIONS = ("lora_te1_text_projection", "lora_te2_text_projection")
_KOHYA: dict[Part, str] = {
    "unet": "lora_unet_",
    "text_encoder": "lora_te1_text_model_",
    "text_encoder_2": "lora_te2_text_model_",
}


def place(name: str) -> tuple[Part, str]:
    """Return the part of a model that a module changes, and the layer's name, underscored.

    The UNet's layers have diffusers' names or the original ones.
    """
    name = name.replace("base_model.model.", "")
    for prefix, part in _PREFIXES:
        if name.startswith(prefix):
            layer = _underscored(name.removeprefix(prefix))
            return part, _of_text(layer) if part.startswith("text") else layer
    layer = _underscored(name)
    return ("unet" if layer.startswith(_DIFFUSERS + _ORIGINAL) else "other"), layer


def is_unloaded(name: str) -> bool:
    """Return whether no ComfyUI loads a module: it knows only some layers of a text encoder."""
    part, layer = place(name)
    if not part.startswith("text_encoder") or name.startswith("text_encoders."):
        return False
    return not _TEXT_LAYERS.fullmatch(layer) and name not in _PROJECTIONS


def kohyas(name: str) -> str | None:
    """Return kohya's name for a module that ComfyUI may not load by its own; else None."""
    part, layer = place(name)
    known = _DIFFUSERS + _ORIGINAL if part == "unet" else ("encoder_layers_",)
    renamed = part != "other" and layer.startswith(known) and not _comfys(name, layer)
    return _KOHYA[part] + layer if renamed else None


def _comfys(name: str, layer: str) -> bool:
    """Return whether every ComfyUI loads a module of a known layer by this name."""
    if name.startswith("lora_te"):
        return "_text_model_" in name
    if name.startswith("diffusion_model."):
        return layer.startswith(_ORIGINAL)
    if name.startswith("lycoris_"):
        return layer.startswith(_DIFFUSERS)
    return name.startswith(("lora_unet_", "text_encoders."))


def _of_text(layer: str) -> str:
    for theirs, ours in _OF_TEXT.items():
        if layer.endswith(f"self_attn_{theirs}"):
            return layer.removesuffix(theirs) + ours
    return layer


def _underscored(layer: str) -> str:
    layer = layer.replace(".processor.", ".").replace(".", "_").removeprefix("text_model_")
    return f"{layer}_0" if layer.endswith("_to_out") else layer
