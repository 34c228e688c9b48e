"""The table of a sweep: which picture is compared with which."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lorabench.bench.measures.table import COLUMNS, measure
from lorabench.errors import UserError
from tests import records


def picture(seed=0, size=32):
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def folder(tmp_path):
    images = {(0.4, 1, 0): 2, (0, 1, 0): 1, (0.4, 2, 0): 3, (0.4, 1, 1): 4, (0, 1, 1): 4}
    cells = {records.picture(tmp_path, *place): picture(n) for place, n in images.items()}
    for cell, image in cells.items():
        save(cell, image)
    return tmp_path, sorted(cells)


def save(cell, image):
    cell.path.parent.mkdir(parents=True, exist_ok=True)
    image.save(cell.path)


def test_the_table_has_a_row_per_picture(folder):
    root, cells = folder
    table = measure(cells, root)
    assert list(table.columns) == COLUMNS
    assert list(table["file"]) == [
        "w0.00/seed1_00.png",
        "w0.40/seed1_00.png",
        "w0.00/seed1_01.png",
        "w0.40/seed1_01.png",
        "w0.40/seed2_00.png",
    ]
    assert list(table["weight"]) == [0, 0.4, 0, 0.4, 0.4]
    assert list(table["seed"]) == [1, 1, 1, 1, 2]
    assert list(table["index"]) == [0, 0, 1, 1, 0]


def test_pictures_are_compared_with_their_own_baseline(folder):
    root, cells = folder
    table = measure(cells, root)
    assert list(table["difference"] == 0) == [True, False, True, True, False]
    assert table["hash_distance"].dtype == "Int64"
    without = table.iloc[-1]
    assert all(pd.isna(without[name]) for name in ("difference", "ssim", "hash_distance"))


def test_a_baseline_of_another_size_is_refused(folder):
    root, cells = folder
    Image.new("RGB", (24, 32)).save(cells[1].path)
    with pytest.raises(UserError, match=r"w0\.40/seed1_00\.png: 24 × 32 pixels.* 32 × 32"):
        measure(cells, root)


def test_probes_are_told_apart_and_compared_within_their_variant(folder):
    root, cells = folder
    probes = [records.variant(probe="trigger"), records.variant("cat", probe="untriggered")]
    more = [records.picture(root, weight, of=of) for of in probes for weight in (0, 0.4)]
    for cell in more:
        save(cell, picture(5))
    table = measure(sorted([*cells, *more]), root)
    probes = table[table["probe"] != ""]
    assert list(probes["probe"]) == ["untriggered", "untriggered", "trigger", "trigger"]
    assert list(probes["difference"]) == [0, 0, 0, 0]


def test_a_picture_shows_its_own_prompt_or_that_of_another(tmp_path):
    own, cat, dog = records.variant(), records.variant("cat"), records.variant("dog")
    shown = [(own, 0, 1), (own, 0.4, 1), (own, 0.8, 2), (cat, 0, 2), (cat, 0.4, 9), (dog, 0.4, 1)]
    cells = [records.picture(tmp_path, weight, of=of) for of, weight, _ in shown]
    for cell, (_, _, number) in zip(cells, shown, strict=True):
        save(cell, picture(number))
    kept = measure(sorted(cells), tmp_path).set_index("file")["prompt_kept"]
    assert kept["w0.00/seed1_00.png"] == kept["w0.40/seed1_00.png"] == pytest.approx(1)
    assert kept["w0.80/seed1_00.png"] == pytest.approx(-1)  # it shows the cat
    assert kept["prompt-cat/w0.40/seed1_00.png"] == pytest.approx(0, abs=0.3)
    assert np.isnan(kept["prompt-dog/w0.40/seed1_00.png"])  # nothing to compare it with
    alone = measure(cells[:3], tmp_path)
    assert alone["prompt_kept"].isna().all()


def test_a_picture_that_is_a_training_picture_is_found_mirrored_too(folder, tmp_path):
    root, cells = folder
    training = [tmp_path / "images" / f"{number}.png" for number in range(3)]
    training[0].parent.mkdir()
    for number, path in enumerate(training):
        picture(20 + number).save(path)
    picture(21).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(cells[1].path)
    table = measure(cells, root, training=training).set_index("file")
    copy = table.loc["w0.40/seed1_00.png"]
    assert copy["nearest"] == "images/1.png"
    assert copy["nearest_mirrored"]
    assert copy["copy_similarity"] == pytest.approx(1, abs=1e-3)
    before = table.loc["w0.00/seed1_00.png"]
    assert copy["copy_excess"] == pytest.approx(copy["copy_similarity"] - before["copy_similarity"])
    assert before["copy_similarity"] < 0.5


def test_the_way_to_the_training_set_is_1_where_a_picture_has_gone_it(tmp_path):
    def save(path, value):
        path.parent.mkdir(parents=True, exist_ok=True)
        name = path.relative_to(tmp_path).as_posix()
        pixels = np.random.default_rng(len(name)).integers(0, 20, (32, 32, 3), np.uint8)
        Image.fromarray(pixels + np.uint8(value)).save(path)
        return path

    values = {0: 40, 0.5: 80, 1: 120}
    cells = [records.picture(tmp_path, weight, seed) for seed in (1, 2) for weight in values]
    for cell in cells:
        save(cell.path, values[cell.weight])
    reference = [save(tmp_path / f"reference/{n}.png", 120) for n in range(4)]
    table = measure(cells, tmp_path, reference=reference)
    gained = table.groupby("weight")["style_gained"].mean()
    assert gained[0] == 0
    assert gained[0.5] == pytest.approx(0.5, abs=0.15)
    assert gained[1] == pytest.approx(1, abs=0.1)
    assert (table["outside"] < 0.1).all()


def test_two_processes_measure_what_one_does(folder):
    root, cells = folder
    paths = [cell.path for cell in cells]
    one = measure(cells, root, training=paths, reference=paths)
    two = measure(cells, root, training=paths, reference=paths, processes=2)
    pd.testing.assert_frame_equal(one, two)


# ---------------------------------------------------------------- several LoRAs


@pytest.fixture
def several(tmp_path):
    """The pictures of two LoRAs that share weight 0, and of one with words of its own."""
    variants = [
        replace(variant, lora=lora, baseline=baseline)
        for lora, baseline in (("a", "no-lora"), ("b", "no-lora"), ("c", "no-lora.c"))
        for variant in records.variants(["cat"], (0, 0.4))
    ]
    pictures = records.sweep(variants).pictures_in(tmp_path)
    for number, one in enumerate(pictures):
        save(one, picture(number))
    return tmp_path, pictures


def test_what_loras_share_at_weight_0_is_one_file_with_one_row(several):
    root, pictures = several
    found = measure(pictures, root)
    assert list(found.columns) == ["lora", *COLUMNS]
    assert len(found) == len(set(found["file"])) == 3 * 2 + 2 * 2
    without = found[found["weight"] == 0]
    assert sorted(without["lora"]) == ["no-lora"] * 2 + ["no-lora.c"] * 2
    assert "no-lora/prompt-cat/w0.00/seed1_00.png" in set(found["file"])
    assert set(found[found["lora"] == "a"]["weight"]) == {0.4}


def test_each_lora_is_compared_with_its_own_baseline(several):
    root, pictures = several
    shared, own = (
        next(one for one in pictures if one.lora == key and one.variant == "")
        for key in ("no-lora", "no-lora.c")
    )
    for one in pictures:
        if one.weight and one.variant == "":  # each draws what there is without any LoRA
            save(one, Image.open((own if one.lora == "c" else shared).path))
    found = measure(pictures, root).query("variant == '' and weight > 0")
    assert list(found["difference"]) == [0, 0, 0]
    assert not (found["hash_distance"] != 0).any()


def test_one_lora_more_changes_no_number_of_another_but_those_of_the_style(several):
    root, pictures = several
    all_three, a = (
        measure(pictures, root),
        measure([one for one in pictures if one.lora in ("a", "no-lora")], root),
    )
    rows = all_three[all_three["file"].isin(a["file"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, a)
