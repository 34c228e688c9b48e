"""PNGs as written here are read by others, pixel for pixel."""

import numpy as np
import pytest
from PIL import Image

from lorabench.dataset import png


def write(pixels, path, **options):
    with path.open("wb") as file:
        png.write(Image.fromarray(pixels), file, **options)


@pytest.mark.parametrize("size", [(1, 1), (5, 64), (7, 65), (300, 200)])
def test_the_pixels_come_back(tmp_path, size):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    write(pixels, tmp_path / "a.png", dots_per_inch=300)
    with Image.open(tmp_path / "a.png") as image:
        image.verify()  # every checksum
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG" and image.mode == "RGB"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert np.array_equal(np.asarray(image), pixels)


def test_flat_pictures_become_small(tmp_path):
    write(np.full((1000, 1000, 3), 255, np.uint8), tmp_path / "a.png", dots_per_inch=72)
    assert (tmp_path / "a.png").stat().st_size < 20_000
