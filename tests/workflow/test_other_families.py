"""The workflow with families that sd-scripts and musubi-tuner train: plans, refusals, trainings."""

import os
import shlex
from pathlib import Path

import pytest
import yaml

from lorabench.base import header
from lorabench.errors import UserError
from lorabench.lora import file as lora_file
from tests import transformer_files
from tests.kohya import FAKE, save_models
from tests.project import make_plan, run_folder

FAKE_MUSUBI = FAKE.with_name("fake_musubi")
FLUX = {"raw_set": "some_set", "trainer": "kohya", "base_model": "models/flux.safetensors"}
Z_IMAGE = {"raw_set": "some_set", "trainer": "musubi", "base_model": "models/zimage.safetensors"}
FILES = {"clip_l": "models/clip_l.safetensors", "t5xxl": "models/t5xxl.safetensors",
         "ae": "models/vae/ae.safetensors"}  # fmt: skip
QWEN = {"vae": "models/vae/ae.safetensors", "text_encoder": "models/qwen.safetensors"}
URL = {"comfy_url": "http://127.0.0.1:9", "bench_workflow": "config/workflows/sd15_lora_bench.json"}
SMALL = {
    "preprocess": "{resolution: 64, bucket_min: 64, bucket_max: 128, min_size: 64}",
    "train": "{steps: 2, rank: 4, threads: 1}",
}


@pytest.fixture
def based(project, monkeypatch):
    monkeypatch.setenv("SD_SCRIPTS_DIR", str(FAKE / "sd_scripts"))
    monkeypatch.setenv("MUSUBI_DIR", str(FAKE_MUSUBI))
    monkeypatch.chdir(project.root)
    project.add_set()
    transformer_files.save(Path("models/flux.safetensors"), "FLUX.1")
    transformer_files.save(Path("models/zimage.safetensors"), "Z-Image")
    transformer_files.save(Path("models/hunyuan.safetensors"), "HunyuanImage")
    save_models(Path("models"), ["clip_l", "t5xxl", "qwen", "byt5"])
    Path("models/vae").mkdir(exist_ok=True)
    save_models(Path("models/vae"), ["ae"])
    return project


def plan(**config):
    return make_plan({**URL, **config}, Path("config/config.yaml"))


def test_the_files_are_part_of_the_run_by_content(based):
    first = plan(**FLUX, models=FILES).training.identity
    assert first.contents["models"].keys() == FILES.keys()
    assert first.contents["models"]["ae"]["name"] == "ae.safetensors"
    by_name = plan(**FLUX, models={**FILES, "ae": "ae.safetensors"}).training.identity
    as_text = plan(**FLUX, models=yaml.safe_dump(FILES)).training.identity
    assert by_name.run_id == as_text.run_id == first.run_id
    transformer_files.save_tensors(Path(FILES["ae"]), {"another autoencoder": (1,)})
    assert plan(**FLUX, models=FILES).training.identity.run_id != first.run_id
    record = plan(**FLUX, models=FILES).record
    assert record.contents()["identity"]["models"].keys() == FILES.keys()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({**FLUX}, r"models: this training also reads clip_l \(CLIP-L\), t5xxl \(T5-XXL\), ae"),
        ({**FLUX, "models": {**FILES, "vae": "x"}}, "models.vae: this training reads no such file"),
        ({**FLUX, "models": {**FILES, "ae": "no.sft"}},
         "models.ae: there is no file no.sft, nor in models/text_encoders, .*/checkpoints$"),
        ({**FLUX, "models": {**FILES, "ae": "a.sft"}}, "no file a.sft, .*; nearest there: ae.saf"),
        ({**FLUX, "models": "5"}, r"models: .*should map names to files: {clip_l: "),
        ({**FLUX, "trainer": "embedded"}, r"trainer=kohya with models={clip_l: /path/to/…, t5xxl"),
        ({**FLUX, "trainer": "musubi"}, r"does not train a FLUX\.1 model; trainer=kohya with"),
        ({**Z_IMAGE, "trainer": "kohya"}, "trainer=musubi with models={vae: /path/to/…"),
        ({**Z_IMAGE, "models": QWEN, "reg_set": "some_set"}, "reg_set: zimage_train_network"),
        ({**FLUX, "models": FILES, "train": {"clip_skip": 2}}, "train.clip_skip: 2: flux_train"),
        ({**FLUX, "models": FILES, "train": {"kohya_args": {"seed": 2}}}, "seed: set train.seed"),
        ({**Z_IMAGE, "models": QWEN, "train": {"kohya_args": {"dit": "x"}}}, "dit: set base_model"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_while_the_workflow_is_read(based, config, said):
    with pytest.raises(UserError, match=said) as refused:
        plan(**config)
    assert str(refused.value).count("models/vae,") < 2, "each folder is named once"


def test_where_musubi_tuner_is_has_to_be_said(based, monkeypatch):
    monkeypatch.delenv("MUSUBI_DIR")
    with pytest.raises(UserError, match="nothing says where musubi-tuner is"):
        plan(**Z_IMAGE, models=QWEN)
    assert plan(**Z_IMAGE, models=QWEN, musubi={"launcher": "docker exec -i m"})


def test_the_programs_get_the_files(based):
    def commands(config, models):
        given = {**URL, **config, "models": yaml.safe_dump(models, default_flow_style=True).strip()}
        said = based.snakemake("trained", "--dry-run", "--printshellcmds", **given).stdout
        return [line for line in said.splitlines() if "--model=" in line]

    (line,) = commands(FLUX, FILES)
    assert "run_lora.bash" in line and f"--model=clip_l={FILES['clip_l']} --model=" in line
    (line,) = commands(Z_IMAGE, {**QWEN, "vae": "ae.safetensors"})
    assert "scripts/train_musubi.py" in line and f"--model=vae={QWEN['vae']}" in line


def with_fakes(based):
    """Let the jobs' Python find the stand-ins for accelerate and torch."""
    path = os.pathsep.join([str(FAKE / "packages"), *filter(None, [os.environ.get("PYTHONPATH")])])
    trainer = f'PYTHONPATH={shlex.quote(path)} exec bash scripts/run_lora.bash "$@"\n'
    (based.root / "with_fakes.bash").write_text(trainer)
    return {"programs": "{run_lora: with_fakes.bash}"}


@pytest.mark.parametrize(
    ("base", "models", "layers"),
    [
        ("flux", FILES, {"lora_unet_double_blocks_0_img_attn_qkv"}),
        (
            "hunyuan",
            {**QWEN, "byt5": "models/byt5.safetensors", "text_encoder": "models/qwen.safetensors"},
            {"lora_unet_double_blocks_0_img_mlp_0", "lora_unet_single_blocks_0_modulation_lin"},
        ),
    ],
)
def test_a_training_by_sd_scripts(based, base, models, layers):
    config = {**FLUX, **URL, **SMALL, **with_fakes(based),
              "base_model": f"models/{base}.safetensors",
              "models": yaml.safe_dump(models, default_flow_style=True).strip()}  # fmt: skip
    based.snakemake("trained", **config)
    (lora,) = (run_folder(based) / "train").glob("*.safetensors")
    assert lora_file.verify(lora).rank == 4
    found = {key.removesuffix(".alpha") for key in header.read(lora)[0] if key.endswith(".alpha")}
    assert found == layers
    record = yaml.safe_load((run_folder(based) / "run.yaml").read_text())
    assert record["identity"]["models"].keys() == models.keys()
    again = based.snakemake("trained", **config)
    assert "Nothing to be done" in again.stdout


def test_a_training_by_musubi_tuner(based, monkeypatch):
    path = os.pathsep.join([str(FAKE / "packages"), *filter(None, [os.environ.get("PYTHONPATH")])])
    launcher = based.root / "python.bash"
    launcher.write_text(f'PYTHONPATH={shlex.quote(path)} exec "$@"\n')
    monkeypatch.delenv("MUSUBI_DIR")
    there = f"{{launcher: bash {launcher}, musubi_tuner: {FAKE_MUSUBI}}}"
    models = yaml.safe_dump(QWEN, default_flow_style=True).strip()
    config = {**Z_IMAGE, **URL, **SMALL, "musubi": there, "models": models}
    based.snakemake("trained", **config)
    (lora,) = (run_folder(based) / "train").glob("*.safetensors")
    assert lora_file.verify(lora).rank == 4
    assert (based.root / "output" / "kohya" / "style_some_set.safetensors").exists()
