"""Compare where things are in two pictures, apart from their style: is the composition kept?"""

from collections.abc import Mapping

import numpy as np
from PIL import Image
from scipy.spatial.distance import pdist
from skimage.color import rgb2lab

CELLS = 12
"""A picture is looked at as so many times so many patches."""
_EVEN = 0.25
"""CIELAB units²: patches of a plain picture vary less."""
_APART = 0.1
"""Keeps the prompt from counting without bound where the base model hardly tells prompts apart."""


def patches(image: Image.Image) -> np.ndarray:
    """Return the mean colours of the patches of an RGB picture in CIELAB, float32 [patches, 3]."""
    small = image.resize((CELLS, CELLS), Image.Resampling.BOX)
    return rgb2lab(np.asarray(small)).reshape(-1, 3).astype(np.float32)


def coherence(patches: np.ndarray) -> float:
    """Return how alike neighbouring patches are, a correlation over the picture (Moran's I).

    Of noise it is about 0, whatever its grain; texture, which patches average away, lowers it
    little. 1 where all patches are the same.
    """
    apart = (patches - patches.mean(axis=0)).reshape(CELLS, CELLS, -1)
    spread = (apart**2).sum(axis=2).mean()
    if spread < _EVEN:
        return 1.0
    below, right = apart[1:] * apart[:-1], apart[:, 1:] * apart[:, :-1]
    return float((below.sum() + right.sum()) / (2 * CELLS * (CELLS - 1)) / spread)


def signature(patches: np.ndarray) -> np.ndarray:
    """Return how unlike the patches of a picture are to one another, float64 [pairs].

    It is the distance of their mean colours, centred and of length 1. Another palette, ink or even
    a negative leaves it nearly as it is, for the patches of one thing still resemble each other
    (self-similarity: Shechtman & Irani 2007).
    """
    pairs = pdist(patches)
    centred = pairs - pairs.mean()
    return centred / max(np.linalg.norm(centred), 1e-9)


def kept(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of two signatures, -1 to 1; 1 is the same composition."""
    return float(one @ other)


class Prompts:
    """What the base model makes of the prompts from one noise: does a picture show its own?"""

    def __init__(self, without: Mapping[str, np.ndarray]) -> None:
        """Take the patches of the pictures at weight 0 by their prompts, two or more."""
        self._names = list(without)
        self._signatures = np.stack([signature(one) for one in without.values()])
        self._alike = self._signatures @ self._signatures.T

    def kept(self, name: str, patches: np.ndarray) -> float:
        """Return how much nearer a picture is to its own prompt's than to those of the others.

        1 is as near as without the LoRA, 0 no nearer to its own than to another.
        """
        own = self._names.index(name)
        here, before = self._signatures @ signature(patches), self._alike[own]
        apart = before[own] - np.delete(before, own).mean()
        return float((here[own] - np.delete(here, own).mean()) / max(apart, _APART))
