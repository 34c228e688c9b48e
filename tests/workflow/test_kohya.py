"""The workflow with trainer=kohya: what it would do, what it refuses, and one training."""

import os
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

from lorabench.errors import UserError
from lorabench.lora import file as lora_file
from tests.kohya import FAKE, save_checkpoint, with_docker, without_docker
from tests.project import make_plan, run_folder

KOHYA = {"raw_set": "some_set", "trainer": "kohya", "base_model": "models/base.safetensors"}
SMALL = {
    "preprocess": "{resolution: 64, bucket_min: 64, bucket_max: 128, min_size: 64}",
    "train": "{steps: 2, rank: 4, threads: 1, kohya_args: {optimizer_type: AdamW8bit}}",
}


@pytest.fixture
def based(project, monkeypatch):
    monkeypatch.setenv("SD_SCRIPTS_DIR", str(FAKE / "sd_scripts"))
    project.add_set()
    save_checkpoint(project.root / "models" / "base.safetensors")
    flux = {"double_blocks.0.img_attn.norm.key_norm.scale": (128,), "img_in.weight": (8, 64)}
    tensors = {name: np.zeros(shape, np.float16) for name, shape in flux.items()}
    save_file(tensors, project.root / "models" / "flux.safetensors")
    return project


def test_kohya_trains_by_its_own_program(based):
    there = {"kohya": "{launcher: docker exec -i k, paths: {models: /m, output: /o}}"}
    said = based.snakemake("--dry-run", "--printshellcmds", **KOHYA, **there).stdout
    (line,) = [line for line in said.splitlines() if "run_lora" in line]
    assert "bash scripts/run_lora.bash '--launcher=docker exec -i k'" in line
    assert "--path=models=/m --path=output=/o --data datasets/" in line


def test_another_program_trains_in_its_place(based):
    (based.root / "my lora.bash").touch()
    programs = {"programs": "{run_lora: my lora.bash}"}
    said = based.snakemake("--dry-run", "--printshellcmds", **KOHYA, **programs).stdout
    assert "bash 'my lora.bash'" in said, said
    assert "run_lora.bash" not in said


def test_options_of_sd_scripts_make_another_run_and_where_it_is_does_not(based, monkeypatch):
    monkeypatch.chdir(based.root)

    def run_id(**config):
        return make_plan({**KOHYA, **config}, Path("config/config.yaml")).training.identity.run_id

    assert run_id(train="{kohya_args: {xformers: True}}") != run_id()
    assert run_id(train="{kohya_args: {}}") == run_id()
    assert run_id(kohya="{launcher: docker exec -i k}") == run_id()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"base_model": None},
            "in config/config.yaml (base_model: /path/to/",
        ),
        ({"preprocess": "{bucket_step: 32}"}, "crops pictures of this base model to multiples"),
        ({"train": "{kohya_args: {output_dir: x}}"}, "output_dir: the pipeline names and places"),
        ({"train": "{kohya_args: 5}"}, "train.kohya_args: 5: should be a mapping"),
        ({"kohya": "{paths: 5}"}, "kohya.paths: 5: should map folders"),
        ({"kohya": "{lancher: x}"}, "kohya.lancher: no such key; did you mean kohya.launcher?"),
        ({"trainer": "embedded", "train": "{kohya_args: {a: 1}}"}, "set trainer=kohya"),
        (
            {"trainer": "embedded", "base_model": "models/flux.safetensors"},
            "trainer=kohya with models=",
        ),
    ],
)
def test_what_cannot_work_is_refused_while_the_workflow_is_read(based, monkeypatch, config, said):
    monkeypatch.chdir(based.root)
    with pytest.raises(UserError) as error:
        make_plan({**KOHYA, **config}, Path("config/config.yaml"))
    assert said in str(error.value)


def test_an_sd_scripts_that_is_not_there_is_told_before_a_training_alone(based, monkeypatch):
    monkeypatch.chdir(based.root)

    def plan(**config):
        return make_plan({**KOHYA, **config}, Path("config/config.yaml"))

    monkeypatch.setenv("SD_SCRIPTS_DIR", "/no/such/folder")
    with pytest.raises(UserError, match=r"/no/such/folder has no train_network\.py"):
        plan()
    with pytest.raises(UserError, match=r"kohya\.launcher: docker 'x: cannot be read"):
        plan(kohya={"launcher": "docker 'x"})
    own = {"programs": {"run_lora": "Snakefile"}}
    paths = [plan(**own).paths, plan(kohya={"launcher": "docker exec -i k"}).paths]
    for path in paths:
        path.lora.parent.mkdir(parents=True, exist_ok=True)
        path.lora.touch()
    plan()


def test_a_training_from_the_pipeline(based):
    path = os.pathsep.join([str(FAKE / "packages"), *filter(None, [os.environ.get("PYTHONPATH")])])
    trainer = f'PYTHONPATH={shlex.quote(path)} exec bash scripts/run_lora.bash "$@"\n'
    (based.root / "with_fakes.bash").write_text(trainer)
    kohya = {**KOHYA, **SMALL, "programs": "{run_lora: with_fakes.bash}"}
    said = based.snakemake("trained", **kohya).stdout
    assert "what the autoencoder gives back is not measured: base model " in said
    (lora,) = (run_folder(based) / "train").glob("*.safetensors")
    assert lora_file.verify(lora).rank == 4
    assert (based.root / "output" / "kohya" / "style_some_set.safetensors").exists()
    record = yaml.safe_load((run_folder(based) / "run.yaml").read_text())
    assert record["identity"]["train"]["kohya_args"] == {"optimizer_type": "AdamW8bit"}
    again = based.snakemake("trained", **kohya, kohya="{accelerate: --gpu_ids 1}")
    assert "Nothing to be done" in again.stdout


def test_without_docker_the_three_ways_are_told_in_a_dry_run(based, monkeypatch):
    monkeypatch.chdir(based.root)
    monkeypatch.delenv("SD_SCRIPTS_DIR")
    monkeypatch.setenv("PATH", without_docker())
    with pytest.raises(UserError, match=r"there is no docker here(?s:.*)Docker with Compose"):
        make_plan(KOHYA, Path("config/config.yaml"))


def test_a_docker_that_does_not_answer_stops_before_a_picture_is_touched(based, monkeypatch):
    monkeypatch.delenv("SD_SCRIPTS_DIR")
    monkeypatch.setenv("PATH", with_docker(based.root / "bin"))
    monkeypatch.setenv("FAKE_DOCKER", "down")
    done = based.snakemake("trained", check=False, **KOHYA, **SMALL)
    assert done.returncode != 0
    assert "Cannot connect to the Docker daemon" in done.stdout
    assert "Docker does not run here: start it." in done.stdout
    assert not (based.root / "datasets" / "normalized").exists()
    assert not list(based.root.glob(".snakemake/locks/*"))
