"""bench_metrics.py as a user calls it."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from lorabench.comfy.client.pictures import with_text
from lorabench.sweep.label import CHUNK
from tests import records

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_metrics.py"


@pytest.fixture
def folder(tmp_path):
    """A sweep of two weights and two seeds, with spaces and Japanese in its path."""
    root = tmp_path / "ぽにゅ run" / "bench"
    for weight in ("0.00", "0.40"):
        for seed in (1, 2):
            path = root / f"w{weight}" / f"seed{seed}_00.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.effect_noise((32, 32), 80).convert("RGB").save(path)
    record(root, (1, 2))
    return root


def record(folder, seeds):
    records.write_sweep(folder / "sweep.yaml", [records.variant("", weights=(0, 0.4), seeds=seeds)])


def run(folder, *arguments):
    command = [sys.executable, SCRIPT, "--output", folder / "metrics.csv"]
    command += ["--sweep", folder / "sweep.yaml"]
    command += ["--warnings", folder / "warnings.json", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_measures_a_sweep(folder):
    done = run(folder, "--log", folder / "log")
    assert done.returncode == 0, done.stderr
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["weight"]) for row in rows] == [
        *[("1", "0"), ("1", "0.4")],
        *[("2", "0"), ("2", "0.4")],
    ]
    assert rows[1]["file"] == "w0.40/seed1_00.png"
    assert rows[0]["ssim"] == "1"
    assert json.loads((folder / "warnings.json").read_text()) == []
    assert "WARNING" not in (folder / "log").read_text()


def test_a_dead_lora_is_loud_and_fails_nothing(folder):
    for seed in (1, 2):
        name = f"seed{seed}_00.png"
        (folder / "w0.40" / name).write_bytes((folder / "w0.00" / name).read_bytes())
    done = run(folder, "--log", folder / "log")
    assert done.returncode == 0
    for words in (done.stderr, (folder / "log").read_text()):
        assert "WARNING  DEAD LoRA" in words
    (warning,) = json.loads((folder / "warnings.json").read_text())
    assert (warning["kind"], warning["weight"], warning["seeds"]) == ("dead_lora", 0.4, [1, 2])


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("w0.00/seed3_00.png", "no such picture"),
        ("w0.00/seed4_00.png", "not a readable picture"),
    ],
)
def test_a_bad_picture_is_named(folder, name, complaint):
    (folder / "w0.00" / "seed4_00.png").write_text("words")
    record(folder, (int(name[10]),))
    done = run(folder)
    assert done.returncode == 1
    assert name in done.stderr
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "metrics.csv").exists()
    assert not (folder / "warnings.json").exists()


@pytest.mark.parametrize("content", [None, "", "weights: [1]", "a: [", "- 1", "format: 99"])
def test_without_the_record_of_a_sweep_nothing_is_measured(folder, content):
    (folder / "sweep.yaml").unlink()
    if content is not None:
        (folder / "sweep.yaml").write_text(content)
    done = run(folder)
    assert done.returncode == 1
    assert "sweep.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_help():
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    for option in ("--output", "--warnings", "--log"):
        assert option in done.stdout


def labelled(path, graph):
    """Give the picture the label of a cell."""
    label = {"run_id": "a", "lora_sha256": "b", "graph": graph}
    path.write_bytes(with_text(path.read_bytes(), {CHUNK: label}))


def test_a_sweep_that_is_not_of_one_piece_is_refused(folder):
    pictures = sorted(folder.glob("w*/*.png"))
    for picture in pictures[:3]:
        labelled(picture, "one")
    assert run(folder).returncode == 0
    labelled(pictures[3], "other")
    (folder / "metrics.csv").unlink()
    done = run(folder)
    assert done.returncode == 1
    assert str(pictures[3]) in done.stderr
    assert str(pictures[0]) not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "metrics.csv").exists()
