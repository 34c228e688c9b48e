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


def given_back(picture: Image.Image, decoded: Image.Image) -> float:
    """Return how the detail of two pictures correlates: 1 is all of it, 0 none in its place."""
    one, other = _detail(picture), _detail(decoded)
    if one.std() < _SOFT:
        return 1.0
    both = ((one - one.mean()) * (other - other.mean())).mean()
    return float(np.clip(both / one.std() / max(other.std(), _SOFT), 0, 1))


def _detail(picture: Image.Image) -> np.ndarray:
    small = picture.convert("L").reduce(max(1, min(picture.size) // _COARSE))
    light = np.asarray(small, np.float32)
    return light - ndimage.gaussian_filter(light, _FINE)
