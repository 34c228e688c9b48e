"""A LoRA whose base model is only on the server: its family is read from its own layers."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from lorabench.base import families
from lorabench.base.families import PUBLIC
from lorabench.base.stable_diffusion import SDXL
from lorabench.errors import UserError
from lorabench.pages.run.repeat_command import repeat_command
from lorabench.run import base_choice
from lorabench.run.notes import notes
from lorabench.workflow import commands
from tests.kohya import save_checkpoint
from tests.project import ROOT, make_plan

URL = "http://127.0.0.1:8188"
CASES = {
    "sd15": ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 768),
    "sdxl": ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", 2048),
    "flux1": ("lora_unet_double_blocks_0_img_attn_qkv", 3072),
    "sd3": ("transformer.joint_blocks.0.x_block.attn.qkv", 1536),
    "anima": ("lora_unet_blocks_0_self_attn_q_proj", 2048),
    "z_image": ("diffusion_model.layers.0.attention.to_q", 3840),
    "qwen_image": ("lora_unet_transformer_blocks_0_img_mlp_net_0_proj", 3072),
    "krea2": ("diffusion_model.blocks.0.attn.wq", 6144),
}


@pytest.fixture
def plan(project, monkeypatch):
    project.add_set()
    monkeypatch.chdir(project.root)

    def plan(name="", width=8, **given):
        given = {"comfy_url": URL, "trigger": "mofu", **given}
        if name:
            given["lora"] = str(save("theirs.safetensors", name, width))
        return make_plan(given, ROOT / "config/config.yaml")

    return plan


def save(path, module, width):
    tensors = {
        f"{module}.lora_down.weight": np.ones((2, width), np.float32),
        f"{module}.lora_up.weight": np.ones((width, 2), np.float32),
    }
    save_file(tensors, path)
    return path


@pytest.mark.parametrize("family", CASES)
def test_its_benchmark_is_that_of_its_family(plan, family):
    found = plan(*CASES[family])
    assert found.family is families.BY_NAME[family]
    assert found.config.bench_workflow == found.family.benchmarks[0].workflow
    assert len([one for one in found.variants if not one.probe]) == 8
    assert all("mofu" in one.text for one in found.variants if not one.probe)
    assert (found.base_model, found.autoencoder, found.base_digest) == (None, None, "")
    assert found.checkpoint_name is None, "the server has what the workflow names"
    assert f"the LoRA is for {found.family.title}; " in notes(found)[0]
    assert "--base-model" not in commands.fit(found)


def test_the_command_that_repeats_it_has_nothing_that_is_usual(plan):
    found = plan(*CASES["flux1"], weights="0.5")
    assert found.sweep.contents()["family"] == "flux1"
    text = repeat_command(None, found.sweep, None)
    assert "comfy_url" in text and "weights=0.5" in text
    for usual in ("base_model", "bench_workflow", "prompts", "probe"):
        assert usual not in text


def test_where_the_base_model_is_here_it_decides(plan):
    save_checkpoint(Path("models/checkpoints/a.safetensors"), "sdxl")
    found = plan(*CASES["sdxl"], base_model="models/checkpoints/a.safetensors")
    assert found.base_model == found.autoencoder == Path("models/checkpoints/a.safetensors")
    assert found.checkpoint_name == "a.safetensors"
    assert "family" not in found.sweep.contents()


def test_it_is_compared_with_a_base_model_that_renders_it_and_with_no_other(plan):
    save_checkpoint(Path("models/checkpoints/a.safetensors"), "sdxl")
    given = {"base_model": "models/checkpoints/a.safetensors"}
    assert "--base-model=models/checkpoints/a.safetensors" in commands.fit(
        plan(*CASES["sdxl"], **given)
    )
    other = plan(*CASES["sdxl"], **given, bench={"checkpoint": "b.safetensors"})
    assert "--base-model" not in commands.fit(other)


def test_a_tiny_autoencoder_is_read_but_not_by_programs_of_others(plan):
    path = save_checkpoint(Path("models/checkpoints/a.safetensors"), "sdxl")
    tensors = {k: v for k, v in load_file(path).items() if not k.startswith("first_stage_model.")}
    save_file({**tensors, "first_stage_model.taesd_decoder.1.weight": np.ones(1)}, path)
    given = {"base_model": str(path), "raw_set": "some_set"}
    assert plan(*CASES["sdxl"], **given).autoencoder == path
    assert plan(*CASES["sdxl"], **given, comfy_url="embedded")
    assert plan(**given, trainer="embedded")
    with pytest.raises(UserError, match=r"VAE is a tiny one .* or trainer=embedded"):
        plan(**given, trainer="kohya")


def test_a_family_that_is_not_known_needs_a_workflow(plan):
    with pytest.raises(UserError, match="bench_workflow: none is bundled for a model of another"):
        plan("some_new_model_blocks_0_attn")
    mine = "config/workflows/flux1_lora_bench.json"
    found = plan("some_new_model_blocks_0_attn", bench_workflow=mine)
    assert found.family is families.OTHER
    assert "of no family that is known here" in notes(found)[0]


def test_the_embedded_server_does_not_render_it(plan):
    with pytest.raises(UserError, match=r"comfy_url: .* the LoRA is for FLUX\.1.*; name a"):
        plan(*CASES["flux1"], comfy_url="embedded")
    with pytest.raises(
        UserError, match=r"lora: .* is for SD1\.x, .* give the checkpoint .*base_model="
    ):
        plan(*CASES["sd15"], comfy_url="embedded")
    plan("some_new_model_blocks_0_attn", comfy_url="embedded")  # its check names the layers


def test_a_workflow_or_a_base_model_of_another_family_is_refused(plan):
    mine = "config/workflows/illustrious_lora_bench.json"
    with pytest.raises(UserError, match=r"is for Anima, and config/.*illustrious.* renders SDXL"):
        plan(*CASES["anima"], bench_workflow=mine)
    assert plan(*CASES["sdxl"], bench_workflow=mine).family is SDXL
    save_checkpoint(Path("models/checkpoints/a.safetensors"), "sdxl")
    with pytest.raises(UserError, match=r"is for FLUX\.1.* renders SDXL"):
        plan(*CASES["flux1"], base_model="models/checkpoints/a.safetensors")


def test_several_of_other_families_are_refused_by_name(plan):
    for name in ("anima", "flux1", "sdxl"):
        save(f"{name}.safetensors", *CASES[name])
    several = ["flux1.safetensors", "anima.safetensors"]
    with pytest.raises(
        UserError, match=r"anima\.safetensors is for Anima; the others are for FLUX"
    ):
        plan(lora=several)
    mine = "config/workflows/illustrious_lora_bench.json"
    with pytest.raises(UserError, match=r"flux1\.\S+ is for FLUX\.1.*; anima.* renders SDXL"):
        plan(lora=several, bench_workflow=mine)
    with pytest.raises(UserError, match=r"the LoRA is for Anima and FLUX\.1.*; name a"):
        plan(lora=several, comfy_url="embedded")


def test_a_file_that_cannot_be_read_is_refused_where_it_is_read(plan):
    Path("bad.safetensors").write_bytes(b"bad")
    with pytest.raises(UserError, match=r"lora: bad\.safetensors: not a \.safetensors file"):
        plan(lora="bad.safetensors")


def test_the_training_pictures_are_taken_as_they_are(plan):
    found = plan(*CASES["flux1"], raw_set="some_set")
    assert any("the training pictures as they are" in one for one in notes(found))
    assert commands.base_model(found.autoencoder) == ""


@pytest.mark.parametrize(
    ("family", "benchmark"),
    [(family, one) for family in PUBLIC for one in family.benchmarks if one.workflow],
    ids=lambda one: getattr(one, "workflow", ""),
)
def test_a_bundled_workflow_brings_its_prompts(family, benchmark):
    preset = base_choice.preset(family, {"bench_workflow": benchmark.workflow, "comfy_url": URL})
    assert (preset["prompts"], preset["probe"]) == (benchmark.prompts, "quick")


def test_what_predicts_v_has_the_benchmark_for_it():
    preset = base_choice.preset(SDXL, {"comfy_url": URL}, "v_prediction")
    assert "noobai" in preset["bench_workflow"] and "noobai" in preset["prompts"]
    given = {"comfy_url": URL, "bench_workflow": SDXL.benchmarks[0].workflow}
    assert "sd_" in base_choice.preset(SDXL, given, "v_prediction")["prompts"]
