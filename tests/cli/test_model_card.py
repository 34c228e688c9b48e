"""The program that writes the model card."""

import subprocess
import sys
from pathlib import Path

import numpy as np

import model_card as program
from lorabench import cli
from lorabench.bench.verdicts import verdict
from lorabench.lora import file as lora_file
from tests import records

SCRIPTS = Path(__file__).parents[2] / "scripts"


def make(tmp_path, *arguments):
    lora = tmp_path / "runs" / "r" / "train" / "style.safetensors"
    tensors = {
        "lora_unet_a.lora_down.weight": np.ones((4, 6), np.float16),
        "lora_unet_a.lora_up.weight": np.ones((5, 4), np.float16),
    }
    lora_file.save(lora, tensors, {})
    output = lora.with_name("README.md")
    words = [f"--lora={lora}", f"--output={output}", *arguments]
    status = cli.run(program.parser(), program.main, words)
    return status, output.read_text(encoding="utf-8") if output.exists() else None


def test_it_writes_the_card_from_a_runs_files(tmp_path):
    run = tmp_path / "runs" / "r"
    (run / "bench").mkdir(parents=True)
    records.write(records.run(train={"rank": 4}), run / "run.yaml")
    sweep = records.sweep([records.variant("")], trigger="ponnyu")
    records.write(sweep, run / "bench" / "sweep.yaml")
    verdict.write(verdict.Verdict("works", None, 0.8), run / "bench" / "verdict.json")
    (run / "grid").mkdir()
    (run / "grid" / "overview.webp").write_bytes(b"a picture")
    status, text = make(
        tmp_path,
        f"--record={run / 'run.yaml'}",
        f"--sweep={run / 'bench' / 'sweep.yaml'}",
        f"--verdict={run / 'bench' / 'verdict.json'}",
        f"--grid={run / 'grid' / 'overview.webp'}",
    )
    assert status == 0
    assert (run / "train" / "overview.webp").read_bytes() == b"a picture"
    assert "(overview.webp)" in text and "`ponnyu`" in text and "| `rank` | 4 |" in text


def test_of_the_lora_alone_it_writes_what_is_known(tmp_path):
    status, text = make(tmp_path)
    assert status == 0 and "not judged" in text and "](" not in text


def test_a_damaged_verdict_is_named(tmp_path, capsys):
    (tmp_path / "verdict.json").write_text("{}")
    assert make(tmp_path, f"--verdict={tmp_path / 'verdict.json'}") == (1, None)
    error = capsys.readouterr().err
    assert "not a verdict" in error and "Traceback" not in error


def test_it_imports_neither_torch_nor_pandas():
    code = (
        "import sys, model_card; import lorabench.pages.card.card;"
        "sys.exit(bool({'torch', 'pandas'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=True)
