"""An SDXL from raw pictures to a verdict, without kohya and ComfyUI."""

import json

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.numpy import load_file

from tests import checkpoints_sdxl
from tests.project import ROOT, make_project, run_folder

SMALL = {
    "raw_set": "some_set",
    "base_model": "models/checkpoints/narrow.safetensors",
    "bench_workflow": "workflow.json",
    "weights": "0.8",
    "preprocess": "{resolution: 64, bucket_step: 32, bucket_min: 32, bucket_max: 128, "
    "min_size: 32}",
    "train": "{steps: 3, batch_size: 2, rank: 2, threads: 1}",
    "bench": "{threads: 1}",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project with one finished run on a narrow SDXL on v-prediction."""
    project = make_project(tmp_path_factory.mktemp("sdxl") / "project")
    project.add_set()
    checkpoints = project.root / "models" / "checkpoints"
    marks = ("v_pred", "ztsnr")
    checkpoints_sdxl.save(checkpoints / "narrow.safetensors", checkpoints / "narrow", marks)
    graph = json.loads((ROOT / "config/workflows/sdxl_lora_bench.json").read_text())
    for node in graph.values():
        if node["class_type"] == "EmptyLatentImage":
            node["inputs"].update(width=64, height=64)
        if node["class_type"] == "KSampler":
            node["inputs"].update(steps=2)
    (project.root / "workflow.json").write_text(json.dumps(graph))
    project.snakemake(**SMALL)
    return project


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_verdict_stands_at_the_end(finished):
    run = run_folder(finished)
    assert json.loads((run / "bench" / "verdict.json").read_text())
    assert (run / "report.html").is_file()
    record = yaml.safe_load((run / "run.yaml").read_text())
    assert record["train"]["text_encoder_lr"] == 0 and record["train"]["gradient_checkpointing"]


def test_the_lora_has_kohyas_names_and_metadata(finished):
    (path,) = (run_folder(finished) / "train").glob("*.safetensors")
    names = {key.split(".")[0] for key in load_file(path)}
    assert "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q" in names
    assert all(name.startswith("lora_unet_") for name in names)


def test_the_lora_changes_the_picture(finished):
    bench = run_folder(finished) / "bench"
    base, changed = (
        pixels(bench / f"w{weight}" / "seed123456789_00.png") for weight in ("0.00", "0.80")
    )
    assert base.shape == (64, 64, 3)
    assert not np.array_equal(base, changed)


def test_the_second_time_there_is_nothing_to_do(finished):
    assert finished.planned(**SMALL) == {}
