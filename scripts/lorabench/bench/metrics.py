"""Numbers for every picture of a sweep, alone and against the same seed at weight 0.

Pixels are sRGB as stored, 8 bits a channel; `grey` is their luma, 0.299 R + 0.587 G + 0.114 B
(ITU-R BT.601), rounded to 8 bits.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import imagehash
import numpy as np
import pandas as pd
from PIL import Image
from skimage.filters import laplace
from skimage.metrics import structural_similarity

from lorabench.bench.cell import Cell, open_rgb
from lorabench.errors import UserError

COLUMNS = [
    *["weight", "seed", "index", "file"],
    *["sharpness", "contrast", "brightness", "saturation", "colourfulness", "clipped", "entropy"],
    *["difference", "ssim", "hash_distance"],
]


@dataclass(frozen=True)
class Picture:
    """A picture in the forms that the metrics need."""

    rgb: np.ndarray
    """uint8, height × width × 3."""
    grey: np.ndarray
    """uint8, height × width."""
    entropy: float
    """Bits per pixel of `grey`."""
    hash: imagehash.ImageHash
    """64 bits."""

    @classmethod
    def of(cls, image: Image.Image) -> "Picture":
        """Take an RGB image apart."""
        grey = image.convert("L")
        return cls(np.asarray(image), np.asarray(grey), grey.entropy(), imagehash.phash(image))


def describe(picture: Picture) -> dict[str, float]:
    """Measure a picture by itself."""
    return {
        "sharpness": float(laplace(picture.grey.astype(np.float64)).var()),
        "contrast": float(picture.grey.std() / 255),
        "brightness": float(picture.grey.mean() / 255),
        "saturation": saturation(picture.rgb),
        "colourfulness": colourfulness(picture.rgb),
        "clipped": float(((picture.rgb == 0) | (picture.rgb == 255)).mean()),
        "entropy": picture.entropy,
    }


def saturation(rgb: np.ndarray) -> float:
    """Return the mean S of HSV, (max − min) / max of a pixel's channels (Smith 1978), 0 to 1.

    `rgb` is uint8, height × width × 3; black counts as 0.
    """
    brightest, darkest = rgb.max(axis=-1), rgb.min(axis=-1)
    return float(((brightest - darkest) / np.maximum(brightest, 1)).mean())


def colourfulness(rgb: np.ndarray) -> float:
    """Return M³ of Hasler & Süsstrunk, "Measuring colourfulness in natural images" (2003).

    `rgb` is uint8, height × width × 3. The scale is the paper's: 0 is grey, 33 moderately, 59
    quite, 109 extremely colourful.
    """
    red, green, blue = np.moveaxis(rgb.astype(np.float64), -1, 0)
    opponents = np.stack([red - green, (red + green) / 2 - blue])
    spread = np.hypot(*opponents.std(axis=(1, 2)))
    offset = np.hypot(*opponents.mean(axis=(1, 2)))
    return float(spread + 0.3 * offset)


def compare(picture: Picture, baseline: Picture) -> dict[str, float]:
    """Measure how far a picture is from its baseline, which has the same size.

    SSIM is Wang et al. (2004) on the luma, with their 11 × 11 Gaussian window of σ = 1.5.
    """
    return {
        "difference": float(np.abs(picture.rgb.astype(np.int16) - baseline.rgb).mean() / 255),
        "ssim": float(
            structural_similarity(
                picture.grey,
                baseline.grey,
                data_range=255,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            )
        ),
        "hash_distance": picture.hash - baseline.hash,
    }


def measure(cells: Iterable[Cell], folder: Path) -> pd.DataFrame:
    """Return a row per cell with `COLUMNS`, by seed, index and weight; `file` is from `folder`.

    `cells` are in their own order, so that one baseline is held at a time. Where a seed and index
    has no picture at weight 0, what is compared with it stays empty. Raises `UserError` for a
    missing or unreadable picture and for one that has not the size of its baseline.
    """
    rows = []
    for _, group in groupby(cells, key=lambda cell: (cell.seed, cell.index)):
        same_noise = list(group)
        baseline = next((cell for cell in same_noise if cell.weight == 0), None)
        reference = Picture.of(open_rgb(baseline.path)) if baseline else None
        rows += [_row(cell, reference, folder) for cell in same_noise]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"hash_distance": "Int64"})


def _row(cell: Cell, reference: Picture | None, folder: Path) -> dict[str, object]:
    picture = Picture.of(open_rgb(cell.path))
    if reference and picture.rgb.shape != reference.rgb.shape:
        raise UserError(
            f"{cell.path}: {_size(picture)} pixels, but its picture at weight 0 has "
            f"{_size(reference)}; render both with one workflow"
        )
    return {
        "weight": cell.weight,
        "seed": cell.seed,
        "index": cell.index,
        "file": Path(os.path.relpath(cell.path, folder)).as_posix(),
        **describe(picture),
        **(compare(picture, reference) if reference else {}),
    }


def _size(picture: Picture) -> str:
    height, width = picture.grey.shape
    return f"{width} × {height}"
