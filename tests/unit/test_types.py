"""The type checker finds a misspelt field, in whatever record or plan it is."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYREFLY = Path(sys.executable).with_name("pyrefly")
FIELDS = {
    "lorabench.sweep.record.SweepRecord": ("seeds", "seedz"),
    "lorabench.sweep.pictures.Picture": ("weight", "wieght"),
    "lorabench.run.record.RunRecord": ("trigger", "triger"),
    "lorabench.run.plan.RunPlan": ("sweep", "swep"),
    "lorabench.lora.receipt.Receipt": ("sha256", "sha"),
    "lorabench.bench.verdicts.verdict.Verdict": ("window", "windows"),
    "lorabench.settings.models.Config": ("train.rank", "train.rnk"),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the checker says of a function for each record, with its field spelt right and wrong."""
    lines = []
    for number, (path, fields) in enumerate(FIELDS.items()):
        module, _, name = path.rpartition(".")
        lines += [f"from {module} import {name}", f"def read{number}(one: {name}) -> None:"]
        lines += [f"    print(one.{field})" for field in fields]
    program = tmp_path_factory.mktemp("types") / "program.py"
    program.write_text("\n".join(lines) + "\n")
    command = [PYREFLY, "check", "--config", ROOT / "pyproject.toml", program]
    command += ["--output-format", "min-text"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_a_misspelt_field_is_an_error(found, fields):
    right, wrong = (field.rpartition(".")[2] for field in fields)
    assert f"has no attribute `{wrong}`" in found
    assert f"has no attribute `{right}`" not in found


def test_nothing_else_is_found(found):
    assert found.count("ERROR") == len(FIELDS)
