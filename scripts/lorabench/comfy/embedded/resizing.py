"""Resize pictures and latents [N, C, h, w], as ComfyUI's nodes do."""

import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor

METHODS = ("nearest-exact", "bilinear", "area", "bicubic")
"""Those of PyTorch; pictures have "lanczos" besides, latents "bislerp"."""


def resized(samples: Tensor, width: int, height: int, method: str, crop: str) -> Tensor:
    """Return `samples` in a size; `crop` "center" cuts what would change their shape."""
    if crop == "center":
        samples = _centre(samples, width / height)
    if method == "bislerp":
        return _bislerp(samples, width, height)
    if method == "lanczos":
        return _lanczos(samples, width, height)
    return torch.nn.functional.interpolate(samples, size=(height, width), mode=method)


def repeated(batch: Tensor, count: int) -> Tensor:
    """Return `count` of a batch: the first ones, or all over and over."""
    times = math.ceil(count / len(batch))
    return batch.repeat(times, *([1] * (batch.ndim - 1)))[:count]


def _centre(samples: Tensor, shape: float) -> Tensor:
    """Return the middle of `samples` with width / height = `shape`, to the nearest pixel."""
    height, width = samples.shape[2:]
    own = width / height
    x = round((width - width * (shape / own)) / 2) if own > shape else 0
    y = round((height - height * (own / shape)) / 2) if own < shape else 0
    return samples[:, :, y : height - y, x : width - x]


def _lanczos(samples: Tensor, width: int, height: int) -> Tensor:
    """Resize with Pillow, in whole steps of 1/255."""
    results = []
    for sample in samples.movedim(1, -1):
        pixels = np.clip(255.0 * sample.numpy(), 0, 255).astype(np.uint8)
        image = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
        results.append(torch.from_numpy(np.asarray(image, dtype=np.float32) / 255.0))
    return torch.stack(results).movedim(-1, 1)


def _bislerp(samples: Tensor, width: int, height: int) -> Tensor:
    """Interpolate the direction on a sphere, and the length, along one axis and then the other."""
    wide = _slerp_along(samples, 3, width)
    return _slerp_along(wide, 2, height)


def _slerp_along(samples: Tensor, axis: int, length: int) -> Tensor:
    old = samples.shape[axis]
    left = _stretched(torch.arange(old, dtype=torch.float32), length)
    following = torch.arange(old, dtype=torch.float32) + 1
    following[-1] -= 1
    right = _stretched(following, length)
    shape = [1, 1, 1, 1]
    shape[axis] = length
    share = (left - left.floor()).view(shape)
    return _slerp(
        samples.index_select(axis, left.long()), samples.index_select(axis, right.long()), share
    )


def _stretched(values: Tensor, length: int) -> Tensor:
    """Return `values` at `length` places, interpolated linearly."""
    stretched = torch.nn.functional.interpolate(
        values[None, None, None], size=(1, length), mode="bilinear"
    )
    return stretched[0, 0, 0]


def _slerp(left: Tensor, right: Tensor, share: Tensor) -> Tensor:
    """Return the vectors (along dimension 1) at `share` of the way from `left` to `right`.

    Nearly parallel ones are those of `left`, nearly opposite ones are interpolated linearly.
    """
    lengths = left.norm(dim=1, keepdim=True), right.norm(dim=1, keepdim=True)
    units = (torch.nan_to_num(v / n, nan=0.0) for v, n in zip((left, right), lengths, strict=True))
    unit, other = units
    dot = (unit * other).sum(dim=1, keepdim=True)
    angle = torch.acos(dot)
    direction = (((1 - share) * angle).sin() * unit + (share * angle).sin() * other) / angle.sin()
    result = direction * (lengths[0] * (1 - share) + lengths[1] * share)
    result = torch.where(dot > 1 - 1e-5, left, result)
    return torch.where(dot < 1e-5 - 1, left * (1 - share) + right * share, result)
