"""bench_grid.py as a user calls it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from lorabench.bench.origin import CHUNK
from lorabench.comfy.pictures import with_text

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_grid.py"


@pytest.fixture
def folder(tmp_path):
    """A sweep of two weights and two seeds, with spaces and Japanese in its path."""
    root = tmp_path / "ぽにゅ run"
    for weight in ("0.00", "0.40"):
        for seed in (1, 2):
            path = root / "bench" / f"w{weight}" / f"seed{seed}_00.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.effect_noise((64, 64), 80).convert("RGB").save(path)
    return root


def run(folder, *arguments):
    command = [sys.executable, SCRIPT, "--output-dir", folder / "grid", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_draws_the_grids(folder):
    pictures = sorted(folder.glob("bench/w*/*.png"))
    warnings = folder / "warnings.json"
    missing = folder / "bench" / "w0.80" / "seed1_00.png"
    fault = {"kind": "dead_lora", "weight": 0.4, "seeds": [1], "message": "weight 0.4: the same"}
    warnings.write_text(json.dumps([{**fault, "files": ["w0.40/seed1_00.png"]}]))
    done = run(folder, *pictures, missing, "--warnings", warnings, "--title", "ぽにゅ")
    assert done.returncode == 0, done.stderr
    names = ["overview.png", "seed1_weights.png", "seed2_weights.png"]
    assert sorted(path.name for path in (folder / "grid").iterdir()) == names
    assert all(name in done.stderr for name in names)
    red = ImageColor.getrgb("#d70015")
    for name in names:
        with Image.open(folder / "grid" / name) as image:
            assert image.width > 3 * 256
            marked = (np.asarray(image) == red).all(axis=-1).any()
            assert marked == (name != "seed2_weights.png")


def test_the_prompt_in_the_pictures_stands_below_the_title(folder):
    pictures = sorted(folder.glob("bench/w*/*.png"))
    assert run(folder, *pictures).returncode == 0
    without = (folder / "grid/overview.png").read_bytes()
    for path in pictures:
        path.write_bytes(with_text(path.read_bytes(), {CHUNK: {"prompt": "赤い猫"}}))
    assert run(folder, *pictures).returncode == 0
    assert (folder / "grid/overview.png").read_bytes() != without


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("bench/w0.40/seed3_00.png", "none of the 1 pictures exists"),
        ("bench/w0.40/seed4_00.png", "not a readable picture"),
        ("bench/w0.40/picture.png", "not a picture of a sweep"),
    ],
)
def test_a_bad_picture_is_named(folder, name, complaint):
    (folder / "bench" / "w0.40" / "seed4_00.png").write_text("words")
    done = run(folder, folder / name)
    assert done.returncode == 1
    assert name in done.stderr
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "grid").exists()


def test_bad_warnings_are_named(folder):
    done = run(folder, folder / "bench/w0.40/seed1_00.png", "--warnings", folder / "nowhere.json")
    assert done.returncode == 1
    assert "nowhere.json" in done.stderr


def test_help():
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    for option in ("--output-dir", "--title", "--warnings", "--log"):
        assert option in done.stdout
