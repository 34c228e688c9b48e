"""The benchmark for a GPU, all of it on tiny models and a CPU."""

import re
import subprocess
import sys

import pytest

from tests.project import ROOT


@pytest.mark.long
def test_all_of_it_works_without_a_gpu(tmp_path):
    table = tmp_path / "table.md"
    words = ("--tiny", "--device", "cpu", "--seconds", "1200", "--output", table)
    command = [sys.executable, "-m", "benchmarks.gpu", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = table.read_text(encoding="utf-8").splitlines()[2:]
    assert {row.rsplit("|", 2)[1].strip() for row in rows} == {"measured", "pass"}
    for shape in ("SD1.5", "SDXL"):
        for found in ("a step", "an uninterrupted one", "a picture", "the picture of before"):
            assert any(re.search(f"tiny {shape}.*{found}", row) for row in rows), (shape, found)
    assert any("first command: verdict" in row for row in rows)
