"""Measure a picture by itself, and compared with the same seed at weight 0.

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

_SMOOTH = (0.1, 1.5)
"""A blurred gradient between these grey levels per pixel is a shade, not a plane or an edge."""
_SEEN = 256
"""About the shorter side, in pixels, of a picture for SSIM and the gradient."""


@dataclass(frozen=True)
class Pixels:
    """A picture in the forms for the metrics."""

    rgb: np.ndarray
    """uint8, height × width × 3."""
    grey: np.ndarray
    """uint8, height × width."""
    small: np.ndarray
    """`grey` reduced by a whole factor, float32, with a shorter side of about `_SEEN`."""
    entropy: float
    """Bits per pixel of `grey`."""
    hash: imagehash.ImageHash
    """64 bits."""

    @classmethod
    def of(cls, image: Image.Image) -> "Pixels":
        """Convert an RGB image."""
        grey = image.convert("L")
        small = np.asarray(grey.reduce(max(1, round(min(grey.size) / _SEEN))), np.float32)
        return cls(
            np.asarray(image), np.asarray(grey), small, grey.entropy(), imagehash.phash(image)
        )


def describe(picture: Pixels) -> dict[str, float]:
    """Measure a picture by itself."""
    return {
        "sharpness": float(laplace(picture.grey.astype(np.float32)).var(dtype=np.float64)),
        "noise": noise(picture.grey),
        "banding": banding(picture),
        "contrast": float(picture.grey.std() / 255),
        "brightness": float(picture.grey.mean() / 255),
        "saturation": saturation(picture.rgb),
        "colourfulness": colourfulness(picture.rgb),
        "clipped": float(((picture.rgb == 0) | (picture.rgb == 255)).mean()),
        "entropy": picture.entropy,
    }


def drift(described: dict[str, float], baseline: dict[str, float]) -> dict[str, float]:
    """Return the change from a picture's baseline, both as `describe` returns them.

    Sharpness drifts in octaves, the logarithm to base 2 of the ratio, with one grey level² added
    for flat pictures; noise and saturation by the difference.
    """
    sharper = (described["sharpness"] + 1) / (baseline["sharpness"] + 1)
    return {
        "sharpness_drift": float(np.log2(sharper)),
        "noise_drift": described["noise"] - baseline["noise"],
        "saturation_drift": described["saturation"] - baseline["saturation"],
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

    It is √(π/2) / 6 times the mean magnitude of the second difference across and then down, where
    flat and evenly shaded areas vanish. `grey` is uint8, height × width, at least 3 × 3.
    """
    across = np.diff(grey.astype(np.int16), 2, axis=1)
    return float(np.sqrt(np.pi / 2) / 6 * np.abs(np.diff(across, 2, axis=0)).mean())


def banding(picture: Pixels) -> float:
    """Return the height of the steps in smooth areas, in grey levels above the usual one.

    If a blurred picture (σ = 3 px) rises gently, 8 bits give steps of one level, and posterized
    shades higher ones. 0 without such areas.
    """
    height, width = picture.grey.shape
    factor = round(height / picture.small.shape[0])
    gradient = ndimage.gaussian_gradient_magnitude(picture.small, 3 / factor) / factor
    gentle = (gradient > _SMOOTH[0]) & (gradient < _SMOOTH[1])
    smooth = gentle.repeat(factor, axis=0).repeat(factor, axis=1)[:height, 1:width]
    steps = np.abs(np.diff(picture.grey.astype(np.int16), axis=1))
    found = steps[smooth & (steps > 0)]
    return float(found.mean() - 1) if found.size else 0.0


def colourfulness(rgb: np.ndarray) -> float:
    """Return M³ of Hasler & Süsstrunk, "Measuring colourfulness in natural images" (2003).

    `rgb` is uint8, height × width × 3. The scale is the paper's: 0 is grey, 33 moderately, 59
    quite, 109 extremely colourful.
    """
    red, green, blue = np.moveaxis(rgb.astype(np.float32), -1, 0)
    opponents = red - green, (red + green) / 2 - blue
    spread = np.hypot(*(one.std() for one in opponents))
    offset = np.hypot(*(one.mean() for one in opponents))
    return float(spread + 0.3 * offset)


def compare(picture: Pixels, baseline: Pixels) -> dict[str, float]:
    """Measure how far a picture is from its baseline, which has the same size.

    SSIM is Wang et al. (2004) on the luma, with their 11 × 11 Gaussian window of σ = 1.5 and their
    scale: averaged and subsampled to about 256 pixels.
    """
    return {
        "difference": float(np.abs(picture.rgb.astype(np.int16) - baseline.rgb).mean() / 255),
        "ssim": float(
            structural_similarity(
                picture.small,
                baseline.small,
                data_range=255,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            )
        ),
        "hash_distance": int(picture.hash - baseline.hash),
    }
