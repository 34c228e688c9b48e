"""Numbers of a picture by itself, and against the same seed at weight 0.

Pixels are sRGB as stored, 8 bits a channel; `grey` is their luma, 0.299 R + 0.587 G + 0.114 B
(ITU-R BT.601), rounded to 8 bits.
"""

from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.filters import laplace
from skimage.metrics import structural_similarity

_NOISE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
_SMOOTH = (0.1, 1.5)
"""Grey levels a pixel between which a blurred gradient is of a shade, not of a plane or an edge."""


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
        "noise": noise(picture.grey),
        "banding": banding(picture.grey),
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
    red, green, blue = np.moveaxis(rgb, -1, 0)  # five times as fast as a maximum over the last axis
    brightest = np.maximum(np.maximum(red, green), blue)
    darkest = np.minimum(np.minimum(red, green), blue)
    return float(((brightest - darkest) / np.maximum(brightest, 1)).mean())


def noise(grey: np.ndarray) -> float:
    """Return the standard deviation of the noise in grey levels (Immerkær 1996).

    It is √(π/2) / 6 times the mean magnitude of the difference of two Laplacians, in which flat
    and evenly shaded places vanish. `grey` is uint8, height × width.
    """
    filtered = ndimage.convolve(grey.astype(np.float32), _NOISE)
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(filtered).mean())


def banding(grey: np.ndarray) -> float:
    """Return how high the steps are in smooth places, in grey levels above the usual one.

    Where a blurred picture (σ = 3 px) rises gently, 8 bits make steps of one level; posterized
    shades make higher ones. 0 where there is no such place.
    """
    values = grey.astype(np.float32)
    gradient = ndimage.gaussian_gradient_magnitude(values, 3)[:, 1:]
    steps = np.abs(np.diff(values, axis=1))
    found = steps[(gradient > _SMOOTH[0]) & (gradient < _SMOOTH[1]) & (steps > 0)]
    return float(found.mean() - 1) if found.size else 0.0


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
                picture.grey.astype(np.float32),  # half the time of float64, to six digits the same
                baseline.grey.astype(np.float32),
                data_range=255,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            )
        ),
        "hash_distance": picture.hash - baseline.hash,
    }
