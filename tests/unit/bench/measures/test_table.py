"""The table of a sweep: which picture is compared with which."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lorabench.bench.measures.table import COLUMNS, measure
from lorabench.errors import UserError
from tests.records import pictures


def picture(seed=0, size=32):
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def folder(tmp_path):
    def save(name, image):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
        return path

    paths = [
        save("w0.40/seed1_00.png", picture(2)),
        save("w0.00/seed1_00.png", picture(1)),
        save("w0.40/seed2_00.png", picture(3)),
        save("w0.40/seed1_01.png", picture(4)),
        save("w0.00/seed1_01.png", picture(4)),
    ]
    return tmp_path, paths


def test_the_table_has_a_row_per_picture(folder):
    root, paths = folder
    table = measure(pictures(paths), root)
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
    root, paths = folder
    table = measure(pictures(paths), root)
    assert list(table["difference"] == 0) == [True, False, True, True, False]
    assert table["hash_distance"].dtype == "Int64"
    without = table.iloc[-1]
    assert all(pd.isna(without[name]) for name in ("difference", "ssim", "hash_distance"))


def test_a_baseline_of_another_size_is_refused(folder):
    root, paths = folder
    Image.new("RGB", (24, 32)).save(paths[0])
    with pytest.raises(UserError, match=r"w0\.40/seed1_00\.png: 24 × 32 pixels.* 32 × 32"):
        measure(pictures(paths), root)


def test_probes_are_told_apart_and_compared_within_their_variant(folder, tmp_path):
    root, paths = folder
    more = []
    for name in ("trigger", "prompt-cat.untriggered"):
        for weight, seed in (("0.00", 5), ("0.40", 5)):
            path = tmp_path / name / f"w{weight}" / "seed1_00.png"
            path.parent.mkdir(parents=True)
            picture(seed).save(path)
            more.append(path)
    table = measure(pictures([*paths, *more]), root)
    probes = table[table["probe"] != ""]
    assert list(probes["probe"]) == ["untriggered", "untriggered", "trigger", "trigger"]
    assert list(probes["difference"]) == [0, 0, 0, 0]


def test_a_picture_shows_its_own_prompt_or_that_of_another(tmp_path):
    def save(name, shown):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(shown).save(path)
        return path

    cells = [save(f"{prompt}w{weight}/seed1_00.png", shown) for prompt, weight, shown in (
        ("", "0.00", 1), ("", "0.40", 1), ("", "0.80", 2),
        ("prompt-cat/", "0.00", 2), ("prompt-cat/", "0.40", 9),
        ("prompt-dog/", "0.40", 1),
    )]  # fmt: skip
    kept = measure(pictures(cells), tmp_path).set_index("file")["prompt_kept"]
    assert kept["w0.00/seed1_00.png"] == kept["w0.40/seed1_00.png"] == pytest.approx(1)
    assert kept["w0.80/seed1_00.png"] == pytest.approx(-1)  # it shows the cat
    assert kept["prompt-cat/w0.40/seed1_00.png"] == pytest.approx(0, abs=0.3)
    assert np.isnan(kept["prompt-dog/w0.40/seed1_00.png"])  # nothing to compare it with
    alone = measure(pictures(cells[:3]), tmp_path)
    assert alone["prompt_kept"].isna().all()


def test_a_picture_that_is_a_training_picture_is_found_mirrored_too(folder, tmp_path):
    root, paths = folder
    training = [tmp_path / "images" / f"{number}.png" for number in range(3)]
    training[0].parent.mkdir()
    for number, path in enumerate(training):
        picture(20 + number).save(path)
    picture(21).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(paths[0])
    table = measure(pictures(paths), root, training=training).set_index("file")
    copy = table.loc["w0.40/seed1_00.png"]
    assert copy["nearest"] == "images/1.png"
    assert copy["nearest_mirrored"]
    assert copy["copy_similarity"] == pytest.approx(1, abs=1e-3)
    before = table.loc["w0.00/seed1_00.png"]
    assert copy["copy_excess"] == pytest.approx(copy["copy_similarity"] - before["copy_similarity"])
    assert before["copy_similarity"] < 0.5


def test_the_way_to_the_training_set_is_1_where_a_picture_has_gone_it(tmp_path):
    def save(name, value):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(len(name)).integers(0, 20, (32, 32, 3), np.uint8)
        Image.fromarray(pixels + np.uint8(value)).save(path)
        return path

    cells = [save(f"w{w}/seed{seed}_00.png", v) for seed in (1, 2) for w, v in
             (("0.00", 40), ("0.50", 80), ("1.00", 120))]  # fmt: skip
    reference = [save(f"reference/{n}.png", 120) for n in range(4)]
    table = measure(pictures(cells), tmp_path, reference=reference)
    gained = table.groupby("weight")["style_gained"].mean()
    assert gained[0] == 0
    assert gained[0.5] == pytest.approx(0.5, abs=0.15)
    assert gained[1] == pytest.approx(1, abs=0.1)
    assert (table["outside"] < 0.1).all()


def test_two_processes_measure_what_one_does(folder):
    root, paths = folder
    one = measure(pictures(paths), root, training=paths, reference=paths)
    two = measure(pictures(paths), root, training=paths, reference=paths, processes=2)
    pd.testing.assert_frame_equal(one, two)
