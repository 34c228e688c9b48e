"""Compare where things are in two pictures, apart from their style: is the composition kept?"""

import numpy as np
from PIL import Image
from scipy.spatial.distance import pdist
from skimage.color import rgb2lab

CELLS = 12
"""A picture is divided into this many patches across and down."""


def signature(image: Image.Image) -> np.ndarray:
    """Return the distances between the patches of an RGB picture, float64 [pairs].

    They are those of the mean colours in CIELAB, centred and of length 1. Another palette, ink or
    even a negative changes them little, because the patches of one thing still resemble each other
    (self-similarity: Shechtman & Irani 2007).
    """
    small = image.resize((CELLS, CELLS), Image.Resampling.BOX)
    patches = rgb2lab(np.asarray(small)).reshape(-1, 3)
    pairs = pdist(patches)
    centred = pairs - pairs.mean()
    return centred / max(np.linalg.norm(centred), 1e-9)


def kept(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of two signatures, -1 to 1; 1 is the same composition."""
    return float(one @ other)
