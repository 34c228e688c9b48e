import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from lorabench.base import checkpoint, families
from lorabench.errors import UserError

UNET = {"cross_attention_dim": 128, "in_channels": 8, "out_channels": 8}


PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")
SDXL = {"width": 2048, "block": 4}


def folder(path, unet=UNET, scheduler=None, weights=PARTS):
    for part in (*PARTS, "scheduler"):
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
        **(
            {"cond_stage_model.transformer.text_model.final_layer_norm.weight": (1,)}
            if block == 1
            else {
                "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight": (1,),
                "conditioner.embedders.1.model.ln_final.weight": (1,),
            }
        ),
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


@pytest.mark.parametrize(
    ("marks", "prediction", "zero_snr"),
    [
        ((), "epsilon", False),
        (("ztsnr",), "epsilon", False),
        (("v_pred",), "v_prediction", False),
        (("v_pred", "ztsnr"), "v_prediction", True),
        (("edm_vpred.sigma_max", "v_pred", "ztsnr"), "EDM", False),
        (("edm_mean", "edm_std", "v_pred"), "EDM", False),
        (("edm_mean", "v_pred"), "v_prediction", False),
    ],
)
def test_the_marks_of_an_sdxl_file_are_read_in_comfyuis_order(
    tmp_path, marks, prediction, zero_snr
):
    found = checkpoint.inspect(ldm(tmp_path / "m.safetensors", **SDXL, extra=marks))
    assert (found.prediction, found.zero_snr) == (prediction, zero_snr)


def test_marks_and_metadata_of_an_sd15_file_say_nothing_as_in_comfyui(tmp_path):
    path = ldm(tmp_path / "m.safetensors", extra=("v_pred", "ztsnr"))
    save_file(load_file(path), path, {"modelspec.prediction_type": "v"})
    found = checkpoint.inspect(path)
    assert (found.prediction, found.zero_snr) == ("epsilon", False)


def test_a_narrow_sdxl_is_known_by_its_second_encoder_or_by_what_its_unet_is_told(tmp_path):
    file = checkpoint.inspect(ldm(tmp_path / "m.safetensors", width=160, block=4))
    told = {**UNET, "addition_embed_type": "text_time"}
    assert file.family is checkpoint.inspect(folder(tmp_path / "m", told)).family is families.SDXL


def test_a_folder_may_end_without_signal(tmp_path):
    scheduler = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
    assert checkpoint.inspect(folder(tmp_path, scheduler=scheduler)).zero_snr


def test_an_edm_model_is_known_and_no_trainer_takes_it(tmp_path):
    path = folder(tmp_path, scheduler={"_class_name": "EDMDPMSolverMultistepScheduler"})
    found = checkpoint.inspect(path)
    with pytest.raises(UserError, match="EDM model"):
        checkpoint.check_run(found)


@pytest.mark.parametrize("sizes", [{}, SDXL])
def test_a_tiny_autoencoder_in_a_file_is_known(tmp_path, sizes):
    extra = ("first_stage_model.taesd_decoder.1.weight", "first_stage_model.vae_scale")
    path = ldm(tmp_path / "m.safetensors", **sizes, extra=extra, without="first_stage_model.enc")
    found = checkpoint.inspect(path)
    assert found.tiny_vae
    checkpoint.check_run(found)
    assert not checkpoint.inspect(ldm(tmp_path / "other.safetensors", **sizes)).tiny_vae


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p / "nothing", "no such file"),
        (lambda p: folder(p, {**UNET, "cross_attention_dim": 1024}), "1024 wide"),
        (lambda p: folder(p, {**UNET, "in_channels": 9}), "inpainting"),
        (lambda p: folder(p, weights=("unet", "vae")), "text_encoder/"),
        (lambda p: folder(p, scheduler={"prediction_type": "sample"}), "epsilon and v_prediction"),
        (lambda p: folder(p, scheduler={"_class_name": "FlowMatchEulerDiscreteScheduler"}), "flow"),
        (
            lambda p: folder(p, {**UNET, "cross_attention_dim": 2048}, weights=PARTS[:3]),
            "text_encoder_2/",
        ),
        (lambda p: p, "model_index.json"),
        (lambda p: ldm(p / "m.safetensors", 1024), "1024 wide"),
        (lambda p: ldm(p / "m.safetensors", 1280, 4, without=("conditioner.",)), "SDXL refiner"),
        (lambda p: ldm(p / "m.safetensors", channels=9), "inpainting"),
        (lambda p: ldm(p / "m.safetensors", **SDXL, channels=9), "inpainting"),
        (lambda p: ldm(p / "m.safetensors", **SDXL, without="conditioner"), "no text encoder"),
        (lambda p: ldm(p / "m.safetensors", without=("first_stage",)), "no VAE"),
        (lambda p: ldm(p / "m.safetensors", without=("cond_stage",)), "no text encoder"),
        (lambda p: ldm(p / "m.safetensors", extra=("lora_unet_x.alpha",), without="model"), "LoRA"),
    ],
)
def test_what_is_no_such_checkpoint_is_refused_with_the_reason(tmp_path, make, message):
    with pytest.raises(UserError, match=message):
        checkpoint.inspect(make(tmp_path))


def test_a_stable_cascade_is_refused_by_name(tmp_path):
    names = ("clf.1.weight", "clip_txt_mapper.weight")
    tensors = {f"model.diffusion_model.{name}": np.zeros((4, 4)) for name in names}
    save_file(tensors, tmp_path / "c.safetensors")
    with pytest.raises(UserError, match="Stable Cascade"):
        checkpoint.inspect(tmp_path / "c.safetensors")


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


def test_the_nearest_in_its_folder_is_named(tmp_path):
    for name in ("flux1-dev.safetensors", "flux1-dev.txt", "flux1-dev_v2/model_index.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    said = r"there is no such file or folder; nearest there: flux1-dev\.safetensors, flux1-dev_v2;"
    with pytest.raises(UserError, match=said):
        checkpoint.inspect(tmp_path / "flux1dev.safetensors")


def test_a_pickle_is_refused(tmp_path):
    (tmp_path / "model.ckpt").write_bytes(b"x")
    with pytest.raises(UserError, match=r"pickled.*uv run python -c .*/model.safetensors"):
        checkpoint.inspect(tmp_path / "model.ckpt")
