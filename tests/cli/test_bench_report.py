"""bench_report.py as a user calls it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.finished import make_run

SCRIPT = Path(__file__).parents[2] / "scripts" / "bench_report.py"


@pytest.fixture
def made(tmp_path):
    """A small run and its set, with spaces and Japanese in their paths."""
    return make_run(tmp_path / "ぽにゅ run", prompts=1, weights=(0.0, 0.8), seeds=(1,), size=32)


def report(run, training_set, *arguments):
    command = [sys.executable, SCRIPT, "--run", run, *arguments]
    command += ["--training-set", training_set] if training_set else []
    return subprocess.run(command, capture_output=True, text=True)


def test_makes_one_page_with_everything_in_it(made):
    run, dataset = made
    done = report(run, dataset)
    assert done.returncode == 0, done.stderr
    page = (run / "report.html").read_text("utf-8")
    assert str(run / "report.html") in done.stderr
    assert "not there" not in done.stderr
    for name in ("p0", "p1", "t0", "r0"):
        assert f'id="{name}">UklGR' in page
    for address in ('src="http', 'href="http', "url(", "@import", "//cdn"):
        assert address not in page
    assert str(run.parents[1]) not in page, "where the run lies is nobody's business"
    assert [path.name for path in run.iterdir() if "tmp" in path.name] == []


def test_what_is_missing_is_left_out_and_told(made):
    run, _ = made
    shutil.rmtree(run / "rejected")
    parts = ["bench/verdict.json", "bench/metrics.csv", "bench/summary.csv", "bench/sweep.yaml"]
    parts += ["bench/warnings.json", "bench/workflow.json", "train/train_log.csv", "run.yaml"]
    for name in [*parts, "preprocess_log.csv"]:
        (run / name).unlink()
        done = report(run, None)
        assert done.returncode == 0, done.stderr
        assert f"it is not there: {name}" in done.stderr
    page = (run / "report.html").read_text("utf-8")
    assert 'id="p0">UklGR' in page, "the pictures alone make a page"


def test_pictures_of_another_checkpoint_are_told(made):
    run, dataset = made
    base = yaml.safe_load((run / "run.yaml").read_text("utf-8"))["identity"]["base_model"]["name"]
    path = run / "bench" / "sweep.yaml"
    there = path.read_text("utf-8").replace("elsewhere: null", "elsewhere: 魔法.safetensors")
    path.write_text(there, "utf-8")
    assert report(run, dataset).returncode == 0
    page = (run / "report.html").read_text("utf-8")
    assert f"was trained on {base}, and the pictures were rendered with 魔法.safetensors" in page


def test_a_missing_set_is_told(made, tmp_path):
    done = report(made[0], tmp_path / "nowhere" / "images")
    assert done.returncode == 0, done.stderr
    assert "nowhere/images" in done.stderr


def test_the_same_files_make_the_same_page_but_for_its_date(made):
    report(*made, "--workers", "1")
    one = (made[0] / "report.html").read_text("utf-8")
    report(*made, "--workers", "3", "--output", made[0] / "b.html")
    other = (made[0] / "b.html").read_text("utf-8")
    differing = [(a, b) for a, b in zip(one.split("\n"), other.split("\n"), strict=True) if a != b]
    assert all("UTC" in line for pair in differing for line in pair)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bench/verdict.json", "{}"),
        ("bench/warnings.json", "[1]"),
        ("bench/metrics.csv", "weight\n1\n"),
        ("bench/sweep.yaml", "- a list"),
        ("bench/workflow.json", "{"),
        ("run.yaml", "a: [b"),
        ("train/train_log.csv", "words"),
    ],
)
def test_a_damaged_file_is_named(made, name, content):
    run, dataset = made
    (run / name).write_text(content)
    done = report(run, dataset)
    assert done.returncode == 1
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_that_is_no_run_is_refused(tmp_path, exists):
    folder = tmp_path / "run"
    if exists:
        folder.mkdir()
    done = report(folder, None)
    assert done.returncode == 1
    assert "its folder is runs/<run_id>" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["--workers", "0"], ["--workers", "x"], ["--page", "a"]])
def test_wrong_options_are_refused(made, arguments):
    assert report(*made, *arguments).returncode == 2


def test_help():
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    for option in ("--run", "--training-set", "--output", "--base-model", "--workers", "--log"):
        assert option in done.stdout
