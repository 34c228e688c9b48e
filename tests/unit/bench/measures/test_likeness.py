"""What pictures are compared by: descriptors, composition, thumbnails."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from lorabench.bench.measures import structure
from lorabench.bench.measures.copies import TrainingPictures
from lorabench.bench.measures.descriptors import NAMES, describe, fitted
from lorabench.bench.measures.likeness import Figures, figure


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


def creature(body, ears, ground, place=(30, 30), size=60):
    image = Image.new("RGB", (128, 128), ground)
    canvas = ImageDraw.Draw(image)
    x, y = place
    canvas.ellipse((x, y + size // 3, x + size, y + size), body)
    canvas.rectangle((x, y, x + size // 4, y + size // 2), ears)
    return image


def test_a_character_is_known_on_any_ground_at_any_size_and_from_either_side():
    brown, green, white = (130, 80, 40), (60, 160, 70), (250, 250, 250)
    grounds = ((200, 220, 250), (250, 230, 160), (240, 200, 220), (90, 90, 110))
    taught = [figure(creature(brown, green, ground)) for ground in grounds]
    base = [figure(creature(white, (40, 40, 40), ground)) for ground in grounds]
    known = Figures(taught, base)
    moved = creature(brown, green, (160, 230, 150), (50, 10), 70)
    assert known.likeness(figure(moved)) > 0.85
    assert known.likeness(figure(ImageOps.mirror(moved))) > 0.85
    assert known.likeness(figure(creature((90, 90, 220), brown, grounds[0]))) < 0.5
    assert known.likeness(base[0]) == pytest.approx(0, abs=0.1)


def test_pictures_that_share_no_figure_have_no_character():
    colours = ((200, 40, 40), (40, 160, 60), (60, 60, 220), (230, 210, 60))
    some = [figure(creature(one, other, (128, 128, 128)))
            for one, other in zip(colours, colours[::-1], strict=True)]  # fmt: skip
    assert np.isnan(Figures(some, some).likeness(some[0]))


@pytest.mark.parametrize("image", [Image.new("RGB", (8, 8)), Image.new("RGB", (64, 200), "white")])
def test_a_picture_without_a_figure_is_one(image):
    assert np.isfinite(figure(image)).all()
