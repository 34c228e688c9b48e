"""How much of a picture's fine detail the base model's autoencoder gives back."""

import numpy as np
from PIL import Image
from scipy import ndimage

_FINE = 1.5
"""Pixels: what a blur of this σ removes is fine detail."""
_COARSE = 256
"""px of the shorter edge: of larger pictures grain is no detail that anyone misses."""
_SOFT = 2.0
"""Grey levels: pictures with less detail have none to lose."""

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, px."""


def given_back(picture: Image.Image, decoded: Image.Image, box: Box | None = None) -> float:
    """Return how the detail of two pictures correlates: 1 is all of it, 0 none in its place.

    Where only the part in `box` was decoded, only that part is compared.
    """
    step = _step(picture)
    one, other = _detail(picture.crop(box) if box else picture, step), _detail(decoded, step)
    if one.std() < _SOFT:
        return 1.0
    both = ((one - one.mean()) * (other - other.mean())).mean()
    return float(np.clip(both / one.std() / max(other.std(), _SOFT), 0, 1))


def densest(picture: Image.Image, side: int) -> Box:
    """Return the square of a picture with the most detail, as far as it is that large."""
    step = _step(picture)
    dense = ndimage.uniform_filter(_detail(picture, step) ** 2, side // step, mode="constant")
    top, left = (step * at - side // 2 for at in np.unravel_index(dense.argmax(), dense.shape))
    left, top = (
        int(np.clip(start, 0, max(0, length - side)))
        for start, length in zip((left, top), picture.size, strict=True)
    )
    return left, top, min(left + side, picture.width), min(top + side, picture.height)


def _step(picture: Image.Image) -> int:
    """Return by how much a picture is made smaller, so that grain is no detail."""
    return max(1, min(picture.size) // _COARSE)


def _detail(picture: Image.Image, step: int) -> np.ndarray:
    light = np.asarray(picture.convert("L").reduce(step), np.float32)
    return light - ndimage.gaussian_filter(light, _FINE)
