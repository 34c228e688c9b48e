"""Small pictures to test with, each unlike the others."""

import numpy as np
from PIL import Image

from lorabench.base.stable_diffusion import BUNDLED
from lorabench.settings.models import PreprocessSettings
from lorabench.settings.validation import validate

CORNERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))


def settings(**changes):
    """The bundled preset, 128 px, with changes."""
    return validate(PreprocessSettings, BUNDLED.preset["preprocess"] | changes)


def corners(width, height):
    """Red, green / blue, yellow: says which side is up."""
    image = Image.new("RGB", (2, 2))
    image.putdata(CORNERS)
    return image.resize((width, height), Image.Resampling.NEAREST)


def corner_colours(image):
    """The corners' pixels, from top left to bottom right."""
    right, bottom = image.width - 2, image.height - 2
    return [image.getpixel(at) for at in ((1, 1), (right, 1), (1, bottom), (right, bottom))]


def photo(seed, width=160, height=160):
    """Smooth random colours; another seed is quite another picture."""
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)


def close(colour, other, tolerance=3):
    """Whether two colours agree within so many levels."""
    return max(abs(a - b) for a, b in zip(colour, other, strict=True)) <= tolerance
