"""The functions of the nodes that `catalog` declares; each returns its sockets' values.

They take the node's inputs by name, with `context` for everything outside the graph.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from lorabench import files
from lorabench.comfy.embedded import loras, memory, sampling
from lorabench.comfy.embedded.conditioning import Conditioning
from lorabench.comfy.embedded.engine import Clip, Engine, Model
from lorabench.comfy.embedded.library import Library, next_picture
from lorabench.comfy.embedded.loras import Patch
from lorabench.errors import UserError

Pictures = list[dict[str, str]]


@dataclass(frozen=True)
class Context:
    """Shared by the nodes of one prompt.

    `pnginfo` is the text chunks of saved pictures; `on_step(done, total)` reports progress and
    raises when the prompt was interrupted.
    """

    engine: Engine
    library: Library
    pnginfo: dict[str, str]
    on_step: Callable[[int, int], None]

    def file(self, folder: str, name: str) -> Path:
        """Return the file of a model, which was there when the prompt was checked."""
        if not (path := self.library.path(folder, name)):
            raise FileNotFoundError(f"{name} is no longer among the {folder}")
        return path


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


def encode_text(context: Context, text: str, clip: Clip) -> tuple[Conditioning]:
    """CLIPTextEncode."""
    return (clip.encode(text),)


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
) -> tuple[Conditioning]:
    """CLIPTextEncodeSDXL."""
    if len(clip.loaded.text_encoders) == 1:
        raise UserError("CLIPTextEncodeSDXL is for SDXL; for this checkpoint, use CLIPTextEncode")
    sizes = height, width, crop_h, crop_w, target_height, target_width
    return (replace(clip.encode(text_l, text_g), sizes=sizes),)


def zero_out(context: Context, conditioning: Conditioning) -> tuple[Conditioning]:
    """ConditioningZeroOut."""
    return (conditioning.zeroed(),)


def set_last_layer(context: Context, clip: Clip, stop_at_clip_layer: int) -> tuple[Clip]:
    """CLIPSetLastLayer."""
    return (replace(clip, last_layer=stop_at_clip_layer),)


def empty_latent(context: Context, width: int, height: int, batch_size: int) -> tuple[Tensor]:
    """EmptyLatentImage: four channels, until a sampler knows how many its model needs."""
    if width * height * batch_size > memory.most_pixels(context.engine.device):
        raise UserError(  # it was accepted before the device was chosen
            f"{batch_size} pictures of {width} × {height} do not fit in the memory of this machine;"
            " take a smaller picture or batch_size"
        )
    return (torch.zeros(batch_size, 4, height // 8, width // 8),)


def sample(
    context: Context,
    model: Model,
    positive: Conditioning,
    negative: Conditioning,
    latent_image: Tensor,
    sampler_name: str,
    **others: Any,
) -> tuple[Tensor]:
    """KSampler; `others` have the same names in `sampling.Settings`."""
    settings = sampling.Settings(sampler=sampler_name, **others)
    return (sampling.sample(model, positive, negative, latent_image, settings, context.on_step),)


def sample_advanced(
    context: Context,
    noise_seed: int,
    add_noise: str,
    return_with_leftover_noise: str,
    **inputs: Any,
) -> tuple[Tensor]:
    """KSamplerAdvanced."""
    return sample(
        context,
        seed=noise_seed,
        add_noise=add_noise == "enable",
        leftover_noise=return_with_leftover_noise == "enable",
        **inputs,
    )


def decode(context: Context, samples: Tensor, vae: Any) -> tuple[Tensor]:
    """VAEDecode."""
    return (context.engine.decode(vae, samples),)


def save_images(context: Context, images: Tensor, filename_prefix: str) -> Pictures:
    """SaveImage."""
    return _save(context, images, filename_prefix, "output")


def preview_images(context: Context, images: Tensor) -> Pictures:
    """PreviewImage."""
    return _save(context, images, "ComfyUI_temp", "temp")


def _save(context: Context, images: Tensor, prefix: str, kind: str) -> Pictures:
    """Write a PNG by rename for each picture, [height, width, 3] in [0, 1]."""
    root = context.library.pictures[kind]
    height, width = images.shape[1:3]
    folder, stem, counter = next_picture(root, prefix, width, height)
    saved = []
    for number, image in enumerate(images):
        name = f"{stem.replace('%batch_num%', str(number))}_{counter + number:05}_.png"
        pixels = np.clip(255.0 * image.numpy(), 0, 255).astype(np.uint8)
        info = PngInfo()
        for key, text in context.pnginfo.items():
            info.add_text(key, text)
        with files.publish(folder / name) as temporary:
            Image.fromarray(pixels).save(temporary, "PNG", pnginfo=info, compress_level=4)
        subfolder = folder.relative_to(root).as_posix()
        saved.append(
            {"filename": name, "subfolder": "" if subfolder == "." else subfolder, "type": kind}
        )
    return saved


RUN: dict[str, Callable[..., Any]] = {
    "CheckpointLoaderSimple": load_checkpoint,
    "LoraLoader": load_lora,
    "LoraLoaderModelOnly": load_lora_model_only,
    "VAELoader": load_vae,
    "CLIPTextEncode": encode_text,
    "CLIPTextEncodeSDXL": encode_text_sdxl,
    "ConditioningZeroOut": zero_out,
    "CLIPSetLastLayer": set_last_layer,
    "EmptyLatentImage": empty_latent,
    "KSampler": sample,
    "KSamplerAdvanced": sample_advanced,
    "VAEDecode": decode,
    "SaveImage": save_images,
    "PreviewImage": preview_images,
}
