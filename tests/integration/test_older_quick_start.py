"""The older quick start as it is typed: Docker, a running ComfyUI, a checkpoint, nothing set."""

import subprocess
import sys

import pytest
import torch
from diffusers import AutoencoderKL

from lorabench.base.stable_diffusion import SD15
from lorabench.lora import file as lora_file
from tests.checkpoints import autoencoder_to_ldm
from tests.fake_comfy import serving
from tests.kohya import save_checkpoint, with_docker
from tests.project import make_project, run_folder

CHECKPOINT = "models/checkpoints/MeinaMix_v12.safetensors"
TYPED = (
    *("--profile", "style", "--raw-set", "ponnyu_v1", "--resize", "--yes", "--fix-owner"),
    *("--bench-workflow", "config/workflows/gui/MeinaMix_v12_lora_bench.json"),
    *("--weights", "0.4,0.6,0.8", "--seeds", "123456789,987654321"),
)
QUICK = """
preprocess: {resolution: 64, bucket_min: 64, bucket_max: 128, min_size: 64}
train: {threads: 1}
"""
GRIDS = ("overview.png", "seed123456789_weights.png", "seed987654321_weights.png")


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    """A project of an older user, with the checkpoint, the pictures and a `docker` on the path."""
    folder = tmp_path_factory.mktemp("older")
    project = make_project(folder / "project")
    project.add_set("ponnyu_v1")
    with (project.root / "config" / "config.yaml").open("a") as file:
        file.write(QUICK)  # the autoencoder takes seconds for a picture of 512 px
    torch.manual_seed(0)
    autoencoder = autoencoder_to_ldm(AutoencoderKL(**SD15.configs["vae"]).half())
    tensors = {key: tensor.contiguous().numpy() for key, tensor in autoencoder.items()}
    save_checkpoint(project.root / CHECKPOINT, autoencoder=tensors)
    (project.root / "output").mkdir()
    project.path = with_docker(folder / "bin")
    return project


def test_it_runs_as_typed(older, monkeypatch):
    monkeypatch.delenv("SD_SCRIPTS_DIR", raising=False)
    monkeypatch.setenv("PATH", older.path)
    with serving() as comfy:
        comfy.has_models(older.root / "models")
        command = [sys.executable, "scripts/pipeline_run.py", *TYPED, "--comfy-url", comfy.url]
        done = subprocess.run(
            command, cwd=older.root, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stdout + done.stderr
    run = run_folder(older)
    assert len(list(run.glob("bench/w*/seed*_00.png"))) == 8
    assert all((run / "bench/grid" / name).is_file() for name in GRIDS)
    (lora,) = run.glob("train/*.safetensors")
    assert lora_file.verify(lora)
    assert (older.root / "output/kohya/style_ponnyu_v1.safetensors").is_file()
    (loader,) = (n for n in comfy.prompts[0].values() if n["class_type"].startswith("Checkpoint"))
    assert older.root.joinpath("models/checkpoints", loader["inputs"]["ckpt_name"]).is_file()
    assert "warning: the LoRA is trained on" not in done.stderr
