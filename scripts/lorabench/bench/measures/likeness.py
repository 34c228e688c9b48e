"""Is the character there? How like the figures of the training set the figure in a picture is.

A figure is what has not the colours of the picture's border. It is described by its colours,
wherever they are, and by where they are in its own box: so a character is known on any ground, at
any size, and from either side, and another animal in the same style of drawing is not taken for it.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.color import rgb2lab

_SIDE = 64
_BORDER = 4
_NEAR = 14.0
"""CIELAB units within which two colours are one."""
_GROUNDS = 6
"""Colours that a ground has at most: sky and sea, a meadow and a sun."""
_FEW = 20
"""Pixels under which there is no figure, and the whole picture counts."""
_BINS = (5, 8, 8)
_BOX = 14
_GREY = np.array([60.0, 0.0, 0.0])
_SOFT = 0.7
"""Bins by which a colour spreads, for it is never quite the same."""
_APART = 0.05
"""How much more alike training pictures are to each other than the base model's are to them, or
there is no figure that they share."""


def figure(image: Image.Image) -> np.ndarray:
    """Return the figure of an RGB picture, float32 [2, n], as it is and mirrored.

    The product of two is their likeness, 0 to 1: half of it of colours, half of arrangement.
    """
    lab = rgb2lab(np.asarray(image.resize((_SIDE, _SIDE), Image.Resampling.BOX)))
    there = _unlike_the_border(lab)
    if there.sum() < _FEW:
        there[:] = True
    colours = _unit(_histogram(lab[there]))
    box = _boxed(lab, there)
    sides = [np.concatenate([colours, _unit(one.ravel())]) for one in (box, box[:, ::-1])]
    return (np.stack(sides) / 2**0.5).astype(np.float32)


class Figures:
    """The figures of the training set, and how alike they are."""

    def __init__(self, taught: Sequence[np.ndarray], base: Sequence[np.ndarray]) -> None:
        """Take the figures of two training pictures or more, and of the base model's pictures."""
        self._taught = np.stack([one[0] for one in taught])
        each = np.stack([self._similarities(one) for one in taught])
        others = (each.sum() - np.trace(each)) / (len(each) * (len(each) - 1))
        self._from = float(np.mean([self._similarities(one).mean() for one in base]))
        self._way = float(others) - self._from

    def likeness(self, figure: np.ndarray) -> float:
        """Return how like the training set a figure is; NaN where that has no figure in common.

        0 is as the base model's pictures, 1 as the training pictures are like each other.
        """
        if self._way < _APART:
            return np.nan
        return (float(self._similarities(figure).mean()) - self._from) / self._way

    def _similarities(self, figure: np.ndarray) -> np.ndarray:
        return (self._taught @ figure.T).max(axis=1)


def _unlike_the_border(lab: np.ndarray) -> np.ndarray:
    """Return which pixels have no colour of the border, bool [h, w]."""
    inner = np.ones(lab.shape[:2], bool)
    inner[_BORDER:-_BORDER, _BORDER:-_BORDER] = False
    left = lab[inner]
    enough = len(left) / 25
    there = np.ones(lab.shape[:2], bool)
    for _ in range(_GROUNDS):
        if len(left) <= enough:
            break
        middle = np.median(left, axis=0)
        ground = left[np.abs(left - middle).sum(axis=1).argmin()]
        left = left[np.linalg.norm(left - ground, axis=1) >= _NEAR]
        there &= np.linalg.norm(lab - ground, axis=2) >= _NEAR
    return there


def _histogram(colours: np.ndarray) -> np.ndarray:
    ranges = ((0, 100), (-80, 80), (-80, 80))
    clipped = np.clip(colours, *np.array(ranges).T)
    counts, _ = np.histogramdd(clipped, bins=_BINS, range=ranges)
    return np.sqrt(ndimage.gaussian_filter(counts, _SOFT)).ravel()


def _boxed(lab: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return the figure's colours in its own box, without the ground, [_BOX, _BOX, 3]."""
    ends = [np.percentile(places, (2, 98)).astype(int) for places in np.nonzero(there)]
    (top, bottom), (left, right) = ends
    alone = np.where(there[..., None], lab - _GREY, 0)[top : bottom + 1, left : right + 1]
    channels = [Image.fromarray(one.astype(np.float32)) for one in np.moveaxis(alone, -1, 0)]
    small = [one.resize((_BOX, _BOX), Image.Resampling.BILINEAR) for one in channels]
    return np.stack([np.asarray(one) for one in small], axis=-1)


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-6)
