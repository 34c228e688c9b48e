"""What pictures of a set have in common, by their pixels: a background, a frame, a watermark."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

_RING = 0.04
"""The share of a picture's shorter edge that its rim is wide."""
_EVEN, _LEVELS = 0.85, 16
"""A rim is even where so much of it is within so many of 255 levels of its median."""
_SIDE, _FEWEST, _MOST = 64, 10, 200
_MARGIN = 12
"""Of 64: marks lie near the rim; in the middle a character has the same edges in all pictures."""
_ALIKE, _STRONG, _AREA = 0.85, 8.0, 10
"""An edge is that of all pictures where so much of them has one, of so many levels, and it points
one way in so much of them; so many such places make a mark."""


class Look(NamedTuple):
    """What is measured of a picture."""

    background: tuple[int, int, int] | None
    """The colour of its rim, None where that has several."""
    phash: int | None


def look(path: Path, phash: str) -> Look:
    """Measure a picture; `phash` is its perceptual hash in hex, where that is known."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.int16)
    wide = max(1, round(min(pixels.shape[:2]) * _RING))
    sides = (pixels[:wide], pixels[-wide:], pixels[:, :wide], pixels[:, -wide:])
    rim = np.concatenate([side.reshape(-1, 3) for side in sides])
    colour = np.median(rim, axis=0)
    even = (abs(rim - colour).max(axis=1) <= _LEVELS).mean() >= _EVEN
    red, green, blue = map(int, colour)
    return Look((red, green, blue) if even else None, int(phash, 16) if phash else None)


def mark(paths: Sequence[Path]) -> tuple[float, float, float, float] | None:
    """Return where all pictures have the same edges near their rim, as shares of width and height.

    Edges of a subject point in all directions from picture to picture, those of a frame or a
    watermark in one. None where there are too few pictures, or no such place.
    """
    if len(paths) < _FEWEST:
        return None
    step = max(1, len(paths) / _MOST)
    some = [paths[int(at * step)] for at in range(min(len(paths), _MOST))]
    total, edges = np.zeros((2, _SIDE, _SIDE)), np.zeros((_SIDE, _SIDE))
    for path in some:
        slope = _slopes(path)
        strength = np.hypot(*slope)
        total += slope / np.maximum(strength, 1e-9) * (strength >= _STRONG)
        edges += strength >= _STRONG
    places = (edges >= _ALIKE * len(some)) & (np.hypot(*total) >= _ALIKE * edges)
    places[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = False
    if places.sum() < _AREA:
        return None
    rows, columns = (np.flatnonzero(places.any(axis=axis)) for axis in (1, 0))
    ends = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    left, top, right, bottom = (round(float(end) / _SIDE, 3) for end in ends)
    return left, top, right, bottom


def _slopes(path: Path) -> np.ndarray:
    """Return how the brightness of a picture changes from left to right and from top to bottom."""
    with Image.open(path) as image:
        small = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    down, across = np.gradient(np.asarray(small, dtype=np.float64))
    return np.stack([across, down])
