"""bench_embed.py as a user calls it, and bench_metrics.py with what it wrote."""

import subprocess
import sys

import pandas as pd
import pytest
from PIL import Image

from tests import embeddings, records
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
    variants = [records.variant("", "ponnyu style, a cat", (0, 0.4))]
    records.write_sweep(root / "sweep.yaml", variants, trigger="ponnyu style")
    return root


def run(program, *arguments):
    command = [sys.executable, SCRIPTS / program, *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def embed(folder, *arguments):
    given = ("--sweep", folder / "sweep.yaml", "--output", folder / "embedding.csv")
    return run("bench_embed.py", *given, *arguments)


def test_the_columns_of_a_clip_follow_those_of_the_metrics(folder, tmp_path):
    clip = embeddings.save_clip(tmp_path / "Tiny-CLIP")
    done = embed(folder, "--embedding", clip, "--reference", folder / "reference")
    assert done.returncode == 0, done.stderr
    assert "2 pictures embedded" in done.stderr
    measures = ("effect", "style", "beside", "likeness", "text", "prompt")
    added = [f"tiny_clip_{measure}" for measure in measures]
    table = pd.read_csv(folder / "embedding.csv")
    assert list(table) == ["file", *added]
    assert list(table["file"]) == ["w0.00/seed1_00.png", "w0.40/seed1_00.png"]
    assert table["tiny_clip_effect"][0] == 0 < table["tiny_clip_effect"][1]

    files = ("--output", folder / "metrics.csv", "--warnings", folder / "warnings.json")
    options = ("--sweep", folder / "sweep.yaml", "--embedding-table", folder / "embedding.csv")
    done = run("bench_metrics.py", *files, *options)
    assert done.returncode == 0, done.stderr
    metrics = pd.read_csv(folder / "metrics.csv")
    assert list(metrics)[-len(added) :] == added
    assert metrics[added].equals(table[added])

    files = ("--output", folder / "verdict.json", "--summary", folder / "summary.csv")
    done = run("bench_verdict.py", folder / "metrics.csv", "--sweep", folder / "sweep.yaml", *files)
    assert done.returncode == 0, done.stderr
    summary = pd.read_csv(folder / "summary.csv")
    assert summary["tiny_clip_text"].notna().all()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            ["--embedding", "no/such"],
            "no/such is not a folder or ONNX file; give the folder of a CLIP",
        ),
        (["--embedding", "base"], "needs --base-model"),
        (["--embedding", "base", "--base-model", "no/such"], "no/such"),
        (["--embedding", "base", "--reference", "no/such"], "no/such: holds no PNG"),
        (["--embedding", "."], "has no config.json"),
        (["--embedding", "base", "--sweep", "no/such"], "no/such cannot be read"),
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
