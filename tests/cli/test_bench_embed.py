"""bench_embed.py as a user calls it, and bench_metrics.py with what it wrote."""

import subprocess
import sys

import pandas as pd
import pytest
import yaml
from PIL import Image

from tests import embeddings
from tests.project import ROOT

SCRIPTS = ROOT / "scripts"


@pytest.fixture
def folder(tmp_path):
    """A sweep of two weights, with spaces and Japanese in its path."""
    root = tmp_path / "ぽにゅ run" / "bench"
    for weight in ("0.00", "0.40"):
        path = root / f"w{weight}" / "seed1_00.png"
        path.parent.mkdir(parents=True)
        Image.effect_noise((32, 32), 80).convert("RGB").save(path)
    (root / "reference").mkdir()
    Image.effect_noise((48, 32), 80).convert("RGB").save(root / "reference" / "0.png")
    variants = [{"name": "", "text": "ponnyu style, a cat"}]
    sweep = {"trigger": "ponnyu style", "variants": variants}
    (root / "sweep.yaml").write_text(yaml.safe_dump(sweep))
    return root


def run(program, *arguments):
    command = [sys.executable, SCRIPTS / program, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def embed(folder, *arguments):
    given = ("--output", folder / "embedding.csv", *arguments)
    return run("bench_embed.py", *sorted(folder.glob("w*/*.png")), *given)


def test_the_columns_of_a_clip_follow_those_of_the_metrics(folder, tmp_path):
    clip = embeddings.save_clip(tmp_path / "Tiny-CLIP")
    options = ("--reference", folder / "reference", "--sweep", folder / "sweep.yaml")
    done = embed(folder, "--embedding", clip, *options)
    assert done.returncode == 0, done.stderr
    assert "2 pictures embedded" in done.stderr
    added = ["tiny_clip_effect", "tiny_clip_style", "tiny_clip_beside", "tiny_clip_text"]
    table = pd.read_csv(folder / "embedding.csv")
    assert list(table) == ["file", *added]
    assert list(table["file"]) == ["w0.00/seed1_00.png", "w0.40/seed1_00.png"]
    assert table["tiny_clip_effect"][0] == 0 < table["tiny_clip_effect"][1]

    files = ("--output", folder / "metrics.csv", "--warnings", folder / "warnings.json")
    pictures = sorted(folder.glob("w*/*.png"))
    options = ("--embedding-table", folder / "embedding.csv")
    done = run("bench_metrics.py", *pictures, *files, *options)
    assert done.returncode == 0, done.stderr
    metrics = pd.read_csv(folder / "metrics.csv")
    assert list(metrics)[-4:] == added
    assert metrics[added].equals(table[added])

    files = ("--output", folder / "verdict.json", "--summary", folder / "summary.csv")
    done = run("bench_verdict.py", folder / "metrics.csv", *files)
    assert done.returncode == 0, done.stderr
    summary = pd.read_csv(folder / "summary.csv")
    assert summary["tiny_clip_text"].notna().all()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--embedding", "no/such"], "no/such is no folder; give the folder of a CLIP"),
        (["--embedding", "base"], "needs --base-model"),
        (["--embedding", "base", "--base-model", "no/such"], "no/such"),
        (["--embedding", "base", "--reference", "no/such"], "no/such: holds no PNG"),
        (["--embedding", ".", "--sweep", "no/such"], "has no config.json"),
    ],
)
def test_what_is_wrong_is_said(folder, options, complaint):
    done = embed(folder, *options)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "embedding.csv").exists()


def test_help():
    done = run("bench_embed.py", "--help")
    assert done.returncode == 0
    assert "--embedding" in done.stdout
