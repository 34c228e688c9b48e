import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from lorabench.base import checkpoint
from lorabench.errors import UserError

UNET = {"cross_attention_dim": 128, "in_channels": 8, "out_channels": 8}


def folder(path, unet=UNET, scheduler=None, weights=("unet", "vae", "text_encoder")):
    for part in ("unet", "vae", "text_encoder", "scheduler"):
        (path / part).mkdir(parents=True)
    for part in weights:
        (path / part / "model.safetensors").touch()
    (path / "model_index.json").write_text('{"_class_name": "StableDiffusionPipeline"}')
    (path / "unet" / "config.json").write_text(json.dumps(unet))
    (path / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler or {}))
    return path


def ldm(path, width=768, block=1, channels=4, extra=(), without=()):
    keys = {
        f"model.diffusion_model.input_blocks.{block}.1.transformer_blocks.0.attn2.to_k.weight": (
            (8, width)
        ),
        "model.diffusion_model.input_blocks.0.0.weight": (8, channels, 3, 3),
        "model.diffusion_model.out.2.weight": (4, 8, 3, 3),
        "first_stage_model.encoder.conv_in.weight": (1,),
        "cond_stage_model.transformer.text_model.final_layer_norm.weight": (1,),
        **dict.fromkeys(extra, (0,)),
    }
    tensors = {
        key: np.zeros(shape, np.float16)
        for key, shape in keys.items()
        if not key.startswith(without)
    }
    save_file(tensors, path)
    return path


@pytest.mark.parametrize(
    ("width", "family"), [(128, "bundled"), (96, "bundled"), (768, "sd15"), (2048, "sdxl")]
)
def test_the_cross_attention_of_a_folder_tells_its_family(tmp_path, width, family):
    found = checkpoint.inspect(folder(tmp_path, {**UNET, "cross_attention_dim": width}))
    assert (found.kind, found.family.name) == ("folder", family)
    assert found.prediction == "epsilon"


def test_the_scheduler_of_a_folder_tells_the_prediction(tmp_path):
    path = folder(tmp_path, scheduler={"prediction_type": "v_prediction"})
    assert checkpoint.inspect(path).prediction == "v_prediction"


@pytest.mark.parametrize(("width", "block", "family"), [(768, 1, "sd15"), (2048, 4, "sdxl")])
def test_the_cross_attention_of_a_file_tells_its_family(tmp_path, width, block, family):
    found = checkpoint.inspect(ldm(tmp_path / "m.safetensors", width, block))
    assert (found.kind, found.family.name) == ("file", family)
    assert found.prediction == "epsilon"


def test_a_mark_in_a_file_tells_v_prediction(tmp_path):
    path = ldm(tmp_path / "m.safetensors", extra=("v_pred",))
    assert checkpoint.inspect(path).prediction == "v_prediction"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p / "nothing", "no such file"),
        (lambda p: folder(p, {**UNET, "cross_attention_dim": 1024}), "1024 wide"),
        (lambda p: folder(p, {**UNET, "in_channels": 9}), "inpainting"),
        (lambda p: folder(p, weights=("unet", "vae")), "text_encoder/"),
        (lambda p: folder(p, scheduler={"prediction_type": "sample"}), "epsilon and v_prediction"),
        (lambda p: p, "model_index.json"),
        (lambda p: ldm(p / "m.safetensors", 1024), "1024 wide"),
        (lambda p: ldm(p / "m.safetensors", channels=9), "inpainting"),
        (lambda p: ldm(p / "m.safetensors", without=("first_stage",)), "no VAE"),
        (lambda p: ldm(p / "m.safetensors", without=("cond_stage",)), "no text encoder"),
        (lambda p: ldm(p / "m.safetensors", extra=("lora_unet_x.alpha",), without="model"), "LoRA"),
    ],
)
def test_what_is_no_such_checkpoint_is_refused_with_the_reason(tmp_path, make, message):
    with pytest.raises(UserError, match=message):
        checkpoint.inspect(make(tmp_path))


def test_a_flux_folder_is_refused_by_its_class(tmp_path):
    (tmp_path / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    with pytest.raises(UserError, match="FluxPipeline without a UNet"):
        checkpoint.inspect(tmp_path)


@pytest.mark.parametrize("cut", [4, 100, -1])
def test_a_file_cut_short_is_refused(tmp_path, cut):
    path = ldm(tmp_path / "m.safetensors")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UserError, match="not a whole"):
        checkpoint.inspect(path)


def test_a_pickle_is_refused(tmp_path):
    (tmp_path / "model.ckpt").write_bytes(b"x")
    with pytest.raises(UserError, match=r"pickled.*uv run python -c .*/model.safetensors"):
        checkpoint.inspect(tmp_path / "model.ckpt")
