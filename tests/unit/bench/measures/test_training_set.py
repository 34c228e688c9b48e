"""What a training set makes possible."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from lorabench.bench.measures import training_set
from lorabench.bench.measures.training_set import TrainingSet, examine
from lorabench.errors import UserError
from tests import records


def noisy(value, seed):
    grain = np.random.default_rng(seed).integers(0, 90, (64, 64, 3))
    return Image.fromarray((grain + value).astype(np.uint8))


@pytest.fixture
def folder(tmp_path):
    """Four training pictures, the same given back, two pictures of the base model."""

    def save(name, image):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
        return path

    taught = [save(f"images/{n}.png", noisy(100, n)) for n in range(4)]
    for number, path in enumerate(taught):
        words = ("zubo, a cat", "zubo, a dog", "zubo, a cat", "a house")[number]
        path.with_suffix(".txt").write_text(words)
    drawn = [records.picture(tmp_path, 0, seed) for seed in range(2)]
    for seed, one in enumerate(drawn):
        save(one.path, noisy(20, 10 + seed))
    return save, taught, drawn


def test_the_captions_are_counted(folder):
    _, taught, drawn = folder
    found = examine(taught, taught, drawn, "zubo")
    assert (found.pictures, found.captions, found.with_trigger) == (4, 3, 3)
    assert examine([], [], drawn, "zubo") == TrainingSet()


def captioned(folder, captions):
    """Training pictures with these captions, examined; a file is no picture until one opens it."""
    paths = [folder / f"{at}.png" for at in range(len(captions))]
    for path, caption in zip(paths, captions, strict=True):
        path.with_suffix(".txt").write_text(caption, encoding="utf-8")
    return examine(paths, [], [], "zubo")


def test_the_subject_of_a_set_is_what_nearly_all_its_captions_name(tmp_path):
    robots = [f"zubo, a robot, {number} clouds" for number in range(7)]
    found = captioned(tmp_path, [*robots, "zubo, an old robot by a house"])
    assert (found.subject, found.naming) == ("robot", 1)
    beside = captioned(tmp_path, [*robots, "zubo, a big robot", *["a house, a tree"] * 8])
    assert (beside.subject, beside.naming) == ("robot", 1), "plain pictures are not the taught ones"
    assert captioned(tmp_path, [*robots, "zubo, a house"]).subject == ""
    assert captioned(tmp_path, robots).subject == "", "seven may agree by chance"


def test_pictures_beside_count_where_nothing_calls_the_lora(folder):
    _, taught, drawn = folder  # the last one is captioned without the trigger words
    assert examine(taught, taught, drawn, "zubo", taught[2:]).beside == 1


def test_detail_that_the_autoencoder_loses_is_measured(folder):
    save, taught, drawn = folder
    kept = [save(f"kept/{path.name}", Image.open(path)) for path in taught]
    blurred = [
        save(f"lost/{path.name}", Image.open(path).filter(ImageFilter.GaussianBlur(2)))
        for path in taught
    ]
    assert examine(taught, kept, drawn, "zubo").detail == pytest.approx(1)
    assert examine(taught, blurred, drawn, "zubo").detail < 0.6
    plain = [save(f"plain/{path.name}", Image.new("RGB", (64, 64))) for path in taught]
    assert examine(plain, plain, drawn, "zubo").detail == 1


def test_a_style_that_the_base_model_draws_anyway_is_no_way_to_go(folder):
    _, taught, drawn = folder
    alike = [one.path for one in drawn]
    assert examine(taught, taught, drawn, "zubo").apart > 4
    assert examine(alike, alike, drawn, "zubo").apart == 0


def test_it_is_read_back_as_it_was(tmp_path):
    path = tmp_path / "training_set.json"
    path.write_text('{"pictures": 3, "captions": 2, "with_trigger": 1}')  # of an earlier version
    assert training_set.read(path) == TrainingSet(3, 2, 1)
    training_set.write(TrainingSet(3, 2, 1, 0.5, None), path)
    assert training_set.read(path) == TrainingSet(3, 2, 1, 0.5, None)
    path.write_text("[]")
    with pytest.raises(UserError, match=r"not what a training set makes possible .*delete it"):
        training_set.read(path)
