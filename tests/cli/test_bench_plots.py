"""bench_plots.py as a user calls it."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def metrics(tmp_path):
    """A table that bench_metrics.py wrote, with spaces and Japanese in its path."""
    bench = tmp_path / "ぽにゅ run" / "bench"
    for weight in ("0.00", "0.40"):
        path = bench / f"w{weight}" / "seed1_00.png"
        path.parent.mkdir(parents=True)
        Image.effect_noise((32, 32), 80).convert("RGB").save(path)
    table = bench / "metrics.csv"
    options = ["--output", table, "--warnings", bench / "warnings.json"]
    run("bench_metrics.py", *bench.glob("w*/*.png"), *options)
    return table


def run(program, *arguments):
    return subprocess.run(
        [sys.executable, SCRIPTS / program, *arguments], capture_output=True, text=True
    )


def test_draws_what_was_measured(metrics):
    picture = metrics.parents[1] / "plots" / "metrics_by_weight.png"
    done = run("bench_plots.py", "--metrics", metrics, "--output", picture, "--title", "ぽにゅ run")
    assert done.returncode == 0, done.stderr
    assert str(picture) in done.stderr
    assert "Glyph" not in done.stderr
    with Image.open(picture) as image:
        assert image.width > image.height > 500


@pytest.mark.parametrize("content", [None, "weight,seed\n0,1\n"])
def test_a_bad_table_is_named(tmp_path, content):
    table = tmp_path / "table.csv"
    if content:
        table.write_text(content)
    done = run("bench_plots.py", "--metrics", table, "--output", tmp_path / "picture.png")
    assert done.returncode == 1
    assert "table.csv" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "picture.png").exists()


def test_what_is_left_out_is_an_error():
    done = run("bench_plots.py")
    assert done.returncode == 2
    assert "required: --metrics, --output" in done.stderr


def test_help():
    done = run("bench_plots.py", "--help")
    assert done.returncode == 0
    for option in ("--metrics", "--output", "--title", "--log"):
        assert option in done.stdout
