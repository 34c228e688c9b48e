"""Find the nearest training picture of a picture: is it a copy?"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps
from skimage.color import rgb2lab

SIDE = 32


class Nearest(NamedTuple):
    """The training picture nearest to a picture."""

    similarity: float
    """Correlation of the two at 32 x 32 pixels in CIELAB, -1 to 1."""
    path: Path
    mirrored: bool


class TrainingPictures:
    """The training set as thumbnails, each with its mirror image."""

    def __init__(self, paths: Sequence[Path], images: Iterable[Image.Image]) -> None:
        """Take the RGB `images` at `paths`, one at a time."""
        self._paths = list(paths)
        self._thumbnails = np.stack(
            [thumbnail(one) for image in images for one in (image, ImageOps.mirror(image))]
        )

    def nearest(self, image: Image.Image) -> Nearest:
        """Return the training picture nearest to an RGB picture, mirrored or not."""
        similarities = self._thumbnails @ thumbnail(image)
        best = int(similarities.argmax())
        return Nearest(float(similarities[best]), self._paths[best // 2], bool(best % 2))


def thumbnail(image: Image.Image) -> np.ndarray:
    """Return an RGB picture as float32 [SIDE · SIDE · 3] CIELAB, centred and of length 1.

    The product of two is their correlation.
    """
    small = image.resize((SIDE, SIDE), Image.Resampling.BOX)
    lab = rgb2lab(np.asarray(small)).astype(np.float32)
    centred = (lab - lab.mean((0, 1))).ravel()
    return centred / max(float(np.linalg.norm(centred)), 1e-6)
