"""What pictures are compared by: descriptors, composition, thumbnails."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from lorabench.bench.measures import structure
from lorabench.bench.measures.copies import TrainingPictures
from lorabench.bench.measures.descriptors import NAMES, describe, fitted


def signature(image):
    return structure.signature(structure.patches(image))


def drawing(ink=0, colour=(200, 60, 60), background=(180, 210, 240), place=(30, 40), noise=0):
    image = Image.new("RGB", (128, 128), background)
    x, y = place
    ImageDraw.Draw(image).ellipse((x, y, x + 60, y + 50), colour, (20, 15, 30), ink)
    pixels = np.asarray(image, float) + np.random.default_rng(0).normal(
        0, noise or 1e-9, (128, 128, 3)
    )
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def described(image):
    return dict(zip(NAMES, describe(image), strict=True))


def test_ink_shows_in_lines_edges_and_dark_pixels():
    plain, inked = described(drawing()), described(drawing(ink=4))
    for name in ("dark_lines", "ink", "edges", "octave_2"):
        assert inked[name] > plain[name], name


def test_light_lines_are_not_dark_ones():
    chalk = described(ImageOps.invert(drawing(ink=4, colour=(70, 70, 70), background=(60, 60, 60))))
    assert chalk["light_lines"] > 2 * chalk["dark_lines"]


def test_colours_are_told_in_lab():
    red, grey = described(drawing()), described(drawing(colour=(120,) * 3, background=(200,) * 3))
    assert grey["chroma_95"] < 1 < red["chroma_95"]
    assert grey["a_50"] == pytest.approx(0, abs=0.5)


def test_noise_and_blur_show_in_the_finest_octave():
    sharp = described(drawing(ink=2))
    assert described(drawing(ink=2, noise=10))["octave_1"] > sharp["octave_1"]
    blurred = drawing(ink=2).filter(ImageFilter.GaussianBlur(2))
    assert described(blurred)["octave_1"] < sharp["octave_1"]


@pytest.mark.parametrize("image", [Image.new("RGB", (8, 8)), Image.new("RGB", (64, 200), "white")])
def test_a_picture_of_one_colour_has_finite_descriptors(image):
    assert np.isfinite(describe(image)).all()
    assert np.isfinite(signature(image)).all()


def test_pictures_are_fitted_to_an_area_and_keep_their_shape():
    assert fitted(Image.new("RGB", (400, 100)), 10_000).size == (200, 50)
    same = Image.new("RGB", (100, 100))
    assert fitted(same, 10_000) is same


def test_composition_survives_another_palette_and_even_a_negative():
    plain = signature(drawing())
    muted = signature(drawing(ink=4, colour=(190, 120, 120), background=(225, 230, 235)))
    negative = signature(ImageOps.invert(drawing()))
    assert structure.kept(plain, plain) == pytest.approx(1)
    assert structure.kept(plain, muted) > 0.9
    assert structure.kept(plain, negative) > 0.9


def test_composition_is_lost_when_things_move():
    plain = signature(drawing(place=(5, 5)))
    moved = signature(drawing(place=(65, 70)))
    assert structure.kept(plain, moved) < 0.3


def test_the_nearest_training_picture_is_found_mirrored_blurred_and_recoloured():
    images = [drawing(place=place) for place in ((5, 5), (60, 10), (30, 70))]
    paths = [Path(f"{n}.png") for n in range(3)]
    training = TrainingPictures(paths, images)
    found = training.nearest(ImageOps.mirror(images[2]).filter(ImageFilter.GaussianBlur(1)))
    assert (found.path, found.mirrored) == (paths[2], True)
    assert found.similarity > 0.95
    assert training.nearest(drawing(place=(34, 34))).similarity < 0.8
