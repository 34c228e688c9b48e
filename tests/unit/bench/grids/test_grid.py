"""Grids: what stands where, what is marked, and how large they get."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from lorabench.bench.grids import arrangement, grid, header, pages, sheet
from lorabench.bench.grids.arrangement import Texts
from lorabench.bench.grids.difference import difference_map
from lorabench.bench.grids.strip import Strip
from lorabench.bench.measures.faults import Fault
from lorabench.bench.verdicts.verdict import Finding, Verdict
from lorabench.errors import UserError
from lorabench.sweep.pictures import Picture, evenly
from tests import records

CAT = records.variant("cat")
TRIGGER = records.variant(probe="trigger")
UNTRIGGERED = [records.variant(name, probe="untriggered") for name in ("", "cat")]


@pytest.fixture
def sweep(tmp_path):
    """Render pictures of noise for variants × weights × seeds × batch, and return their cells."""

    random = np.random.default_rng(0)

    def render(weights=(0, 0.4), seeds=(1,), batch=1, size=(256, 256), variants=(records.OWN,)):
        cells = [
            records.picture(tmp_path, weight, seed, index, variant)
            for variant in variants
            for seed in seeds
            for index in range(batch)
            for weight in weights
        ]
        for cell in cells:
            cell.path.parent.mkdir(parents=True, exist_ok=True)
            pixels = random.integers(0, 256, (size[1], size[0], 3), np.uint8)
            Image.fromarray(pixels).save(cell.path, compress_level=1)
        return cells

    return render


def draw(cells, folder, faults=(), verdict=None, strip=None, differences=False, **texts):
    """Draw the grids and return them by name."""
    findings = grid.Findings(faults, verdict, folder)
    shown = dict.fromkeys((cell.prompt, cell.probe) for cell in cells)
    order = [records.variant(prompt, probe=probe) for prompt, probe in shown]
    texts = {"order": order, **texts}
    given = cells, folder / "grid", Texts(**texts), findings
    paths = list(grid.draw(*given, strip, differences))
    if any(cell.probe for cell in cells):
        paths += grid.draw_probes(*given)
    return {path.name: Image.open(path) for path in paths}


def pngs(drawn):
    return [name for name in drawn if name.endswith(".png")]


def packed(image):
    """Return an image with one number a pixel."""
    return np.asarray(image.convert("RGBA")).view(np.uint32)[..., 0]


def places(image, picture):
    """Return where `picture` stands in `image`, pixel for pixel, as (x, y)."""
    pixels, part = packed(image), packed(picture)
    height, width = part.shape
    starts = np.argwhere(pixels == part[0, 0])
    fits = (pixels[y : y + height, x : x + width] for y, x in starts)
    return [(x, y) for (y, x), at in zip(starts, fits, strict=True) if np.array_equal(at, part)]


def coloured(image, colour):
    """Return where an image has exactly this colour."""
    return packed(image) == packed(Image.new("RGB", (1, 1), colour))


def at(overview, cells):
    """Return where each cell's picture stands, the one place that it must have."""
    found = {}
    for cell in cells:
        (found[cell],) = places(overview, Image.open(cell.path))
    return found


def test_every_picture_stands_in_its_row_and_column_untouched(sweep, tmp_path):
    cells = sweep(weights=(0.8, 0, 0.4), seeds=(30, 4), batch=2)
    overview = draw(cells, tmp_path)["overview.png"]
    found = at(overview, cells)
    columns = sorted({x for x, _ in found.values()})
    rows = sorted({y for _, y in found.values()})
    for cell, (x, y) in found.items():
        assert columns.index(x) == [0, 0.4, 0.8].index(cell.weight)
        assert rows.index(y) == [(4, 0), (4, 1), (30, 0), (30, 1)].index((cell.seed, cell.index))


def test_each_seed_has_its_own_grid(sweep, tmp_path):
    cells = sweep(seeds=(1, 2), batch=2)
    drawn = draw(cells, tmp_path)
    assert pngs(drawn) == ["seed1_weights.png", "seed2_weights.png", "overview.png"]
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
    longest_header, three_rows = 30 * 18, 3 * 256 + 2 * 9
    monkeypatch.setattr(sheet, "MAX_SIDE", longest_header + three_rows - 1)
    cells = sweep(weights=(0, 0.2, 0.4, 0.6, 0.8), seeds=range(3))
    files = [f"w0.20/seed{seed}_00.png" for seed in range(3)]
    files += [f"w0.80/seed{seed}_00.png" for seed in range(3)]
    faults = [
        Fault(kind, weight, [0, 1, 2], files, message="every picture " * 40)
        for kind in ("dead_lora", "broken_render")
        for weight in (0.2, 0.4, 0.6, 0.8)
    ]
    verdict = Verdict("works", None, 0.4, [0.4], (0.2, 0.8))
    words = {"title": "長い題 " * 90, "own": "long caption " * 90}
    drawn = draw(cells, tmp_path, faults, verdict, **words)
    names = ["overview.png", *(f"overview_{n}.png" for n in (2, 3, 4))]
    assert pngs(drawn)[-4:] == names
    assert max(max(drawn[name].size) for name in names) <= sheet.MAX_SIDE
    for cell in cells:
        if cell.weight not in (0.2, 0.8):  # those have a mark upon them
            assert sum(len(places(drawn[name], Image.open(cell.path))) for name in names) == 1


def test_pages_hold_a_bounded_number_of_pixels(sweep, tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "MAX_PIXELS", 600_000)
    drawn = draw(sweep(seeds=range(4)), tmp_path)
    assert "overview_2.png" in drawn
    assert max(image.width * image.height for image in drawn.values()) <= 600_000


def test_pages_are_even():
    assert pages._parts(range(10), 4) == [range(4), range(4, 7), range(7, 10)]
    assert pages._parts(range(4), 4) == [range(4)]


def test_pages_of_a_larger_sweep_before_are_removed(sweep, tmp_path):
    folder = tmp_path / "grid"
    folder.mkdir()
    for name in ("overview_2", "overview_3", "seed1_weights_2", "seed9_weights", "probes"):
        (folder / f"{name}.png").touch()
        (folder / f"{name}.webp").touch()
    draw(sweep(), tmp_path)
    left = sorted(path.name for path in folder.glob("*.png"))
    assert left == ["overview.png", "seed1_weights.png", "seed9_weights.png"]
    assert left == sorted(path.with_suffix(".png").name for path in folder.glob("*.webp"))


def test_a_missing_picture_is_an_empty_cell(sweep, tmp_path):
    cells = sweep(weights=(0, 0.4, 0.8))
    complete = draw(cells, tmp_path)["overview.png"]
    ((x, y),) = places(complete, Image.open(cells[1].path))
    complete.close()
    cells[1].path.unlink()
    overview = draw(cells, tmp_path)["overview.png"]
    assert overview.size == complete.size
    cell = overview.crop((x, y, x + 256, y + 256))
    assert cell.getpixel((5, 5)) == ImageColor.getrgb(sheet.EMPTY)
    assert len(cell.getcolors()) > 1, "the word is not there"


def test_a_sweep_without_any_picture_is_refused(tmp_path):
    with pytest.raises(UserError, match="none of the 1 pictures exists"):
        draw([Picture("", 1, 0, 0.4, Path("w0.40/seed1_00.png"))], tmp_path)


def test_a_faulty_picture_and_only_it_is_framed_in_red(sweep, tmp_path):
    cells = sweep(seeds=(1, 2))
    fault = Fault("dead_lora", 0.4, [2], ["w0.40/seed2_00.png"], 1, 0.0)
    drawn = draw(cells, tmp_path, [fault])
    ((x, y),) = places(drawn["overview.png"], Image.open(cells[2].path))
    red = coloured(drawn["overview.png"], sheet.RED)
    frame_x, frame_y = x + 256 + 9 - 1, y - 1
    assert red[frame_y : frame_y + 258, frame_x].all()
    assert red[frame_y, frame_x : frame_x + 258].all()
    assert not red[y - 5 : y + 261, x - 5 : x + 256].any(), "the cell beside it"
    assert red[: y - 300].any(), "the message above the grid"
    assert not coloured(drawn["seed1_weights.png"], sheet.RED).any()


def test_a_fault_of_one_prompt_marks_none_of_another(sweep, tmp_path):
    cells = sweep(variants=(records.OWN, CAT))
    fault = Fault("dead_lora", 0.4, [1], ["prompt-cat/w0.40/seed1_00.png"], 1, 0.0)
    overview = draw(cells, tmp_path, [fault])["overview.png"]
    found = at(overview, cells[:3])
    assert not places(overview, Image.open(cells[3].path)), "the mark is not there"
    (x, _), (_, y) = found[cells[1]], found[cells[2]]
    red = coloured(overview, sheet.RED)
    assert red[y - 1, x : x + 256].all()
    assert not red[y - 10 : y + 266, : x - 5].any() and not red[y - 270 : y - 10, x:].any()


def test_words_stand_above_the_grid_and_stay_within_the_page(sweep, tmp_path):
    cells = sweep(weights=(0.4,))
    plain = draw(cells, tmp_path)["overview.png"].copy()
    words = draw(cells, tmp_path, title="題" * 500, own="word " * 500)["overview.png"]
    assert words.width == plain.width
    assert words.height > plain.height
    margin = np.asarray(words.convert("L"))[:, -20:]
    assert margin.min() == 255


def test_a_long_verdict_goes_on_in_a_second_line(tmp_path):
    told = Verdict("uncertain", unknown=[Finding("prompts_needed", 0.6, 7)])
    cells = [records.picture(tmp_path, 0.6, 1, 0, records.OWN)]
    shown = sheet.Sweep(frozenset(), {}, {}, [], told, 64, 64)
    overview = arrangement.overview(cells, Texts(order=[records.OWN]), None)
    measures = sheet.Measures(overview, shown)
    *_, first, second = header.lines(overview, shown, measures, 30 * measures.em)
    assert f"{first.text} {second.text}" == header.in_words(told)


def test_brackets_of_the_prompt_are_written_without_escapes(tmp_path):
    alone = records.variant(probe="trigger", text=r"mika \(moon\)")
    texts = Texts(own=r"mika \(moon\), smiling", order=[records.OWN, alone])
    asked, probe = (records.picture(tmp_path, 0, 1, 0, one) for one in texts.order)
    captions = [grid.caption for grid in arrangement.seeds([asked], texts)]
    captions.append(arrangement.overview([asked], texts, None).caption)
    assert captions == ["mika (moon), smiling"] * 2
    assert arrangement.probes([probe], texts).caption == "trigger words: mika (moon)"


def test_prompts_stand_one_below_the_other_in_the_order_of_the_record(sweep, tmp_path):
    cells = sweep(weights=(0.4,), seeds=(1, 2), variants=map(records.variant, ("", *"abc")))
    shown = [records.variant(name) for name in ("", *"cab")]
    drawn = draw(cells, tmp_path, order=shown)
    order = [variant.name for variant in shown]
    found = at(drawn["overview.png"], cells)
    downwards = [(c.variant, c.seed) for c in sorted(found, key=lambda cell: found[cell][1])]
    assert downwards == [(name, seed) for name in order for seed in (1, 2)]
    of_seed = at(drawn["seed2_weights.png"], [cell for cell in cells if cell.seed == 2])
    assert [c.variant for c in sorted(of_seed, key=lambda cell: of_seed[cell][1])] == order


def test_probes_have_a_page_of_their_own(sweep, tmp_path):
    asked = sweep(seeds=(1,), variants=(records.OWN, CAT))
    probes = sweep(seeds=(7,), variants=(TRIGGER, *UNTRIGGERED))
    drawn = draw([*asked, *probes], tmp_path)
    assert pngs(drawn) == ["seed1_weights.png", "overview.png", "probes.png"]
    assert len(at(drawn["probes.png"], probes)) == 6
    assert not any(places(drawn["overview.png"], Image.open(cell.path)) for cell in probes)


def test_probes_stand_side_by_side_without_holes(sweep, tmp_path, monkeypatch):
    asked = sweep()
    alone = sweep(weights=(0, 0.4, 0.8), seeds=(7, 8), variants=(TRIGGER,))
    without = sweep(weights=(0, 0.8), variants=UNTRIGGERED)
    found = at(draw([*asked, *alone, *without], tmp_path)["probes.png"], [*alone, *without])
    assert {found[cell][1] for cell in alone} == {found[cell][1] for cell in without}
    assert max(found[cell][0] for cell in alone) < min(found[cell][0] for cell in without)
    assert len({found[cell][0] for cell in without}) == 2, "no place is kept for 0.4"
    monkeypatch.setattr(pages, "MAX_SIDE", 1500)
    drawn = draw([*asked, *alone, *without], tmp_path)
    assert pngs(drawn)[-2:] == ["probes.png", "probes_2.png"]
    at(drawn["probes_2.png"], without)


def test_what_nobody_asked_for_is_not_called_missing(sweep, tmp_path):
    cells = sweep(weights=(0, 0.4), seeds=(1, 2))
    complete = draw(cells, tmp_path)["overview.png"]
    x, y = at(complete, cells)[cells[3]]
    complete.close()
    overview = draw(cells[:3], tmp_path)["overview.png"]
    assert overview.crop((x, y, x + 256, y + 256)).getcolors() == [(256 * 256, (255, 255, 255))]


def test_the_recommended_weight_and_the_window_are_marked(sweep, tmp_path):
    cells = sweep(weights=(0, 0.4, 0.6, 0.8))
    assert not coloured(draw(cells, tmp_path)["overview.png"], sheet.GREEN).any()
    verdict = Verdict("works", None, 0.6, [0.6], (0.4, 0.6))
    overview = draw(cells, tmp_path, verdict=verdict)["overview.png"]
    found = at(overview, cells)
    top = found[cells[0]][1]
    green = coloured(overview, sheet.GREEN)[top - 30 : top]
    line = green[-6:].any(axis=0)
    assert line.nonzero()[0].tolist() == list(range(found[cells[1]][0], found[cells[2]][0] + 256))
    tag = green[:-7].any(axis=0).nonzero()[0]
    assert found[cells[2]][0] < tag.min() < tag.max() < found[cells[2]][0] + 256


def test_a_verdict_without_a_usable_weight_marks_none(sweep, tmp_path):
    overview = draw(sweep(), tmp_path, verdict=Verdict("dead", None, None))["overview.png"]
    assert not coloured(overview, sheet.GREEN).any()
    assert coloured(overview, sheet.RED)[:-290].any(), "what is wrong is not said in green"


def test_differences_are_those_from_weight_0_of_the_same_row(sweep, tmp_path):
    cells = sweep(weights=(0, 0.4), seeds=(1, 2), batch=2)
    drawn = draw(cells, tmp_path, differences=True)
    maps = drawn["seed2_differences.png"]
    of_seed = [cell for cell in cells if cell.seed == 2]
    for without, cell in zip(of_seed[::2], of_seed[1::2], strict=True):
        baseline = Image.open(without.path)
        (left,) = places(maps, baseline)
        (right,) = places(maps, difference_map(Image.open(cell.path), baseline))
        assert left[1] == right[1]
    assert "seed1_differences.png" in drawn


def test_difference_maps_grow_brighter_with_the_mean_difference_of_the_channels():
    def luma(*colours):
        pictures = [Image.new("RGB", (1, 1), colour) for colour in colours]
        return difference_map(*pictures).convert("L").getpixel((0, 0))

    black = (0, 0, 0)
    levels = [luma(black, (level, level, level)) for level in (0, 20, 40, 80, 128, 255)]
    assert levels[0] < 3
    assert levels == sorted(levels) and len(set(levels)) == 5  # from 0.5 on it is the brightest
    assert luma(black, (90, 0, 0)) == luma((30, 30, 30), black) == luma((0, 60, 30), black)


def test_differences_need_weight_0(sweep, tmp_path):
    with pytest.raises(UserError, match="--difference: there is no picture at weight 0"):
        draw(sweep(weights=(0.4, 0.8)), tmp_path, differences=True)


def test_training_pictures_stand_above_the_overview_alone(sweep, tmp_path):
    cells, folder = sweep(weights=(0, 0.4, 0.8)), tmp_path / "set"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (256, 256), (200, number, 0)).save(folder / f"{number}.png")
    plain = draw(cells, tmp_path)["overview.png"].copy()
    drawn = draw(cells, tmp_path, strip=Strip.choose(folder))
    overview = drawn["overview.png"]
    assert overview.width == plain.width and overview.height > plain.height + 256
    found = at(overview, cells)
    for number, (x, y) in enumerate(found.values()):
        training = coloured(overview, f"rgb(200, {number}, 0)")
        assert training.any() and not training[y:].any()
        assert training.any(axis=0).nonzero()[0].tolist() == list(range(x, x + 256))
    assert not coloured(drawn["seed1_weights.png"], "rgb(200, 0, 0)").any()


def test_the_training_pictures_are_a_fixed_choice_evenly_spaced(tmp_path):
    assert evenly(range(15), 8) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert evenly(range(3), 8) == [0, 1, 2]
    for number in range(20):
        Image.new("RGB", (40, 20)).save(tmp_path / f"{number:02d}.png")
    strip = Strip.choose(tmp_path)
    assert [path.name for path in strip.pictures][::7] == ["00.png", "19.png"]
    assert strip.words == "training pictures (8 of 20)"
    assert strip.height(8 * 40 + 7 * 5, most=256, gap=5) == 20


def test_a_training_set_without_pictures_is_refused(tmp_path):
    with pytest.raises(UserError, match="no PNG in it"):
        Strip.choose(tmp_path)


def test_an_overview_is_reduced_onto_one_page_and_seeds_keep_their_pixels(
    sweep, tmp_path, monkeypatch
):
    monkeypatch.setattr(sheet, "MAX_SIDE", 1600)
    cells = sweep(weights=(0, 0.4), seeds=(1, 2, 3), size=(512, 520))
    drawn = draw(cells, tmp_path)
    assert [name for name in pngs(drawn) if "overview" in name] == ["overview.png"]
    for cell in cells:
        picture = Image.open(cell.path)
        assert places(drawn["overview.png"], picture.reduce(2))
        assert places(drawn[f"seed{cell.seed}_weights.png"], picture)


def test_grids_are_for_print_and_for_sharing(sweep, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "SHARED_SIDE", 400)
    drawn = draw(sweep(), tmp_path)
    assert sorted(drawn) == sorted(
        f"{name}.{kind}" for name in ("overview", "seed1_weights") for kind in ("png", "webp")
    )
    for name in pngs(drawn):
        assert drawn[name].info["dpi"] == pytest.approx((300, 300), abs=0.1)
        shared = drawn[name.replace("png", "webp")]
        assert shared.format == "WEBP" and 200 < max(shared.size) <= 400
        small = drawn[name].reduce(round(drawn[name].width / shared.width))
        off = np.abs(np.asarray(small, int) - np.asarray(shared, int))
        assert off.mean() < 12
