"""Metrics whose values are known beforehand."""

from math import sqrt

import numpy as np
import pytest
from PIL import Image

from lorabench.bench.measures import metrics
from lorabench.bench.measures.metrics import Pixels


def plain(colour, size=(32, 16)):
    return Pixels.of(Image.new("RGB", size, colour))


def grey(values):
    return Pixels.of(Image.fromarray(np.array(values, np.uint8)).convert("RGB"))


def noise(seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), np.uint8)
    return Pixels.of(Image.fromarray(pixels))


def test_a_constant_picture_has_only_brightness():
    assert metrics.describe(plain((51, 51, 51))) == {
        "sharpness": 0,
        "noise": 0,
        "banding": 0,
        "contrast": 0,
        "brightness": pytest.approx(0.2),
        "saturation": 0,
        "colourfulness": 0,
        "clipped": 0,
        "entropy": 0,
    }


def test_a_checkerboard_is_all_contrast():
    measured = metrics.describe(grey(np.tile([[0, 255], [255, 0]], (2, 2))))
    # Borders are mirrored: inside four neighbours are a pixel's opposite, at an edge three, in a
    # corner two.
    assert measured["sharpness"] == pytest.approx((4 * 4**2 + 8 * 3**2 + 4 * 2**2) / 16 * 255**2)
    assert measured["contrast"] == pytest.approx(0.5)
    assert measured["brightness"] == pytest.approx(0.5)
    assert measured["entropy"] == pytest.approx(1)
    assert measured["clipped"] == 1
    assert measured["saturation"] == measured["colourfulness"] == 0


def test_sharpness_falls_when_a_picture_is_blurred():
    image = Image.fromarray(noise().rgb)
    blurred = image.resize((8, 8)).resize(image.size)
    sharp, soft = (metrics.describe(Pixels.of(one))["sharpness"] for one in (image, blurred))
    assert soft < sharp / 10


@pytest.mark.parametrize(
    ("colour", "luma", "opponents"),
    [
        ((255, 0, 0), 76, (255, 127.5)),
        ((0, 255, 0), 150, (-255, 127.5)),
        ((0, 0, 255), 29, (0, -255)),
    ],
)
def test_pure_colours(colour, luma, opponents):
    measured = metrics.describe(plain(colour))
    assert measured["brightness"] == pytest.approx(luma / 255)
    assert measured["saturation"] == 1
    assert measured["clipped"] == 1
    assert measured["colourfulness"] == pytest.approx(0.3 * np.hypot(*opponents))


def test_saturation_is_of_hsv_and_black_has_none():
    pixels = np.array([[[0, 0, 0], [200, 100, 100], [255, 255, 255], [0, 9, 3]]], np.uint8)
    assert metrics.saturation(pixels) == pytest.approx((0 + 0.5 + 0 + 1) / 4)


def test_colourfulness_by_hand():
    """A red and a blue pixel: rg is 255 and 0, yb is 127.5 and −255."""
    pixels = np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8)
    spread = sqrt(127.5**2 + 191.25**2)
    offset = sqrt(127.5**2 + 63.75**2)
    assert metrics.colourfulness(pixels) == pytest.approx(spread + 0.3 * offset)
    assert metrics.colourfulness(pixels) == pytest.approx(272.619, abs=1e-3)


def test_entropy_counts_grey_levels():
    assert metrics.describe(grey(np.arange(256).reshape(16, 16)))["entropy"] == pytest.approx(8)


def test_clipped_counts_channel_values():
    pixels = np.tile(np.array([[[0, 1, 254], [255, 9, 0]]], np.uint8), (3, 2, 1))
    assert metrics.describe(Pixels.of(Image.fromarray(pixels)))["clipped"] == pytest.approx(3 / 6)


def test_drift_is_against_the_baseline():
    before = {"sharpness": 99.0, "noise": 2.0, "saturation": 0.5}
    after = {"sharpness": 399.0, "noise": 5.0, "saturation": 0.3}
    assert metrics.drift(after, before) == {
        "sharpness_drift": pytest.approx(2),
        "noise_drift": pytest.approx(3),
        "saturation_drift": pytest.approx(-0.2),
    }
    assert metrics.drift(before, before) == dict.fromkeys(metrics.drift(after, before), 0)


def test_a_picture_equals_itself():
    measured = metrics.compare(noise(), noise())
    assert measured == {"difference": 0, "ssim": pytest.approx(1), "hash_distance": 0}


def test_constant_pictures_differ_by_their_grey():
    measured = metrics.compare(plain((51, 51, 51)), plain((0, 0, 0)))
    assert measured["difference"] == pytest.approx(0.2)
    # Without structure only the luminance term is left: (2·0·51 + C1) / (0² + 51² + C1).
    c1 = (0.01 * 255) ** 2
    assert measured["ssim"] == pytest.approx(c1 / (51**2 + c1))


def test_ssim_of_one_window_by_hand():
    """On 11 × 11 pixels the window of Wang et al. has one place; their formula 13, written out."""
    a, b = (np.asarray(Image.fromarray(noise(s).rgb[:11, :11]).convert("L")) for s in (1, 2))
    bell = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    weights = np.outer(bell, bell) / bell.sum() ** 2
    mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
    var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
    covariance = (weights * (a - mean_a) * (b - mean_b)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (var_a + var_b + c2)
    measured = metrics.compare(grey(a), grey(b))["ssim"]
    assert measured == pytest.approx(luminance * structure, abs=1e-6)


def test_strangers_are_far_apart():
    measured = metrics.compare(noise(1), noise(2))
    # Two uniform values of 0..255 are 85 apart in the mean.
    assert measured["difference"] == pytest.approx(1 / 3, abs=0.02)
    assert abs(measured["ssim"]) < 0.1
    assert measured["hash_distance"] > 16


def test_noise_is_told_in_grey_levels_and_shades_are_none():
    rng = np.random.default_rng(0)
    shade = np.tile(np.linspace(60, 180, 256), (256, 1))
    noisy = shade + rng.normal(0, 6, shade.shape)
    assert metrics.noise(shade.round().astype(np.uint8)) < 1
    assert metrics.noise(noisy.round().astype(np.uint8)) == pytest.approx(6, rel=0.05)


def test_banding_is_the_height_of_steps_in_a_shade():
    shade = np.tile(np.linspace(60, 140, 256), (64, 1))
    smooth = shade.round().astype(np.uint8)
    posterized = ((shade / 8).round() * 8).astype(np.uint8)
    assert metrics.banding(grey(smooth)) == pytest.approx(0)
    assert metrics.banding(grey(posterized)) == pytest.approx(7)
    assert metrics.banding(grey(np.full((32, 32), 90))) == 0


def test_banding_of_a_large_picture():
    shade = np.tile(np.linspace(60, 140, 1025), (769, 1))
    posterized = ((shade / 8).round() * 8).astype(np.uint8)
    assert metrics.banding(grey(shade.round())) == pytest.approx(0)
    assert metrics.banding(grey(posterized)) == pytest.approx(7)


def test_ssim_of_large_pictures_is_taken_at_256_pixels():
    one, other = (Image.effect_noise((256, 300), 60).resize((256, 300)) for _ in range(2))
    small = metrics.compare(*(Pixels.of(each.convert("RGB")) for each in (one, other)))
    large = metrics.compare(
        *(
            Pixels.of(each.convert("RGB").resize((768, 900), Image.Resampling.NEAREST))
            for each in (one, other)
        )
    )
    assert large["ssim"] == pytest.approx(small["ssim"], abs=1e-6)
