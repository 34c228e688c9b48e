"""bench_grid.py as a user calls it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from lorabench.bench.verdicts import verdict
from lorabench.comfy.client.pictures import with_text
from lorabench.sweep.label import CHUNK
from tests import finished, records

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
    record(root)
    return root


def record(folder, shown=(("", ""),), text=None, weights=(0, 0.4), seeds=(1, 2)):
    variants = [records.variant(name, text, weights, seeds, probe) for name, probe in shown]
    records.write_sweep(folder / "bench" / "sweep.yaml", variants)


def run(folder, *arguments):
    command = [sys.executable, SCRIPT, "--output-dir", folder / "grid"]
    command += ["--sweep", folder / "bench" / "sweep.yaml", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_draws_the_grids(folder):
    warnings = folder / "warnings.json"
    record(folder, weights=(0, 0.4, 0.8))  # 0.8 is missing
    fault = {"kind": "dead_lora", "weight": 0.4, "seeds": [1], "message": "weight 0.4: the same"}
    warnings.write_text(json.dumps([{**fault, "files": ["w0.40/seed1_00.png"]}]))
    done = run(folder, "--warnings", warnings, "--title", "ぽにゅ")
    assert done.returncode == 0, done.stderr
    names = ["overview.png", "seed1_weights.png", "seed2_weights.png"]
    assert sorted(path.name for path in (folder / "grid").glob("*.png")) == names
    assert len(list((folder / "grid").glob("*.webp"))) == len(names)
    assert all(name in done.stderr for name in names)
    red = ImageColor.getrgb("#d70015")
    for name in names:
        with Image.open(folder / "grid" / name) as image:
            assert image.width > 3 * 256
            marked = (np.asarray(image) == red).all(axis=-1).any()
            assert marked == (name != "seed2_weights.png")


def test_the_prompt_in_the_pictures_stands_below_the_title(folder):
    pictures = sorted(folder.glob("bench/w*/*.png"))
    assert run(folder).returncode == 0
    without = (folder / "grid/overview.png").read_bytes()
    for path in pictures:
        path.write_bytes(with_text(path.read_bytes(), {CHUNK: {"prompt": "赤い猫"}}))
    assert run(folder).returncode == 0
    assert (folder / "grid/overview.png").read_bytes() != without


def test_everything_at_once(folder):
    further = [folder / "bench" / variant for variant in ("prompt-白い猫", "trigger")]
    for variant in further:
        shutil.copytree(folder / "bench" / "w0.00", variant / "w0.00")
        shutil.copytree(folder / "bench" / "w0.40", variant / "w0.40")
    record(folder, [("", ""), ("白い猫", ""), ("", "trigger")], "赤い猫")
    verdict.write(finished.works(0.4, (0.4, 0.4)), folder / "verdict.json")
    options = ["--verdict", folder / "verdict.json", "--difference"]
    options += ["--training-set", folder / "bench" / "w0.00"]
    for further in (options, ["--probes"]):
        done = run(folder, *further)
        assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (folder / "grid").glob("*.png")) == [
        "overview.png",
        "probes.png",
        *(f"seed{n}_{kind}.png" for n in (1, 2) for kind in ("differences", "weights")),
    ]
    with Image.open(folder / "grid" / "overview.png") as image:
        green = (np.asarray(image) == ImageColor.getrgb("#248a3d")).all(axis=-1)
        assert image.height > 4 * 256 and green.any()


def test_the_prompt_in_the_record_stands_below_the_title(folder):
    drawn = []
    for text in ("赤い猫", "白い猫"):
        record(folder, text=text)
        assert run(folder).returncode == 0
        drawn.append((folder / "grid/overview.png").read_bytes())
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--sweep", "cannot be read"),
        ("--verdict", "not a verdict"),
        ("--training-set", "no PNG in it"),
    ],
)
def test_what_cannot_be_read_is_named(folder, option, complaint):
    done = run(folder, option, folder / "nowhere")
    assert done.returncode == 1
    assert "nowhere" in done.stderr and complaint in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("bench/w0.40/seed3_00.png", "none of the 1 pictures exists"),
        ("bench/w0.40/seed4_00.png", "not a readable picture"),
    ],
)
def test_a_bad_picture_is_named(folder, name, complaint):
    (folder / "bench" / "w0.40" / "seed4_00.png").write_text("words")
    record(folder, weights=(0.4,), seeds=(int(name[16]),))
    done = run(folder)
    assert done.returncode == 1
    assert name in done.stderr
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "grid").exists()


def test_bad_warnings_are_named(folder):
    done = run(folder, "--warnings", folder / "nowhere.json")
    assert done.returncode == 1
    assert "nowhere.json" in done.stderr


def test_help():
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    options = ("--output-dir", "--title", "--warnings", "--log")
    for option in (*options, "--sweep", "--verdict", "--training-set", "--difference"):
        assert option in done.stdout
