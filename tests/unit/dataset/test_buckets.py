"""Buckets: sizes that the trainers keep, and the fit of a picture to one."""

import pytest

from lorabench.base.families import FAMILIES
from lorabench.dataset.buckets import bucket_sizes, fit

SD15 = bucket_sizes(512, 64, 256, 1024)


def test_the_sizes_of_sd15():
    # as listed in a log of kohya's trainer for 512, 64, 256, 1024
    half = {(256, 832), (256, 896), (256, 960), (256, 1024), (320, 704), (320, 768), (384, 640)}
    half |= {(448, 576), (512, 512)}
    assert set(SD15) == half | {(h, w) for w, h in half}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_limits_hold(family):
    p = family.preset["preprocess"]
    sizes = bucket_sizes(p["resolution"], p["bucket_step"], p["bucket_min"], p["bucket_max"])
    assert (p["resolution"], p["resolution"]) in sizes
    for size in sizes:
        assert size[0] * size[1] <= p["resolution"] ** 2
        assert all(p["bucket_min"] <= edge <= p["bucket_max"] for edge in size)
        assert not any(edge % p["bucket_step"] for edge in size)


def test_limits_off_the_step_are_widened():
    assert bucket_sizes(512, 64, 300, 1000) == bucket_sizes(512, 64, 256, 1024)


def test_one_bucket_is_possible():
    assert bucket_sizes(512, 64, 512, 512) == ((512, 512),)


@pytest.mark.parametrize("size", SD15)
def test_a_picture_of_a_buckets_size_stays_as_it_is(size):
    fitted = fit(*size, SD15)
    assert (fitted.size, fitted.crop, fitted.scale) == (size, (0, 0, *size), 1)


@pytest.mark.parametrize(
    ("picture", "size", "crop"),
    [
        ((1000, 1000), (512, 512), (0, 0, 1000, 1000)),
        ((1010, 1000), (512, 512), (5, 0, 1000, 1000)),
        ((1000, 1010), (512, 512), (0, 5, 1000, 1000)),
        ((4000, 3000), (576, 448), (71, 0, 3857, 3000)),
        ((5000, 1000), (1024, 256), (500, 0, 4000, 1000)),
    ],
)
def test_the_nearest_bucket_and_a_centred_crop(picture, size, crop):
    assert (fit(*picture, SD15).size, fit(*picture, SD15).crop) == (size, crop)


@pytest.mark.parametrize("picture", [(640, 480), (4032, 3024), (1920, 1080), (700, 2000), (31, 33)])
def test_a_turned_picture_gets_the_turned_bucket(picture):
    fitted, turned = fit(*picture, SD15), fit(*picture[::-1], SD15)
    assert turned.size == fitted.size[::-1]
    assert turned.scale == fitted.scale


@pytest.mark.parametrize("width", range(100, 2000, 37))
def test_the_crop_lies_in_the_picture_and_fills_the_bucket(width):
    height = 777
    fitted = fit(width, height, SD15)
    left, top, crop_width, crop_height = fitted.crop
    assert left >= 0 and left + crop_width <= width
    assert top >= 0 and top + crop_height <= height
    assert (crop_width, crop_height)[crop_height == height] == (width, height)[
        crop_height == height
    ] or crop_width == width
    assert abs(crop_width * fitted.scale - fitted.size[0]) <= fitted.scale / 2 + 1e-9
    assert abs(crop_height * fitted.scale - fitted.size[1]) <= fitted.scale / 2 + 1e-9
