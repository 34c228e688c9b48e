"""How much of a picture's finest detail the base model's autoencoder gives back.

Stricter than what explains a verdict (`training_set`): what comes back at another place, or softer,
is lost too, as the squares of pixel art are, which still correlate.
"""

import numpy as np
from PIL import Image

_BRIGHTNESS = (0.299, 0.587, 0.114)
_COARSE = 256
"""px of the shorter edge: of larger pictures grain is no detail that anyone misses."""
_SOFT = 2.0
"""Of 255 levels: pictures with less detail have none to lose."""


def given_back(picture: Image.Image, decoded: Image.Image) -> float:
    """Return the share of a picture's detail that its way through the autoencoder has left.

    Detail is where brightness differs from that of the four neighbours. 1 is all of it; a soft
    picture has no detail to lose.
    """
    detail, left = _detail(picture), _detail(decoded)
    if detail.std() < _SOFT:
        return 1.0
    return max(0.0, 1 - float(((detail - left) ** 2).sum() / (detail**2).sum()))


def _detail(picture: Image.Image) -> np.ndarray:
    smaller = picture.convert("RGB").reduce(max(1, min(picture.size) // _COARSE))
    bright = np.asarray(smaller, dtype=np.float64) @ np.array(_BRIGHTNESS)
    around = bright[:-2, 1:-1] + bright[2:, 1:-1] + bright[1:-1, :-2] + bright[1:-1, 2:]
    return bright[1:-1, 1:-1] - around / 4
