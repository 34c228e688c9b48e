"""How much of the detail of pictures the base model's autoencoder gives back."""

import numpy as np
from PIL import Image

_BRIGHTNESS = (0.299, 0.587, 0.114)
_COARSE = 256
"""px of the shorter edge: of larger pictures grain is no detail that anyone misses."""


def given_back(picture: Image.Image, decoded: Image.Image) -> float:
    """Return the share of a picture's detail that its way through the autoencoder has left.

    Detail is where brightness differs from that of the four neighbours; what stands elsewhere, as
    in a moiré, counts against it. 1 is all; of a picture without any detail, too.
    """
    detail, left = _detail(picture), _detail(decoded)
    whole = float((detail * detail).sum())
    return max(0.0, 1 - float(((detail - left) ** 2).sum()) / whole) if whole else 1.0


def _detail(picture: Image.Image) -> np.ndarray:
    smaller = picture.convert("RGB").reduce(max(1, min(picture.size) // _COARSE))
    bright = np.asarray(smaller, dtype=np.float64) @ np.array(_BRIGHTNESS)
    around = bright[:-2, 1:-1] + bright[2:, 1:-1] + bright[1:-1, :-2] + bright[1:-1, 2:]
    return bright[1:-1, 1:-1] - around / 4
