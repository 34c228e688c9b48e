"""Grids: what stands where, how large they get, and that Japanese is drawn."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from lorabench.bench import grid, page
from lorabench.bench.cell import Cell
from lorabench.bench.faults import Fault
from lorabench.bench.text import font, shorten, wrap
from lorabench.errors import UserError

RED = np.array(ImageColor.getrgb(page.RED))


@pytest.fixture
def sweep(tmp_path):
    """Render pictures of noise for weights × seeds × batch, and return their cells."""

    def render(weights=(0, 0.4), seeds=(1,), batch=1, size=(256, 256)):
        cells = [
            Cell(
                "", seed, index, weight, tmp_path / f"w{weight:.2f}" / f"seed{seed}_{index:02d}.png"
            )
            for seed in seeds
            for index in range(batch)
            for weight in weights
        ]
        random = np.random.default_rng(0)
        for cell in cells:
            cell.path.parent.mkdir(exist_ok=True)
            pixels = random.integers(0, 256, (size[1], size[0], 3), np.uint8)
            Image.fromarray(pixels).save(cell.path, compress_level=1)
        return cells

    return render


def draw(cells, folder, faults=(), **words):
    """Draw the grids and return them by name."""
    paths = grid.draw(cells, faults, folder / "grid", **words)
    return {path.name: Image.open(path) for path in paths}


def places(image, picture):
    """Return where `picture` stands in `image`, pixel for pixel, as (x, y)."""
    pixels, part = np.asarray(image.convert("RGB")), np.asarray(picture)
    height, width = part.shape[:2]
    starts = np.argwhere((pixels == part[0, 0]).all(axis=-1))
    fits = (pixels[y : y + height, x : x + width] for y, x in starts)
    return [(x, y) for (y, x), at in zip(starts, fits, strict=True) if np.array_equal(at, part)]


def is_red(image):
    return (np.asarray(image.convert("RGB")) == RED).all(axis=-1)


def test_every_picture_stands_in_its_row_and_column_untouched(sweep, tmp_path):
    cells = sweep(weights=(0.8, 0, 0.4), seeds=(30, 4), batch=2)
    overview = draw(cells, tmp_path)["overview.png"]
    at = {}
    for cell in cells:
        (at[cell],) = places(overview, Image.open(cell.path))
    columns = sorted({x for x, _ in at.values()})
    rows = sorted({y for _, y in at.values()})
    for cell, (x, y) in at.items():
        assert columns.index(x) == [0, 0.4, 0.8].index(cell.weight)
        assert rows.index(y) == [(4, 0), (4, 1), (30, 0), (30, 1)].index((cell.seed, cell.index))


def test_each_seed_has_its_own_grid(sweep, tmp_path):
    cells = sweep(seeds=(1, 2), batch=2)
    drawn = draw(cells, tmp_path)
    assert list(drawn) == ["seed1_weights.png", "seed2_weights.png", "overview.png"]
    for cell in cells:
        found = places(drawn["seed1_weights.png"], Image.open(cell.path))
        assert len(found) == (cell.seed == 1)


def test_small_pictures_are_enlarged_by_a_whole_factor(sweep, tmp_path):
    (cell, _) = sweep(size=(96, 64))
    overview = draw([cell], tmp_path)["overview.png"]
    enlarged = Image.open(cell.path).resize((384, 256), Image.Resampling.LANCZOS)
    assert len(places(overview, enlarged)) == 1


def test_pictures_of_another_shape_are_centred_in_their_cell(sweep, tmp_path):
    cells = sweep()
    Image.effect_noise((200, 220), 90).convert("RGB").save(cells[1].path)
    overview = draw(cells, tmp_path)["overview.png"]
    ((x0, y0),) = places(overview, Image.open(cells[0].path))
    ((x1, y1),) = places(overview, Image.open(cells[1].path))
    gap = x1 - 28 - (x0 + 256)
    assert y1 - y0 == (256 - 220) // 2
    assert 0 < gap < 20


def test_a_large_sweep_is_paged(sweep, tmp_path, monkeypatch):
    longest_header, three_rows = 469, 3 * 256 + 2 * 9
    monkeypatch.setattr(page, "MAX_SIDE", longest_header + three_rows - 1)
    cells = sweep(weights=(0, 0.2, 0.4, 0.6, 0.8), seeds=range(3))
    faults = [
        Fault(kind, weight, [0, 1, 2], [], "every picture " * 40)
        for kind in ("dead_lora", "broken_render")
        for weight in (0.2, 0.4, 0.6, 0.8)
    ]
    drawn = draw(cells, tmp_path, faults, title="長い題 " * 90, caption="long caption " * 90)
    pages = [image for name, image in drawn.items() if name.startswith("overview")]
    assert list(drawn)[-4:] == ["overview.png", *(f"overview_{n}.png" for n in (2, 3, 4))]
    assert max(max(image.size) for image in pages) <= page.MAX_SIDE
    for cell in cells:
        assert sum(len(places(image, Image.open(cell.path))) for image in pages) == 1


def test_pages_hold_a_bounded_number_of_pixels(sweep, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MAX_PIXELS", 600_000)
    drawn = draw(sweep(seeds=range(4)), tmp_path)
    assert "overview_2.png" in drawn
    assert max(image.width * image.height for image in drawn.values()) <= 600_000


def test_pages_are_even():
    assert grid._parts(range(10), 4) == [range(4), range(4, 7), range(7, 10)]
    assert grid._parts(range(4), 4) == [range(4)]


def test_pages_of_a_larger_sweep_before_are_removed(sweep, tmp_path):
    folder = tmp_path / "grid"
    folder.mkdir()
    for name in ("overview_2.png", "overview_3.png", "seed1_weights_2.png", "seed9_weights.png"):
        (folder / name).touch()
    draw(sweep(), tmp_path)
    left = sorted(path.name for path in folder.iterdir())
    assert left == ["overview.png", "seed1_weights.png", "seed9_weights.png"]


def test_a_missing_picture_is_an_empty_cell(sweep, tmp_path):
    cells = sweep(weights=(0, 0.4, 0.8))
    complete = draw(cells, tmp_path)["overview.png"]
    ((x, y),) = places(complete, Image.open(cells[1].path))
    complete.close()
    cells[1].path.unlink()
    overview = draw(cells, tmp_path)["overview.png"]
    assert overview.size == complete.size
    cell = overview.crop((x, y, x + 256, y + 256))
    assert cell.getpixel((5, 5)) == ImageColor.getrgb(page.EMPTY)
    assert len(cell.getcolors()) > 1, "the word is not there"


def test_a_sweep_without_any_picture_is_refused(tmp_path):
    with pytest.raises(UserError, match="none of the 1 pictures exists"):
        draw([Cell("", 1, 0, 0.4, Path("w0.40/seed1_00.png"))], tmp_path)


def test_a_faulty_picture_and_only_it_is_framed_in_red(sweep, tmp_path):
    cells = sweep(seeds=(1, 2))
    fault = Fault("dead_lora", 0.4, [2], ["w0.40/seed2_00.png"], "weight 0.4: the same")
    drawn = draw(cells, tmp_path, [fault])
    ((x, y),) = places(drawn["overview.png"], Image.open(cells[2].path))
    red = is_red(drawn["overview.png"])
    frame_x, frame_y = x + 256 + 9 - 1, y - 1
    assert red[frame_y : frame_y + 258, frame_x].all()
    assert red[frame_y, frame_x : frame_x + 258].all()
    assert not red[y - 5 : y + 261, x - 5 : x + 256].any(), "the cell beside it"
    assert red[: y - 300].any(), "the message above the grid"
    assert not is_red(drawn["seed1_weights.png"]).any()


def test_words_stand_above_the_grid_and_stay_within_the_page(sweep, tmp_path):
    cells = sweep(weights=(0.4,))
    plain = draw(cells, tmp_path)["overview.png"].copy()
    words = draw(cells, tmp_path, title="題" * 500, caption="word " * 500)["overview.png"]
    assert words.width == plain.width
    assert words.height > plain.height
    margin = np.asarray(words.convert("L"))[:, -20:]
    assert margin.min() == 255


def test_japanese_is_drawn_and_no_tofu():
    letters = font(32)

    def drawn(text):
        mask = letters.getmask(text)
        return mask.size, bytes(mask)

    text = "ぽにゅ水彩画髙橋カタカナ、・「」한汉"
    shapes = {drawn(character) for character in text}
    assert len(shapes) == len(set(text))
    assert drawn("\uffff") not in shapes


def test_lines_fit_their_room():
    letters = font(20)
    text = "a red cat on a blue background 水彩画のような柔らかい光の赤い猫と青い背景 " * 3
    lines = wrap(text, letters, 300, lines=4)
    assert len(lines) == 4
    assert max(letters.getlength(line) for line in lines) <= 300
    assert lines[0] == "a red cat on a blue background"
    assert lines[-1].endswith("…")


def test_short_text_stays_whole():
    letters = font(20)
    assert wrap("one line", letters, 300, lines=3) == ["one line"]
    assert wrap("", letters, 300, lines=3) == []
    assert shorten("one line", letters, 300) == "one line"
    assert "".join(wrap("x" * 90, letters, 300, lines=9)) == "x" * 90
