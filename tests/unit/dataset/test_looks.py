"""What pictures have in common, by their pixels."""

import pytest
from PIL import Image, ImageDraw

from lorabench.dataset import looks
from tests.pictures import photo


@pytest.fixture
def save(tmp_path):
    """Save pictures that are unlike each other, each with what `draw` adds."""

    def made(draw=lambda canvas: None, number=12):
        paths = [tmp_path / f"{seed}.png" for seed in range(number)]
        for seed, path in enumerate(paths):
            image = photo(seed, 256, 256)
            draw(ImageDraw.Draw(image))
            image.save(path)
        return paths

    return made


def test_a_plain_background_is_the_colour_of_the_rim(tmp_path):
    image = photo(1, 100, 60)
    image.paste("#fafafa", (0, 0, 100, 5))
    image.paste("#fafafa", (0, 55, 100, 60))
    for left in (0, 95):
        image.paste("#fbfbfb", (left, 0, left + 5, 60))
    image.save(tmp_path / "a.png")
    assert looks.look(tmp_path / "a.png", "ff00ff00ff00ff00").background == (250, 250, 250)
    photo(1).save(tmp_path / "b.png")
    assert looks.look(tmp_path / "b.png", "") == (None, None)


def test_pictures_without_a_mark_have_none(save):
    assert looks.mark(save()) is None


def test_a_frame_is_found(save):
    found = looks.mark(save(lambda canvas: canvas.rectangle((0, 0, 255, 255), outline=0, width=9)))
    assert found == pytest.approx((0, 0, 1, 1), abs=0.02)


def test_a_signature_is_found_where_it_is(save):
    def sign(canvas):
        canvas.text((190, 225), "(c) ARTIST", fill="white", stroke_width=1, stroke_fill="black")

    left, top, right, bottom = looks.mark(save(sign))
    assert 0.7 < left < right <= 1 and 0.8 < top < bottom <= 1


def test_few_pictures_say_nothing_of_a_mark(save):
    assert looks.mark(save(lambda canvas: canvas.rectangle((0, 0, 255, 255), outline=0), 9)) is None


def test_a_subject_in_the_middle_is_no_mark(save):
    assert looks.mark(save(lambda canvas: canvas.ellipse((78, 78, 178, 178), fill=0))) is None


def test_pictures_of_any_shape_are_compared(tmp_path):
    paths = [tmp_path / f"{at}.png" for at in range(12)]
    for at, path in enumerate(paths):
        Image.new("RGB", (64 + 8 * at, 96), (at * 9, 0, 0)).save(path)
    assert looks.mark(paths) is None
