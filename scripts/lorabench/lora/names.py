"""Translate the names that makers of LoRAs give to a model's layers.

kohya writes `lora_unet_down_blocks_0_…`, PEFT and diffusers `unet.down_blocks.0.…`, and SDXL
trainers the names of the original checkpoints, `lora_unet_input_blocks_4_1_…`. The layers of a
transformer are those of its family (base/layer_names.py).
"""

import re
from collections.abc import Sequence
from typing import Literal

from lorabench.base import family
from lorabench.base.diffusion_transformers import TRANSFORMERS
from lorabench.base.family import Known

Part = family.Part | Literal["other"]

TEXT_ENCODERS: frozenset[Part] = frozenset(
    {"text_encoder", "text_encoder_2", "text_encoder_t5", "text_encoder_llm"}
)
PEFT = "base_model.model."
_MODEL = (
    *("lora_unet__", "lora_unet_", "lora_transformer_", "lycoris_"),
    *("unet.", "diffusion_model.", "transformer."),
)
"""What the names of a UNet's or a transformer's modules begin with; Wan's have two strokes."""
_T5 = "text_encoders.t5xxl.transformer."
_TEXT: tuple[tuple[str, Part], ...] = (
    ("lycoris_text_model_", "text_encoder"),
    ("lora_te_", "text_encoder"),
    ("lora_te1_", "text_encoder"),
    ("lora_te2_", "text_encoder_2"),
    ("lora_te3_", "text_encoder_t5"),
    ("text_encoder.", "text_encoder"),
    ("text_encoder_2.", "text_encoder_2"),
    ("text_encoder_3.", "text_encoder_t5"),
    ("text_encoders.clip_l.transformer.", "text_encoder"),
    ("text_encoders.clip_g.transformer.", "text_encoder_2"),
    (_T5, "text_encoder_t5"),
    ("clip_l.", "text_encoder"),
    ("clip_g.", "text_encoder_2"),
    ("text_model.", "text_encoder"),
)
_GENERIC = re.compile(r"text_encoders\.(\w+\.)?transformer\.")
"""Before a ComfyUI's own names of any text encoder's layers."""
_OF_ENCODERS: tuple[tuple[re.Pattern[str], Part], ...] = (
    (
        re.compile(r"(encoder_block_\d+_layer_\d|encoder_final_layer_norm|shared$).*"),
        "text_encoder_t5",
    ),
    (re.compile(r"(model_)?(layers_\d+_.+|norm|embed_tokens)"), "text_encoder_llm"),
)
"""Which encoder has layers of such a name, whatever its number: trainers count differently."""
_DIFFUSERS = (
    *("down_blocks_", "mid_block_", "up_blocks_", "conv_in", "conv_out", "conv_norm_out"),
    *("time_embedding_linear_", "add_embedding_"),
)
_ORIGINAL = (
    *("input_blocks_", "middle_block_", "output_blocks_", "out_0", "out_2"),
    *("time_embed_0", "time_embed_2", "label_emb_"),
)
_BLOCK = re.compile(r"(.+_)?(blocks?|layers?)_\d+_")
"""What a transformer's layers usually begin with, of families that are not known here as well."""
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

    A UNet's layers have diffusers' names or the original ones, a transformer's any of its family's.
    """
    if text := _of_encoder(name.replace(PEFT, "")):
        return text
    prefix, layer = split(name)
    flat = _underscored(layer)
    if prefix == "unet." or is_of_unet(flat):
        return "unet", f"{flat}_0" if flat.endswith("_to_out") else flat
    known = any(one.naming and one.naming.target(flat) for one in TRANSFORMERS)
    if known or "transformer" in prefix or (prefix not in ("", PEFT) and _BLOCK.match(flat)):
        return "transformer", flat
    return ("other" if prefix in ("", PEFT) else "unet"), flat


def is_of_unet(layer: str) -> bool:
    """Return whether only a UNet has layers of this underscored name."""
    return layer.startswith(_DIFFUSERS + _ORIGINAL)


def split(name: str) -> tuple[str, str]:
    """Return what a model's module begins with, and the layer as it is written."""
    bare = name.replace(PEFT, "")
    for prefix in _MODEL:
        if bare.startswith(prefix):
            return prefix, bare.removeprefix(prefix)
    return (PEFT if name != bare else ""), bare


def is_text(part: Part) -> bool:
    """Return whether a part is a text encoder."""
    return part in TEXT_ENCODERS


def is_unloaded(name: str) -> bool:
    """Return whether no ComfyUI loads a module: it knows only some layers of CLIP."""
    part, layer = place(name)
    if part not in ("text_encoder", "text_encoder_2") or name.startswith("text_encoders."):
        return False
    return not _TEXT_LAYERS.fullmatch(layer) and name not in _PROJECTIONS


def comfys(name: str, families: Sequence[Known] = ()) -> str | None:
    """Return a name by which every ComfyUI loads a module that it may not load by its own.

    That is kohya's for a UNet and CLIP. For a transformer it depends on the `families` that the
    LoRA may be of: what one of them takes must not get the name of another. None where its own
    will do, or no name is sure.
    """
    part, layer = place(name)
    if part == "transformer":
        found = {
            None if naming.takes(*split(name)) else naming.module(layer)
            for family in families
            if (naming := family.naming)
        }
        return found.pop() if len(found) == 1 else None
    if part == "text_encoder_t5" and name.startswith("text_encoder_"):
        return _T5 + name.partition(".")[2]
    known = _DIFFUSERS + _ORIGINAL if part == "unet" else ("encoder_layers_",)
    renamed = part in _KOHYA and layer.startswith(known) and not _taken(name, layer)
    return _KOHYA[part] + layer if renamed else None


def _taken(name: str, layer: str) -> bool:
    """Return whether every ComfyUI loads a module of a known layer by this name."""
    if name.startswith("lora_te"):
        return "_text_model_" in name
    if name.startswith("diffusion_model."):
        return layer.startswith(_ORIGINAL)
    if name.startswith("lycoris_"):
        return layer.startswith(_DIFFUSERS)
    return name.startswith(("lora_unet_", "text_encoders."))


def _of_encoder(name: str) -> tuple[Part, str] | None:
    """Return the text encoder that a module changes, and the layer; None for another module."""
    generic = _GENERIC.match(name)
    found = next(((prefix, part) for prefix, part in _TEXT if name.startswith(prefix)), None)
    if found is None and generic is None:
        return None
    prefix, part = found or (generic[0] if generic else "", "other")
    layer = _of_text(_underscored(name.removeprefix(prefix)))
    for pattern, encoder in _OF_ENCODERS:
        if pattern.fullmatch(layer):
            return encoder, layer.removeprefix("model_")
    return part, layer


def _of_text(layer: str) -> str:
    layer = f"{layer}_0" if layer.endswith("_to_out") else layer
    for theirs, ours in _OF_TEXT.items():
        if layer.endswith(f"self_attn_{theirs}"):
            return layer.removesuffix(theirs) + ours
    return layer


def _underscored(layer: str) -> str:
    return layer.replace(".processor.", ".").replace(".", "_").removeprefix("text_model_")
