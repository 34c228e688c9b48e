"""How much detail the autoencoder leaves."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from lorabench.bench.measures import detail
from tests.pictures import photo


def noise(seed, size=64):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8))


def test_all_of_it_some_of_it_and_none():
    picture = noise(1)
    assert detail.given_back(picture, picture) == 1
    blurred = detail.given_back(picture, picture.filter(ImageFilter.GaussianBlur(0.4)))
    assert 0.5 < blurred < 0.99
    assert detail.given_back(picture, Image.new("RGB", (64, 64))) == 0
    assert detail.given_back(picture, noise(2)) < 0.1, "what stands elsewhere is no detail kept"


def test_a_soft_picture_has_none_to_lose():
    assert detail.given_back(photo(2), photo(1)) == 1
    assert detail.given_back(Image.new("RGB", (16, 16)), photo(1, 16, 16)) == 1


def test_grain_of_large_pictures_is_no_detail():
    smooth = noise(3).resize((1024, 1024), Image.Resampling.NEAREST)
    grain = np.random.default_rng(4).normal(0, 12, (1024, 1024, 1))
    grainy = Image.fromarray((np.asarray(smooth) + grain).clip(0, 255).astype(np.uint8))
    large = detail.given_back(grainy, smooth)
    small = detail.given_back(grainy.crop((0, 0, 256, 256)), smooth.crop((0, 0, 256, 256)))
    assert large > 0.9 > small


def test_the_square_with_the_most_detail_stands_for_a_large_picture():
    picture = photo(5, 640, 512)
    picture.paste(noise(6, 128).resize((256, 256), Image.Resampling.NEAREST), (320, 200))
    box = detail.densest(picture, 256)
    assert abs(box[0] - 320) < 16 and abs(box[1] - 200) < 16 and box[2] - box[0] == 256
    smooth = picture.filter(ImageFilter.GaussianBlur(1.5))
    part = detail.given_back(picture, smooth.crop(box), box)
    assert part == pytest.approx(detail.given_back(picture, smooth), abs=0.05)
    assert detail.densest(photo(7, 200, 160), 256) == (0, 0, 200, 160)
    cornered = Image.new("RGB", (640, 512))
    cornered.paste(noise(8, 128), (512, 384))
    assert detail.densest(cornered, 256)[2:] == (640, 512), "it ends with the picture"
