"""The pictures of a sweep, by their paths."""

from pathlib import Path

import pytest
from PIL import Image

from lorabench.bench.cell import Cell, open_rgb, size, sweep
from lorabench.errors import UserError


@pytest.mark.parametrize(
    ("path", "weight", "seed", "index"),
    [
        ("runs/ponnyu_v1-1a2b3c4d/bench/w0.40/seed123456789_00.png", 0.4, 123456789, 0),
        ("w0.00/seed7_12.png", 0.0, 7, 12),
        ("bench/epoch-3/w-1.25/seed18446744073709551615_01.png", -1.25, 2**64 - 1, 1),
        ("ぽにゅ セット/w1.00/seed0_00.png", 1.0, 0, 0),
    ],
)
def test_a_path_tells_its_cell(path, weight, seed, index):
    cell = Cell.parse(Path(path))
    assert (cell.weight, cell.seed, cell.index, cell.path) == (weight, seed, index, Path(path))


@pytest.mark.parametrize(
    "path",
    [
        "picture.png",
        "w0.40/seed7.png",
        "w0.40/seed7_00.jpg",
        "0.40/seed7_00.png",
        "xw1/seed7_0.png",
    ],
)
def test_any_other_path_is_refused_by_name(path):
    with pytest.raises(UserError, match=path):
        Cell.parse(Path(path))


def test_a_sweep_is_in_order():
    names = ("w0.00/seed2_00", "w0.00/seed1_01", "w0.40/seed1_00", "w0.00/seed1_00")
    cells = sweep(Path(f"{name}.png") for name in names)
    assert [(cell.seed, cell.index, cell.weight) for cell in cells] == [
        (1, 0, 0.0),
        (1, 0, 0.4),
        (1, 1, 0.0),
        (2, 0, 0.0),
    ]


def test_a_sweep_has_one_picture_per_cell():
    with pytest.raises(UserError, match="two pictures for one cell"):
        sweep([Path("a/w0.4/seed1_00.png"), Path("b/w0.40/seed1_00.png")])


def test_pictures_are_read_as_rgb(tmp_path):
    path = tmp_path / "grey.png"
    Image.new("L", (3, 2), 9).save(path)
    assert open_rgb(path).getpixel((0, 0)) == (9, 9, 9)
    assert size(path) == (3, 2)


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match=r"gone\.png: no such picture"):
        open_rgb(tmp_path / "gone.png")
    words = tmp_path / "words.png"
    words.write_text("no picture")
    with pytest.raises(UserError, match=r"words\.png: not a readable picture"):
        open_rgb(words)
    cut = tmp_path / "cut.png"
    Image.effect_noise((64, 64), 50).save(cut)
    cut.write_bytes(cut.read_bytes()[:500])
    with pytest.raises(UserError, match=r"cut\.png: not a readable picture"):
        open_rgb(cut)
