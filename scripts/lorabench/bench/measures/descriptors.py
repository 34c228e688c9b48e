"""Describe a picture's style in numbers, without a model: colours, ink, edges, texture."""

from itertools import pairwise

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.color import rgb2lab

QUANTILES = (5, 25, 50, 75, 95)
SIDE = 192
"""In pixels: larger pictures are first scaled down to the area of a square with this side."""

NAMES = (
    *(f"{channel}_{q}" for channel in "Lab" for q in QUANTILES),
    *("chroma_50", "chroma_95"),
    *("dark_lines", "dark_lines_95", "light_lines", "light_lines_95", "ink"),
    *("edges", "edges_75", "edges_90", "edges_97", "flat", "upright"),
    *("octave_1", "octave_2", "octave_3", "octave_4"),
    "colours",
)
"""The descriptors of `describe`, in order."""

_INK = 30.0  # L* below which a pixel counts as ink
_FLAT = 0.5  # L* per pixel: a weaker gradient is none
_LINE = np.hypot(*np.ogrid[-2:3, -2:3]) <= 2  # lines up to this wide vanish in a closing
_SCALES = (1.0, 2.0, 4.0, 8.0)


def fitted(image: Image.Image, area: int) -> Image.Image:
    """Return an RGB `image` scaled to about `area` pixels."""
    factor = (area / (image.width * image.height)) ** 0.5
    size = (max(8, round(image.width * factor)), max(8, round(image.height * factor)))
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def describe(image: Image.Image) -> np.ndarray:
    """Return the descriptors of an RGB picture, float64 [len(NAMES)].

    L*, a*, b* are CIELAB (D65). Lines are the mean and 95th percentile in L* of what a grey closing
    (dark lines) or opening (light lines) by a disk of radius 2 removes. Edges are the Sobel
    magnitude of L*, `upright` its share along the axes. Octaves are the logarithms of the standard
    deviations of a Laplacian pyramid of L*; `colours` is that of the number of colours per pixel,
    with 32 levels per channel.
    """
    rgb = np.asarray(image)
    lab = rgb2lab(rgb)
    light, a, b = np.moveaxis(lab, -1, 0)
    dx, dy = (ndimage.sobel(light, axis) / 8 for axis in (1, 0))
    edges = np.hypot(dx, dy)
    return np.array(
        [
            *np.percentile(lab.reshape(-1, 3), QUANTILES, axis=0).T.ravel(),
            *np.percentile(np.hypot(a, b), (50, 95)),
            *_lines(light),
            float((light < _INK).mean()),
            edges.mean(),
            *np.percentile(edges, (75, 90, 97)),
            float((edges < _FLAT).mean()),
            float(np.maximum(abs(dx), abs(dy)).sum() / max(edges.sum(), 1e-9)),
            *_octaves(light),
            _colours(rgb),
        ]
    )


def _lines(light: np.ndarray) -> list[float]:
    dark = ndimage.grey_closing(light, footprint=_LINE) - light
    bright = light - ndimage.grey_opening(light, footprint=_LINE)
    return [
        number for found in (dark, bright) for number in (found.mean(), np.percentile(found, 95))
    ]


def _octaves(light: np.ndarray) -> list[float]:
    levels = [light, *(ndimage.gaussian_filter(light, scale) for scale in _SCALES)]
    return [float(np.log(np.std(fine - coarse) + 0.1)) for fine, coarse in pairwise(levels)]


def _colours(rgb: np.ndarray) -> float:
    codes = (rgb >> 3).astype(np.int32) @ np.array([1024, 32, 1])
    return float(np.log(np.count_nonzero(np.bincount(codes.ravel())) / codes.size))
