"""bench_plots.py as a user calls it."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests import finished

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def bench(tmp_path):
    """The tables of a sweep, with spaces and Japanese in their path."""
    folder = tmp_path / "ぽにゅ run" / "bench"
    folder.mkdir(parents=True)
    finished.write_tables(folder, ["白い猫", "dog"])
    return folder


def run(*arguments):
    command = [sys.executable, SCRIPTS / "bench_plots.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def tables(bench):
    return ["--metrics", bench / "metrics.csv", "--summary", bench / "summary.csv"]


def test_draws_what_was_measured(bench):
    plots = bench / "plots"
    options = ["--verdict", bench / "verdict.json", "--title", "ぽにゅ run"]
    done = run(*tables(bench), *options, "--output-dir", plots)
    assert done.returncode == 0, done.stderr
    assert "Glyph" not in done.stderr
    names = ["metrics_by_weight.png", "tradeoff.png"]
    assert sorted(path.name for path in plots.iterdir()) == names
    for name in names:
        assert str(plots / name) in done.stderr
        with Image.open(plots / name) as image:
            assert image.width > image.height > 500


@pytest.mark.parametrize("option", ["--metrics", "--summary", "--verdict"])
def test_a_bad_file_is_named(bench, option):
    (bench / "other.txt").write_text("words\n0\n")
    done = run(*tables(bench), "--output-dir", bench / "plots", option, bench / "other.txt")
    assert done.returncode == 1
    assert "other.txt" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (bench / "plots").exists()


def test_what_is_left_out_is_an_error():
    done = run()
    assert done.returncode == 2
    assert "required: --metrics, --summary, --output-dir" in done.stderr


def test_help():
    done = run("--help")
    assert done.returncode == 0
    for option in ("--metrics", "--summary", "--verdict", "--output-dir", "--title", "--log"):
        assert option in done.stdout
