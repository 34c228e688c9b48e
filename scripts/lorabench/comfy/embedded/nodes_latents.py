"""The functions of the nodes that `catalog_latents` declares; see `nodes`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lorabench.base.conditions import PIXELS
from lorabench.comfy.embedded import latents
from lorabench.comfy.embedded.context import Context
from lorabench.comfy.embedded.latents import Latent
from lorabench.comfy.embedded.resizing import resized


def empty(context: Context, width: int, height: int, batch_size: int) -> tuple[Latent]:
    """EmptyLatentImage: four channels, until a sampler knows how many its model needs."""
    context.check_size(batch_size, width, height)
    return (Latent(torch.zeros(batch_size, 4, height // PIXELS, width // PIXELS)),)


def decode(context: Context, samples: Latent, vae: Any) -> tuple[Tensor]:
    """VAEDecode."""
    return (context.engine.decode(vae, samples.samples),)


def encode(context: Context, pixels: Tensor, vae: Any) -> tuple[Latent]:
    """VAEEncode."""
    return (Latent(context.engine.encode(vae, pixels)),)


def encode_for_inpainting(
    context: Context, pixels: Tensor, vae: Any, mask: Tensor, grow_mask_by: int
) -> tuple[Latent]:
    """VAEEncodeForInpaint."""
    grey, grown = latents.inpainting(pixels, mask, grow_mask_by)
    return (Latent(context.engine.encode(vae, grey), grown),)


def set_mask(_context: Context, samples: Latent, mask: Tensor) -> tuple[Latent]:
    """SetLatentNoiseMask."""
    return (replace(samples, mask=mask[:, None]),)


def upscale(
    context: Context, samples: Latent, upscale_method: str, width: int, height: int, crop: str
) -> tuple[Latent]:
    """LatentUpscale."""
    if not width and not height:
        return (samples,)
    tall, wide = samples.samples.shape[2:]
    width, height = latents.side(width, height, wide, tall), latents.side(height, width, tall, wide)
    return _scaled(context, samples, width // PIXELS, height // PIXELS, upscale_method, crop)


def upscale_by(
    context: Context, samples: Latent, upscale_method: str, scale_by: float
) -> tuple[Latent]:
    """LatentUpscaleBy."""
    height, width = (round(side * scale_by) for side in samples.samples.shape[2:])
    return _scaled(context, samples, width, height, upscale_method, "disabled")


def _scaled(
    context: Context, latent: Latent, width: int, height: int, method: str, crop: str
) -> tuple[Latent]:
    width, height = max(width, 1), max(height, 1)
    context.check_size(len(latent.samples), width * PIXELS, height * PIXELS)
    return (replace(latent, samples=resized(latent.samples, width, height, method, crop)),)


def crop(
    _context: Context, samples: Latent, width: int, height: int, x: int, y: int
) -> tuple[Latent]:
    """LatentCrop."""
    sides = (side // PIXELS for side in (width, height, x, y))
    return (replace(samples, samples=latents.cropped(samples.samples, *sides)),)


def rotate(_context: Context, samples: Latent, rotation: str) -> tuple[Latent]:
    """LatentRotate."""
    turns = {"none": 0, "90 degrees": 1, "180 degrees": 2, "270 degrees": 3}[rotation]
    return (replace(samples, samples=torch.rot90(samples.samples, turns, (3, 2))),)


def flip(_context: Context, samples: Latent, flip_method: str) -> tuple[Latent]:
    """LatentFlip."""
    axis = 2 if flip_method.startswith("x") else 3
    return (replace(samples, samples=samples.samples.flip(axis)),)


def composite(
    _context: Context, samples_to: Latent, samples_from: Latent, x: int, y: int, feather: int
) -> tuple[Latent]:
    """LatentComposite."""
    place = (side // PIXELS for side in (x, y, feather))
    pasted = latents.pasted(samples_to.samples, samples_from.samples, *place)
    return (replace(samples_to, samples=pasted),)


def blend(
    _context: Context, samples1: Latent, samples2: Latent, blend_factor: float
) -> tuple[Latent]:
    """LatentBlend; the second gets the first one's size."""
    first, second = samples1.samples, samples2.samples
    if first.shape != second.shape:
        second = resized(second, first.shape[3], first.shape[2], "bicubic", "center")
    mixed = first * blend_factor + second * (1 - blend_factor)
    return (replace(samples1, samples=mixed),)


def repeat(context: Context, samples: Latent, amount: int) -> tuple[Latent]:
    """RepeatLatentBatch."""
    height, width = samples.samples.shape[2:]
    context.check_size(len(samples.samples) * amount, width * PIXELS, height * PIXELS)
    return (latents.many(samples, amount),)


def from_batch(_context: Context, samples: Latent, batch_index: int, length: int) -> tuple[Latent]:
    """LatentFromBatch."""
    return (latents.taken(samples, batch_index, length),)


RUN: dict[str, Callable[..., Any]] = {
    "EmptyLatentImage": empty,
    "VAEDecode": decode,
    "VAEEncode": encode,
    "VAEEncodeForInpaint": encode_for_inpainting,
    "SetLatentNoiseMask": set_mask,
    "LatentUpscale": upscale,
    "LatentUpscaleBy": upscale_by,
    "LatentCrop": crop,
    "LatentRotate": rotate,
    "LatentFlip": flip,
    "LatentComposite": composite,
    "LatentBlend": blend,
    "RepeatLatentBatch": repeat,
    "LatentFromBatch": from_batch,
}
