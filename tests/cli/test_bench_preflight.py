"""The program that checks the servers before the first cell."""

import hashlib
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import bench_preflight
from lorabench import cli
from lorabench.comfy.check import preflight
from lorabench.comfy.client.transport import Pace
from tests.fake_comfy import serving

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "config/workflows/drawnworld_lora_bench.json"
LORA = "style_x-12345678.safetensors"
NOTHING = hashlib.sha256(b"").hexdigest()  # what the fake's model files hold


@pytest.fixture(autouse=True)
def haste(monkeypatch):
    monkeypatch.setattr(preflight, "PACE", Pace(backoff=0.01, greeting=0.05, patience=0.05))


@pytest.fixture
def fake(tmp_path):
    with serving() as server:
        server.has_all(tmp_path / "models", LORA)
        yield server


@pytest.fixture
def check(tmp_path):
    """Runs the program on the bundled workflow; returns its exit status."""
    receipt = tmp_path / "installed.json"
    path = tmp_path / "models/loras" / LORA
    receipt.write_text(json.dumps({"name": LORA, "path": str(path), "sha256": NOTHING}))

    def check(url, **changes):
        options = {"workflow": WORKFLOW, "comfy_url": url, "lora_receipt": receipt, **changes}
        arguments = [f"--{k.replace('_', '-')}={v}" for k, v in options.items() if v is not None]
        return cli.run(bench_preflight.parser(), bench_preflight.main, arguments)

    return check


def dead_url():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_it_writes_the_graph_that_the_cells_render(fake, check, tmp_path):
    kept = tmp_path / "bench/workflow.json"
    assert check(fake.url, output=kept) == 0
    assert json.loads(kept.read_text()) == json.loads(WORKFLOW.read_text())
    assert check(fake.url, kept=kept) == 0
    assert fake.prompts == []


def test_a_kept_graph_that_is_another_one_is_refused(fake, check, tmp_path, capsys):
    graph = json.loads(WORKFLOW.read_text())
    graph["6"]["inputs"]["steps"] = 3
    (tmp_path / "kept.json").write_text(json.dumps(graph))
    assert check(fake.url, kept=tmp_path / "kept.json") == 1
    assert "--forcerun bench_preflight" in capsys.readouterr().err


def test_problems_end_it_and_leave_the_kept_graph_as_it_is(fake, check, tmp_path, capsys):
    kept = tmp_path / "workflow.json"
    kept.write_text("the old one")
    assert check(f"{fake.url},{dead_url()}", output=kept, checkpoint="none") == 1
    error = capsys.readouterr().err
    assert "ckpt_name 'none' is not on the server" in error
    assert "no ComfyUI server answers" in error
    assert "Traceback" not in error
    assert kept.read_text() == "the old one"


def test_before_the_training_a_server_may_be_away(check, tmp_path, capsys):
    kept = tmp_path / "workflow.json"
    assert check(dead_url(), lora_receipt=None, output=kept) == 0
    assert "it has to be there before the first cell" in capsys.readouterr().err
    assert not kept.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"workflow": "none.json"}, "none.json: No such file"),
        (
            {"lora_receipt": "none.json"},
            "none.json: not a LoRA receipt (No such file",
        ),
        ({"comfy_url": "127.0.0.1:8188"}, "did you mean http://127.0.0.1:8188?"),
        ({"comfy_url": "embedded"}, "needs --server-state"),
        ({"lora_node": "6"}, "bench.lora_node = '6'"),
    ],
)
def test_bad_input_is_one_message(fake, check, capsys, changes, words):
    assert check(**{"url": fake.url, **changes} | _url(changes)) == 1
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


def _url(changes):
    return {"url": changes.pop("comfy_url")} if "comfy_url" in changes else {}


def test_only_light_modules_are_imported():
    code = "import sys, bench_preflight; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "scripts"
    )
    loaded = set(done.stdout.split())
    assert "http.client" in loaded
    assert not loaded & {"torch", "numpy", "pandas", "matplotlib", "snakemake", "pydantic"}
