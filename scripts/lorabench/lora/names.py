"""Translate the names that makers of LoRAs give to a model's layers.

kohya writes `lora_unet_down_blocks_0_…`, PEFT and diffusers `unet.down_blocks.0.…`, and SDXL
trainers the names of the original checkpoints, `lora_unet_input_blocks_4_1_…`.
"""

from typing import Literal

from lorabench.base import families

Part = families.Part | Literal["other"]

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
)
_BARE_UNET = (
    *("down_blocks.", "mid_block.", "up_blocks."),
    *("conv_in", "conv_norm_out", "conv_out", "time_embedding.", "add_embedding."),
)
# diffusers' first LoRAs gave CLIP's projections the UNet's names.
_OF_TEXT = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out_0": "out_proj"}
_UNET_BLOCKS = ("down_blocks_", "mid_block_", "up_blocks_", "conv_", "time_", "add_")
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
    return ("unet" if name.startswith(_BARE_UNET) else "other"), _underscored(name)


def kohyas(name: str) -> str | None:
    """Return kohya's name for a module with diffusers' and PEFT's dotted name; else None."""
    dotted = "." in name and not name.startswith(("diffusion_model.", "text_encoders."))
    part, layer = place(name)
    known = layer.startswith(_UNET_BLOCKS if part == "unet" else "encoder_layers_")
    return _KOHYA[part] + layer if dotted and part != "other" and known else None


def _of_text(layer: str) -> str:
    for theirs, ours in _OF_TEXT.items():
        if layer.endswith(f"self_attn_{theirs}"):
            return layer.removesuffix(theirs) + ours
    return layer


def _underscored(layer: str) -> str:
    layer = layer.replace(".processor.", ".").replace(".", "_").removeprefix("text_model_")
    return f"{layer}_0" if layer.endswith("_to_out") else layer
