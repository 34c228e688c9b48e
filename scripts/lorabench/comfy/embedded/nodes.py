"""The functions of the nodes that `catalog` declares; each returns its sockets' values.

They take the node's inputs by name, with `context` for everything outside the graph. Loaders and
texts stand here, the others in the `nodes_…` files; `RUN` has all.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lorabench.comfy.embedded import (
    loras,
    nodes_latents,
    nodes_levels,
    nodes_pictures,
    nodes_prompts,
    nodes_sampling,
)
from lorabench.comfy.embedded.context import Context
from lorabench.comfy.embedded.engine import Clip, Model
from lorabench.comfy.embedded.loras import Patch
from lorabench.comfy.embedded.prompts import Prompt, Prompts
from lorabench.errors import UserError


def load_checkpoint(context: Context, ckpt_name: str) -> tuple[Any, ...]:
    """CheckpointLoaderSimple."""
    loaded = context.engine.checkpoint(context.file("checkpoints", ckpt_name))
    return Model(loaded), Clip(loaded), loaded.vae


def load_lora(
    context: Context,
    model: Model,
    clip: Clip,
    lora_name: str,
    strength_model: float,
    strength_clip: float,
) -> tuple[Model, Clip]:
    """LoraLoader: at strengths 0 and 0 it returns its inputs."""
    if strength_model == 0 and strength_clip == 0:
        return model, clip
    lora = loras.read(context.file("loras", lora_name))
    loras.report_unused(lora, (model.loaded.unet, *clip.loaded.text_encoders))
    return (
        replace(model, patches=(*model.patches, Patch(lora, strength_model))),
        replace(clip, patches=(*clip.patches, Patch(lora, strength_clip))),
    )


def load_lora_model_only(
    context: Context, model: Model, lora_name: str, strength_model: float
) -> tuple[Model]:
    """LoraLoaderModelOnly."""
    if strength_model == 0:
        return (model,)
    lora = loras.read(context.file("loras", lora_name))
    loras.report_unused(lora, (model.loaded.unet,))
    return (replace(model, patches=(*model.patches, Patch(lora, strength_model))),)


def load_vae(context: Context, vae_name: str) -> tuple[Any]:
    """VAELoader."""
    return (context.engine.vae(context.file("vae", vae_name)),)


def encode_text(context: Context, text: str, clip: Clip) -> tuple[Prompts]:
    """CLIPTextEncode."""
    return ((Prompt(clip.encode(text)),),)


def encode_text_sdxl(
    context: Context,
    clip: Clip,
    width: int,
    height: int,
    crop_w: int,
    crop_h: int,
    target_width: int,
    target_height: int,
    text_g: str,
    text_l: str,
) -> tuple[Prompts]:
    """CLIPTextEncodeSDXL."""
    if len(clip.loaded.text_encoders) == 1:
        raise UserError("CLIPTextEncodeSDXL is for SDXL; for this checkpoint, use CLIPTextEncode")
    sizes = height, width, crop_h, crop_w, target_height, target_width
    return ((Prompt(replace(clip.encode(text_l, text_g), sizes=sizes)),),)


def set_last_layer(context: Context, clip: Clip, stop_at_clip_layer: int) -> tuple[Clip]:
    """CLIPSetLastLayer."""
    return (replace(clip, last_layer=stop_at_clip_layer),)


def hold(context: Context, value: Any) -> tuple[Any]:
    """Return the value of a Primitive… node."""
    return (value,)


def concatenate(context: Context, string_a: str, string_b: str, delimiter: str) -> tuple[str]:
    """StringConcatenate."""
    return (delimiter.join((string_a, string_b)),)


RUN: dict[str, Callable[..., Any]] = {
    "CheckpointLoaderSimple": load_checkpoint,
    "LoraLoader": load_lora,
    "LoraLoaderModelOnly": load_lora_model_only,
    "VAELoader": load_vae,
    "CLIPTextEncode": encode_text,
    "CLIPTextEncodeSDXL": encode_text_sdxl,
    "CLIPSetLastLayer": set_last_layer,
    "PrimitiveString": hold,
    "PrimitiveStringMultiline": hold,
    "PrimitiveInt": hold,
    "PrimitiveFloat": hold,
    "PrimitiveBoolean": hold,
    "StringConcatenate": concatenate,
    **nodes_prompts.RUN,
    **nodes_latents.RUN,
    **nodes_sampling.RUN,
    **nodes_levels.RUN,
    **nodes_pictures.RUN,
}
