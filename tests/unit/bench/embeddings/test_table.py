"""What an embedding says of a sweep."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lorabench.bench.embeddings.table import along, joined, measure, prompts_of
from lorabench.errors import UserError
from lorabench.pages import words
from tests import records

TEXTS = {"a cat": [1.0, 0, 0], "a dog": [0, 0, 1.0]}


class Mean:
    """The mean colour of a picture, at length 1, and two words."""

    def __init__(self, reads=True):
        self.reads = reads

    def images(self, images):
        means = np.array([np.asarray(one).mean((0, 1)) for one in images], np.float32)
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    def texts(self, texts):
        return np.array([TEXTS[text] for text in texts], np.float32) if self.reads else None


@pytest.fixture
def save(tmp_path):
    def save(name, colour):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), colour).save(path)
        return path

    return save


@pytest.fixture
def cells(save, tmp_path):
    red, green = (200, 0, 0), (0, 200, 0)
    trigger = records.variant(probe="trigger")
    colours = {
        records.picture(tmp_path, 0): red,
        records.picture(tmp_path, 0.4): red,
        records.picture(tmp_path, 0.8): green,
        records.picture(tmp_path, 0.8, 2): green,
        records.picture(tmp_path, 0, of=trigger): green,
        records.picture(tmp_path, 0.8, of=trigger): (0, 0, 200),
    }
    for picture, colour in colours.items():
        save(picture.path, colour)
    return sorted(colours)


def rows(cells, root, **given):
    return measure(cells, root, given.pop("embedding", Mean()), "m", **given).set_index("file")


def test_the_report_has_words_for_every_column_and_for_no_other(cells, save, tmp_path):
    reference = [save("reference/a.png", (0, 200, 0))]
    table = rows(cells, tmp_path, reference=reference, prompts={"": "a cat"})
    kinds = [column.removeprefix("m_") for column in table]
    named = [key.removeprefix("embedding.") for key in words.TEXTS if key.startswith("embedding.")]
    assert sorted(kinds) == sorted(named)


def test_the_effect_is_the_cosine_distance_from_weight_0(cells, tmp_path):
    effect = rows(cells, tmp_path)["m_effect"]
    assert effect["w0.00/seed1_00.png"] == 0
    assert effect["w0.40/seed1_00.png"] == 0
    assert effect["w0.80/seed1_00.png"] == pytest.approx(1)
    assert np.isnan(effect["w0.80/seed2_00.png"])
    assert effect["trigger/w0.80/seed1_00.png"] == pytest.approx(1)


def test_the_mean_of_the_training_set_is_1(cells, save, tmp_path):
    reference = [save("reference/0.png", (0, 90, 0)), save("reference/1.png", (0, 60, 0))]
    table = rows(cells, tmp_path, reference=reference)
    assert table["m_style"]["w0.40/seed1_00.png"] == 0
    assert table["m_style"]["w0.80/seed1_00.png"] == pytest.approx(1)
    assert table["m_beside"]["w0.80/seed1_00.png"] == pytest.approx(0, abs=1e-6)
    assert table["m_beside"]["trigger/w0.80/seed1_00.png"] > 0.5
    assert np.isnan(table["m_style"]["w0.80/seed2_00.png"])


def test_what_nothing_is_given_for_has_no_column(cells, save, tmp_path):
    assert list(rows(cells, tmp_path)) == ["m_effect"]
    blind = rows(cells, tmp_path, embedding=Mean(reads=False), prompts={"": "a cat"})
    assert list(blind) == ["m_effect"]


def test_without_weight_0_all_is_empty(save, tmp_path):
    alone = records.picture(tmp_path, 0.8)
    save(alone.path, "red")
    table = rows([alone], tmp_path, reference=[save("reference/0.png", "green")])
    assert table.isna().all(axis=None)


def test_a_picture_is_held_against_the_prompt_of_its_variant(cells, tmp_path):
    text = rows(cells, tmp_path, prompts={"": "a cat"})["m_text"]
    assert text["w0.00/seed1_00.png"] == pytest.approx(1)
    assert text["w0.80/seed1_00.png"] == pytest.approx(0)
    assert np.isnan(text["trigger/w0.80/seed1_00.png"])


def of_two_prompts(save, tmp_path, colours):
    """Return the `prompt` column of a cat and a dog, by weight and colours of the two."""
    cat, dog = records.variant(), records.variant("dog")
    prompts = {cat.name: "a cat", dog.name: "a dog"}
    cells = {
        records.picture(tmp_path, weight, of=of): colour
        for weight, pair in colours.items()
        for of, colour in zip((cat, dog), pair, strict=True)
    }
    for picture, colour in cells.items():
        save(picture.path, colour)
    table = rows(sorted(cells), tmp_path, prompts=prompts)
    return [table["m_prompt"][f"w{weight:.2f}/seed1_00.png"] for weight in colours]


def test_the_prompt_kept_is_how_much_nearer_a_picture_is_to_its_own_text(save, tmp_path):
    red, blue, both = (200, 0, 0), (0, 0, 200), (200, 0, 200)
    colours = {0: (red, blue), 0.4: (red, blue), 0.8: (both, both), 1.2: (blue, red)}
    assert of_two_prompts(save, tmp_path, colours) == pytest.approx([1, 1, 0, -1])


def test_a_model_that_tells_no_prompts_apart_says_nothing_of_them(save, tmp_path):
    red, blue, grey = (200, 0, 0), (0, 0, 200), (90, 90, 90)
    assert np.isnan(of_two_prompts(save, tmp_path, {0: (grey, grey), 0.8: (red, blue)})).all()
    assert np.isnan(of_two_prompts(save, tmp_path, {0: (red, red), 0.8: (red, blue)})).all()


def test_a_shift_beside_the_way_is_measured_in_its_length():
    gained, beside = along(np.array([[1.0, 0], [0, 4.0], [2.0, 2.0]]), np.array([2.0, 0]))
    assert gained.tolist() == [0.5, 0, 1]
    assert beside.tolist() == [0, 2, 1]


def test_prompts_are_without_the_trigger_words():
    variants = [
        records.variant("", "(ponnyu style:1.2), a cat"),
        records.variant("", "ponnyu style", probe="trigger"),
        records.variant("x", None),
    ]
    assert prompts_of(records.sweep(variants, trigger="ponnyu style")) == {"": "a cat"}


def test_the_tables_are_joined_by_file(tmp_path):
    measured = pd.DataFrame({"file": ["a", "b"], "ssim": [1.0, 0.5]})
    path = tmp_path / "embedding.csv"
    path.write_text("file,m_effect\nb,2\na,1\nc,3\n")
    whole = joined(measured, path)
    assert list(whole) == ["file", "ssim", "m_effect"]
    assert list(whole["m_effect"]) == [1, 2]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("file,m_effect\na,1\n", "lacks 1 of the pictures, such as b"),
        ("m_effect\n1\n", "it has no column file"),
        ("file,ssim\na,1\nb,2\n", "have a column ssim"),
        ("", "it has no column file"),
        ("file,m_effect\na,1\nb,one\n", "line 3: m_effect should be a number, not 'one'"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(content, complaint, tmp_path):
    measured = pd.DataFrame({"file": ["a", "b"], "ssim": [1.0, 0.5]})
    path = tmp_path / "embedding.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=complaint):
        joined(measured, path)
