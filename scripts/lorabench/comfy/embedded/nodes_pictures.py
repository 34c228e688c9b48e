"""The functions of the nodes that `catalog_pictures` declares; see `nodes`.

Pictures are float32 [batch, height, width, 3] in [0, 1], masks float32 [batch, height, width].
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, ImageSequence
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from lorabench import files
from lorabench.comfy.embedded.context import Context
from lorabench.comfy.embedded.execution import Shown
from lorabench.comfy.embedded.library import next_picture
from lorabench.comfy.embedded.resizing import resized
from lorabench.errors import UserError


def load(context: Context, image: str) -> tuple[Tensor, Tensor]:
    """LoadImage: every frame of the first one's size; opaque ones have masks of 64 × 64 zeros."""
    path = context.file("input", image)
    pictures, masks = [], []
    try:
        with Image.open(path) as file:
            context.check_size(1, *file.size)
            for frame in ImageSequence.Iterator(file):
                picture = ImageOps.exif_transpose(frame)
                pixels = _numbers(picture.convert("RGB"))
                if pictures and pixels.shape != pictures[0].shape:
                    continue
                context.check_size(len(pictures) + 1, *picture.size)
                pictures.append(pixels)
                masks.append(_transparent(picture))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(f"{image}: not a picture that can be read ({error})") from error
    return torch.stack(pictures), torch.stack(masks)


def load_mask(context: Context, image: str, channel: str) -> tuple[Tensor]:
    """LoadImageMask."""
    pictures, masks = load(context, image)
    if channel == "alpha":
        return (masks,)
    return (pictures[..., ("red", "green", "blue").index(channel)].clone(),)


def _numbers(picture: Image.Image) -> Tensor:
    return torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255.0)


def _transparent(picture: Image.Image) -> Tensor:
    """Return where a picture is transparent, from 0 to 1."""
    if not picture.has_transparency_data:
        return torch.zeros(64, 64)
    return 1 - _numbers(picture.convert("RGBA").getchannel("A"))


def scale(
    context: Context, image: Tensor, upscale_method: str, width: int, height: int, crop: str
) -> tuple[Tensor]:
    """ImageScale."""
    if not width and not height:
        return (image,)
    tall, wide = image.shape[1:3]
    width, height = (
        width or max(1, round(wide * height / tall)),
        height or max(1, round(tall * width / wide)),
    )
    return (_scaled(context, image, width, height, upscale_method, crop),)


def scale_by(
    context: Context, image: Tensor, upscale_method: str, scale_by: float
) -> tuple[Tensor]:
    """ImageScaleBy."""
    height, width = (max(1, round(side * scale_by)) for side in image.shape[1:3])
    return (_scaled(context, image, width, height, upscale_method, "disabled"),)


def _scaled(
    context: Context, pictures: Tensor, width: int, height: int, method: str, crop: str
) -> Tensor:
    context.check_size(len(pictures), width, height)
    return resized(pictures.movedim(-1, 1), width, height, method, crop).movedim(1, -1)


def invert(_context: Context, image: Tensor) -> tuple[Tensor]:
    """ImageInvert."""
    return (1.0 - image,)


def batch(context: Context, image1: Tensor, image2: Tensor) -> tuple[Tensor]:
    """ImageBatch."""
    height, width = image1.shape[1:3]
    if image2.shape[1:3] != (height, width):
        image2 = _scaled(context, image2, width, height, "bilinear", "center")
    context.check_size(len(image1) + len(image2), width, height)
    return (torch.cat([image1, image2]),)


def save(context: Context, images: Tensor, filename_prefix: str) -> Shown:
    """SaveImage."""
    return _save(context, images, filename_prefix, "output")


def preview(context: Context, images: Tensor) -> Shown:
    """PreviewImage."""
    return _save(context, images, "ComfyUI_temp", "temp")


def _save(context: Context, images: Tensor, prefix: str, kind: str) -> Shown:
    """Write a PNG by rename for each picture."""
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
    return Shown(saved, (images,))


RUN: dict[str, Callable[..., Any]] = {
    "LoadImage": load,
    "LoadImageMask": load_mask,
    "ImageScale": scale,
    "ImageScaleBy": scale_by,
    "ImageInvert": invert,
    "ImageBatch": batch,
    "SaveImage": save,
    "PreviewImage": preview,
}
