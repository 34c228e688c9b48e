"""LoRAs of diffusion transformers, against files of these: layers, their slices, and names."""

import re

import pytest
from safetensors import safe_open

from lorabench.base import checkpoint
from lorabench.errors import UserError
from lorabench.lora import base_layers, fit
from lorabench.lora.install import install
from lorabench.lora.names import place
from tests.transformers import FAMILIES, facts, mapped, save_header, save_sizes, tensors

H = 128  # the width of the small FLUX.1, FLUX.2, SD3.5, HunyuanImage and Wan
FLUX_LORA = {
    "transformer.transformer_blocks.0.attn.to_q": (H, H),
    "transformer.transformer_blocks.0.attn.add_v_proj": (H, H),
    "transformer.single_transformer_blocks.0.proj_mlp": (4 * H, H),
    "lora_unet_double_blocks_0_img_mod_lin": (6 * H, H),
}


@pytest.fixture
def base(tmp_path):
    """Return a function that writes a small model of a family, and returns its file."""

    def save(name, prefix="", more=(), dtype="F16"):
        shapes = {prefix + key: shape for key, shape in tensors(name).items()} | dict(more)
        return save_header(tmp_path / f"{name}.safetensors", shapes, dtype)

    return save


@pytest.fixture
def lora(tmp_path):
    def save(sizes, metadata=None):
        return save_sizes(tmp_path / "lora.safetensors", sizes, metadata)

    return save


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model.", "net."])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_layer_and_slice_that_comfyui_maps_is_in_the_base(base, name, prefix):
    layers = base_layers.read(checkpoint.inspect(base(name, prefix)))
    shapes = facts(name)["layers"]
    for module, (layer, *rows) in mapped(facts(name)):
        part, found = place(module)
        whole = shapes[layer]
        inside = [max(0, min(rows[1], whole[0] - rows[0])), *whole[1:]] if rows else whole
        assert (part, list(layers.shape(part, found))) == ("transformer", inside), module


def test_a_norm_s_scale_in_a_file_is_the_weight_that_comfyui_has(tmp_path):
    shapes = {key.replace("_norm.weight", "_norm.scale"): s for key, s in tensors("flux1").items()}
    layers = base_layers.read(checkpoint.inspect(save_header(tmp_path / "a.safetensors", shapes)))
    assert layers.shape("transformer", "double_blocks_0_img_attn_norm_key_norm") == (H,)
    assert layers.shape("transformer", "transformer_blocks_0_attn_norm_k") == (H,)


def test_a_file_with_its_makers_names_has_comfyuis(tmp_path):
    theirs = (("_mlp.0.", "_mlp.fc1."), ("_mlp.2.", "_mlp.fc2."), ("_mod.lin.", "_mod.linear."))
    shapes = {}
    for key, shape in tensors("hunyuan_image").items():
        for own, other in theirs:
            key = key.replace(own, other)
        shapes[key] = shape
    layers = base_layers.read(checkpoint.inspect(save_header(tmp_path / "a.safetensors", shapes)))
    for layer in ("double_blocks_0_img_mlp_0", "double_blocks_0_img_mlp_fc1"):
        assert layers.shape("transformer", layer) == (4 * H, H)
    assert layers.shape("transformer", "double_blocks_0_txt_mod_linear") == (6 * H, H)


def test_a_lora_fits_its_model_and_its_parts_are_counted(base, lora, caplog):
    sizes = FLUX_LORA | {"lora_te1_text_model_encoder_layers_0_mlp_fc1": (3072, 768)}
    found = fit.check(lora(sizes), base("flux1"), "comfyui")
    assert found.modules == {"transformer": 4, "text_encoder": 1}
    assert str(found).startswith("5 modules (transformer 4, text encoder 1)")
    assert "modules (text encoder 1) were not compared" in caplog.text


def test_a_checkpoint_with_its_text_encoders_is_compared_with_these(base, lora):
    text = "text_model.encoder.layers.0.mlp.fc1"
    more = {f"text_encoders.clip_l.transformer.{text}.weight": (3072, 768),
            "text_encoders.t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q.weight":
            (4096, 4096)}  # fmt: skip
    file = base("sd3", "model.diffusion_model.", more)
    sizes = {
        "lora_te1_text_model_encoder_layers_0_mlp_fc1": (3072, 768),
        "lora_te3_encoder_block_0_layer_0_SelfAttention_q": (4096, 4096),
        "lora_unet_joint_blocks_0_x_block_attn_qkv": (3 * H, H),
    }
    found = fit.check(lora(sizes), file, "comfyui")
    assert found.modules == {"transformer": 1, "text_encoder": 1, "text_encoder_t5": 1}
    sizes["lora_te1_text_model_encoder_layers_0_mlp_fc1"] = (5120, 1280)
    with pytest.raises(UserError, match=r"1 of its 3 modules have another shape"):
        fit.check(lora(sizes), file, "comfyui")


def test_a_lora_of_another_family_is_refused_with_both_names(base, lora):
    said = (
        r"2 of its 4 modules are of layers .*, an SD3\.5 model\..* tensors are those of FLUX\.1\)"
    )
    with pytest.raises(UserError, match=said):
        fit.check(lora(FLUX_LORA), base("sd3"), "comfyui")


def test_a_modulation_that_the_model_lacks_is_refused(base, lora):
    sizes = {
        "lora_unet_double_blocks_0_img_attn_qkv": (9216, 3072),
        "lora_unet_double_blocks_0_img_mod_lin": (18432, 3072),
    }
    with pytest.raises(UserError, match=r"1 of its 2 modules .*img_mod_lin.*, a Chroma model"):
        fit.check(lora(sizes), base("chroma"), "comfyui")


def test_a_slice_of_another_width_is_refused(base, lora):
    sizes = FLUX_LORA | {"transformer.transformer_blocks.0.attn.to_q": (2 * H, H)}
    with pytest.raises(UserError, match=r"another shape .*to_q: 256 × 128 on \[128, 128\]"):
        fit.check(lora(sizes), base("flux1"), "embedded")


def test_two_names_of_one_slice_are_refused_and_two_slices_are_not(base, lora):
    sizes = FLUX_LORA | {"transformer.transformer_blocks.0.attn.to_k": (H, H)}
    assert fit.check(lora(sizes), base("flux1"), "comfyui")
    sizes |= {"lora_transformer_transformer_blocks_0_attn_to_k": (H, H)}
    for file in (base("flux1"), None):
        with pytest.raises(UserError, match="1 layer under two names"):
            fit.check(lora(sizes), file, "comfyui")


def test_packed_weights_are_compared_by_name_alone(base, lora):
    assert fit.check(lora(FLUX_LORA), base("flux1", dtype="U8"), "comfyui")


def test_thirds_that_are_none_are_refused_without_a_base(lora):
    sizes = {
        "diffusion_model.layers.0.attention.to_q": (2304, 2304),
        "diffusion_model.layers.0.attention.to_k": (768, 2304),
    }
    with pytest.raises(UserError, match=r"1 of its 2 modules .* part .*to_k: 768 × 2304"):
        fit.check(lora(sizes), server="comfyui")
    assert fit.check(lora(dict.fromkeys(sizes, (3840, 3840))), server="comfyui")


HALF_LOADED = {
    "musubi": (
        {
            "lora_unet_layers_0_attention_to_q": (3840, 3840),
            "lora_unet_layers_0_attention_to_out_0": (3840, 3840),
            "lora_unet_layers_0_feed_forward_w1": (10240, 3840),
        },
        2,
        {
            "diffusion_model.layers.0.attention.to_q",
            "lora_unet_layers_0_attention_out",
            "lora_unet_layers_0_feed_forward_w1",
        },
        "musubi-tuner's networks/convert_lora.py --target other",
    ),
    "sd-scripts": (
        {
            "lora_unet_double_blocks_0_img_mlp_fc1": (14336, 3584),
            "lora_unet_single_blocks_0_modulation_linear": (10752, 3584),
            "lora_unet_double_blocks_0_img_attn_qkv": (10752, 3584),
        },
        2,
        {
            "lora_unet_double_blocks_0_img_mlp_0",
            "lora_unet_single_blocks_0_modulation_lin",
            "lora_unet_double_blocks_0_img_attn_qkv",
        },
        "sd-scripts' networks/convert_hunyuan_image_lora_to_comfy.py",
    ),
}


@pytest.mark.parametrize("trainer", HALF_LOADED)
def test_half_a_lora_is_whole_in_the_installed_copy_and_said(lora, tmp_path, caplog, trainer):
    sizes, lost, names, converter = HALF_LOADED[trainer]
    path = lora(sizes)
    with caplog.at_level("INFO"):
        target = install(path, tmp_path / "loras", tmp_path / "r.json", None, "comfyui")
    said = rf"may not load {lost} of its 3 modules by name .*{re.escape(converter)}"
    assert re.search(said, caplog.text)
    with safe_open(target, "numpy") as opened:
        assert {key.partition(".lora_")[0] for key in opened.keys()} == names  # noqa: SIM118
    before = target.stat().st_mtime_ns
    install(path, tmp_path / "loras", tmp_path / "r.json", None, "comfyui")
    assert target.stat().st_mtime_ns == before
