"""What a LoRA file holds, and whether it fits a base model, from the files alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from benchmarks.known_answers.change import CHANGES, scaled
from lorabench.base import checkpoint, header
from lorabench.errors import UserError
from lorabench.lora import base_layers, fit
from lorabench.lora import file as lora_file
from lorabench.lora.modules import describe
from lorabench.lora.names import comfys, place

BUNDLED = Path(__file__).parents[3] / "models" / "checkpoints" / "drawnworld"
SCRIPTS = Path(__file__).parents[3] / "scripts"


def write(path, tensors, metadata=None):
    save_file({key: np.ascontiguousarray(array) for key, array in tensors.items()}, path, metadata)
    return path


def lora_for(base, layers=None, rank=2, alpha=1.0, name="lora_unet_{}", suffixes=None):
    """Return tensors of a LoRA on layers of a part of a base model, in its own naming."""
    random = np.random.default_rng(0)
    down, up = suffixes or (lora_file.DOWN, lora_file.UP)
    tensors = {}
    for layer, shape in base.items():
        if len(shape) < 2 or (layers and layer not in layers):
            continue
        module = name.format(layer)
        tensors[module + down] = random.normal(size=(rank, *shape[1:])).astype(np.float32)
        ones = (1,) * (len(shape) - 2)
        tensors[module + up] = random.normal(size=(shape[0], rank, *ones)).astype(np.float32)
        if alpha is not None:
            tensors[module + lora_file.ALPHA] = np.array(alpha, np.float32)
    return tensors


def some(base, number=6):
    """Return the first layers of a part that are matrices or convolutions."""
    return dict([item for item in base.items() if len(item[1]) > 1][:number])


def attention(base):
    """Return three layers of the text encoder."""
    return some({k: s for k, s in base.parts["text_encoder"].items() if "self_attn" in k}, 3)


def modules(tensors):
    return describe({key: array.shape for key, array in tensors.items()}).modules


@pytest.fixture(scope="module")
def bundled():
    return base_layers.read(checkpoint.inspect(BUNDLED))


@pytest.fixture
def good(bundled):
    return {
        **lora_for(some(bundled.parts["unet"])),
        **lora_for(attention(bundled), name="lora_te_text_model_{}"),
    }


def test_a_good_one_is_described(tmp_path, good):
    facts = fit.check(write(tmp_path / "a.safetensors", good), BUNDLED)
    assert facts.modules == {"unet": 6, "text_encoder": 3}
    assert (facts.rank, facts.alpha, facts.base_model) == (2, 1.0, "drawnworld")
    assert facts.scale == fit.Spread(0.5, 0.5, 0.5)
    assert "9 modules (UNet 6, text encoder 3), rank 2, alpha 1, scale 0.5" in str(facts)
    assert str(facts).endswith("they fit drawnworld")


@pytest.mark.parametrize("tucker", [False, True])
def test_the_norm_is_that_of_the_whole_product(tucker):
    random = np.random.default_rng(1)
    down, up = random.normal(size=(3, 5, 1, 1)), random.normal(size=(7, 4 if tucker else 3, 1, 1))
    tensors = {"m.lora_down.weight": down, "m.lora_up.weight": up, "m.alpha": np.array(6.0)}
    whole = up[..., 0, 0]
    if tucker:
        tensors["m.lora_mid.weight"] = random.normal(size=(4, 3, 3, 3))
        whole = np.einsum("oa,abxy->obxy", whole, tensors["m.lora_mid.weight"])
    else:
        whole = whole[..., None, None]
    whole = np.einsum("obxy,bi->oixy", whole, down[..., 0, 0]) * 6 / 3
    (module,) = modules(tensors)
    assert fit.norm(module, tensors) == pytest.approx(np.linalg.norm(whole), rel=1e-5)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_the_norm_of_very_small_and_very_large_numbers_is_finite_and_right(size):
    tensors = {
        "m.lora_down.weight": np.full((1, 4), size, np.float32),
        "m.lora_up.weight": np.full((4, 1), 1, np.float32),
    }
    (module,) = modules(tensors)
    assert fit.norm(module, tensors) == pytest.approx(4 * size)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("foreign", r"9 of its 9 modules are of layers .* 0 of 9 modules fit"),
        ("half-foreign", r"5 of its 9 modules .*first: lora_transformer_.*; 4 of 9 modules fit"),
        ("shapes", r"9 of its 9 modules have another shape .*first: \S+: \d+ × \d+ on \["),
        ("no-up", "every up weight is zero"),
        ("no-alpha", "modules are switched off by an alpha of 0; alpha should be above 0"),
        ("nan", "NaN"),
    ],
)
def test_what_cannot_work_is_refused_with_its_reason(tmp_path, bundled, change, message):
    matrices = {k: s for k, s in bundled.parts["unet"].items() if len(s) == 2}
    tensors = {
        **lora_for(some(matrices)),
        **lora_for(attention(bundled), name="lora_te_text_model_{}"),
    }
    path = write(tmp_path / "a.safetensors", CHANGES[change](tensors))
    with pytest.raises(UserError, match=message):
        fit.check(path, BUNDLED)


def test_where_the_downs_are_zero_the_product_is(tmp_path, good):
    tensors = {k: np.zeros_like(a) if "lora_down" in k else a for k, a in good.items()}
    with pytest.raises(UserError, match="updates of all 9 modules are zero"):
        fit.check(write(tmp_path / "a.safetensors", tensors))


def test_a_vanishing_one_is_told_and_not_refused(tmp_path, good, caplog):
    fit.check(write(tmp_path / "a.safetensors", good))
    assert not caplog.records
    facts = fit.check(write(tmp_path / "b.safetensors", scaled(good, 1e-9)), BUNDLED)
    assert facts.norm.highest > 0
    assert "too little to be seen" in caplog.text


def test_of_which_base_it_is_comes_from_its_metadata(tmp_path, bundled):
    foreign = CHANGES["foreign"](lora_for(some(bundled.parts["unet"])))
    path = write(tmp_path / "a.safetensors", foreign, {"ss_base_model_version": "sdxl_base_v1-0"})
    with pytest.raises(UserError, match="its metadata say: sdxl_base_v1-0"):
        fit.check(path, BUNDLED)


def dotted(layers, folder):
    """Return the names with dots as a checkpoint has them."""
    names = {}
    for file in folder.glob("*.safetensors"):
        for key in header.read(file)[0]:
            names[key.removesuffix(".weight").replace(".", "_")] = key.removesuffix(".weight")
    return {names[layer]: shape for layer, shape in layers.items()}


@pytest.mark.parametrize(
    ("name", "suffixes"),
    [
        ("unet.{}", (".lora_A.weight", ".lora_B.weight")),
        ("{}", (".lora.down.weight", ".lora.up.weight")),
        ("diffusion_model.{}", (".lora_A.default.weight", ".lora_B.default.weight")),
    ],
)
def test_other_makers_names_are_no_reason_to_refuse(tmp_path, bundled, name, suffixes):
    inner = {k: s for k, s in bundled.parts["unet"].items() if "attn" in k}
    layers = dotted(some(inner), BUNDLED / "unet")
    tensors = lora_for(layers, alpha=None, name=name, suffixes=suffixes)
    facts = fit.check(write(tmp_path / "a.safetensors", tensors), BUNDLED)
    assert facts.modules == {"unet": 6} and facts.scale.median == 1


def test_the_names_of_attention_processors_are_understood():
    part, layer = place("unet.down_blocks.0.attentions.0.attn1.processor.to_out")
    assert (part, layer) == ("unet", "down_blocks_0_attentions_0_attn1_to_out_0")


@pytest.mark.parametrize(
    ("name", "part", "layer"),
    [
        ("diffusion_model.input_blocks.0.0", "unet", "input_blocks_0_0"),
        ("unet.base_model.model.mid_block.resnets.0.conv1", "unet", "mid_block_resnets_0_conv1"),
        ("lycoris_up_blocks_1_resnets_0_conv1", "unet", "up_blocks_1_resnets_0_conv1"),
        ("conv_in", "unet", "conv_in"),
        ("lora_te1_text_model_final_layer_norm", "text_encoder", "final_layer_norm"),
        (
            "clip_g.text_model.encoder.layers.1.mlp.fc1",
            "text_encoder_2",
            "encoder_layers_1_mlp_fc1",
        ),
        (
            "text_encoder.text_model.encoder.layers.0.self_attn.to_out",
            "text_encoder",
            "encoder_layers_0_self_attn_out_proj",
        ),
        ("middle_block.0.in_layers.2", "unet", "middle_block_0_in_layers_2"),
        ("transformer.single_transformer_blocks.0.attn.to_q", "transformer", None),
    ],
)
def test_the_naming_schemes_of_makers_are_known(name, part, layer):
    found = place(name)
    assert found[0] == part and (layer is None or found[1] == layer)


@pytest.mark.parametrize(
    ("name", "renamed"),
    [
        ("unet.down_blocks.0.attentions.1.proj_in", "lora_unet_down_blocks_0_attentions_1_proj_in"),
        ("mid_block.attentions.0.attn1.to_out", "lora_unet_mid_block_attentions_0_attn1_to_out_0"),
        ("base_model.model.conv_in", "lora_unet_conv_in"),
        (
            "text_encoder_2.text_model.encoder.layers.0.mlp.fc1",
            "lora_te2_text_model_encoder_layers_0_mlp_fc1",
        ),
        (
            "text_encoder_2.encoder.block.0.layer.0.SelfAttention.q",
            "text_encoders.t5xxl.transformer.encoder.block.0.layer.0.SelfAttention.q",
        ),
        ("unet.base_model.model.transformer_blocks.0.attn1.to_q", None),  # PixArt
        ("transformer.transformer_blocks.0.attn.to_q", None),
        ("diffusion_model.input_blocks.0.0", None),
        (
            "diffusion_model.down_blocks.0.resnets.0.conv1",
            "lora_unet_down_blocks_0_resnets_0_conv1",
        ),
        ("input_blocks.4.1.proj_in", "lora_unet_input_blocks_4_1_proj_in"),
        (
            "base_model.model.text_model.encoder.layers.0.mlp.fc1",
            "lora_te1_text_model_encoder_layers_0_mlp_fc1",
        ),
        (
            "lycoris_text_model_encoder_layers_0_mlp_fc1",
            "lora_te1_text_model_encoder_layers_0_mlp_fc1",
        ),
        ("lora_te_encoder_layers_0_mlp_fc1", "lora_te1_text_model_encoder_layers_0_mlp_fc1"),
        ("text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1", None),
        ("lycoris_mid_block_resnets_0_conv1", None),
        ("lora_te2_text_model_encoder_layers_0_mlp_fc1", None),
        ("lora_unet_conv_in", None),
    ],
)
def test_only_what_comfyui_does_not_know_gets_kohyas_names(name, renamed):
    assert comfys(name) == renamed
    assert not renamed or place(renamed) == place(name)


def test_a_locon_with_convolutions_fits(tmp_path, bundled):
    convolutions = {k: s for k, s in bundled.parts["unet"].items() if s[2:] == (3, 3)}
    tensors = lora_for(some(convolutions))
    plain = fit.check(write(tmp_path / "a.safetensors", tensors), BUNDLED)
    for key in [key for key in tensors if "lora_down" in key]:
        tensors[key.replace("lora_down", "lora_mid")] = np.ones((2, 2, 3, 3), np.float32)
        tensors[key] = tensors[key][..., :1, :1]
    tucker = fit.check(write(tmp_path / "b.safetensors", tensors), BUNDLED)
    assert plain.modules == tucker.modules == {"unet": 6}


def other_kind(kind, shape):
    """Return tensors by suffix of a module of another kind, on a linear layer of that shape."""
    out, inner = shape
    ones = lambda *size: np.ones(size, np.float32)  # noqa: E731
    return {
        "LoHa": {
            "hada_w1_a": ones(out, 2),
            "hada_w1_b": ones(2, inner),
            "hada_w2_a": ones(out, 2),
            "hada_w2_b": ones(2, inner),
        },
        "LoKr": {"lokr_w1": ones(4, 4), "lokr_w2": ones(out // 4, inner // 4)},
        "GLoRA": {
            "a1.weight": ones(inner, 2),
            "a2.weight": ones(2, inner),
            "b1.weight": ones(out, 2),
            "b2.weight": ones(2, inner),
        },
        "DoRA": {
            "lora_up.weight": ones(out, 2),
            "lora_down.weight": ones(2, inner),
            "dora_scale": ones(1, inner),
        },
        "full difference": {"diff": ones(out, inner)},
        "OFT": {"oft_blocks": ones(4, out // 4, out // 4)},
        "BOFT": {"oft_blocks": ones(2, 4, out // 4, out // 4)},
        "IA3": {"weight": ones(out, 1), "on_input": ones()},
    }[kind]


@pytest.mark.parametrize("kind", ["LoHa", "LoKr", "GLoRA", "DoRA", "full difference"])
def test_other_kinds_are_named_and_compared_as_well(tmp_path, bundled, kind):
    layer, shape = next(item for item in bundled.parts["unet"].items() if len(item[1]) == 2)
    for size, fits in ((shape, True), ((shape[0] * 2, shape[1] * 2), False)):
        tensors = {f"lora_unet_{layer}.{k}": v for k, v in other_kind(kind, size).items()}
        path = write(tmp_path / "a.safetensors", tensors)
        if fits:
            facts = fit.check(path, BUNDLED)
            assert (facts.modules, facts.forms) == ({"unet": 1}, {kind: 1})
            assert f"{kind} 1" in str(facts)
        else:
            with pytest.raises(UserError, match=r"1 of its 1 modules have another shape"):
                fit.check(path, BUNDLED)
    tensors = {key.replace(layer, "nowhere"): array for key, array in tensors.items()}
    with pytest.raises(UserError, match="1 of its 1 modules are of layers"):
        fit.check(write(tmp_path / "b.safetensors", tensors), BUNDLED)


@pytest.mark.parametrize("kind", ["OFT", "BOFT", "IA3"])
def test_what_the_embedded_server_does_not_apply_is_refused_by_name(tmp_path, bundled, kind):
    layer, shape = next(item for item in bundled.parts["unet"].items() if len(item[1]) == 2)
    tensors = {f"lora_unet_{layer}.{k}": v for k, v in other_kind(kind, shape).items()}
    path = write(tmp_path / "a.safetensors", tensors)
    said = f"the embedded server does not apply {kind}.{' Bench it on' * (kind != 'IA3')}"
    with pytest.raises(UserError, match=said):
        fit.check(path, BUNDLED, "embedded")
    if kind == "IA3":
        with pytest.raises(UserError, match="ComfyUI does not apply IA3"):
            fit.check(path, None, "comfyui")
    else:
        assert fit.check(path, None, "comfyui").forms == {kind: 1}


@pytest.mark.parametrize(
    ("suffix", "what"),
    [
        (".lora_magnitude_vector", "the magnitudes of a DoRA as PEFT writes it"),
        (".lora_E", "the singular values of an AdaLoRA"),
        (".new_scale", "they are of no known kind"),
    ],
)
def test_what_no_server_knows_is_refused_by_name(tmp_path, good, suffix, what):
    name = next(iter(good)).partition(".")[0]
    tensors = {**good, name + suffix: np.ones(2, np.float32)}
    path = write(tmp_path / "a.safetensors", tensors)
    with pytest.raises(UserError, match=what):
        fit.check(path, BUNDLED)
    if "no known kind" in what:  # a ComfyUI may know it, and its log says so if not
        fit.check(path, BUNDLED, "comfyui")
    else:
        with pytest.raises(UserError, match=f"ComfyUI does not apply 1 of .*{what}"):
            fit.check(path, BUNDLED, "comfyui")


def test_tensors_of_no_layer_are_told_and_left_out(tmp_path, good, caplog):
    extra = {"bundle_emb.tok.string_to_param.*": np.ones((2, 8)), "step": np.array(100)}
    facts = fit.check(write(tmp_path / "a.safetensors", {**good, **extra}), BUNDLED)
    assert facts.modules == {"unet": 6, "text_encoder": 3}
    assert "embedding tok" in caplog.text and "it has 1 tensor of no layer" in caplog.text


def test_an_alpha_without_matrices_is_told_and_no_reason_to_refuse(tmp_path, good, caplog):
    extra = {"lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha": np.array(4.0, np.float32)}
    facts = fit.check(write(tmp_path / "a.safetensors", {**good, **extra}), BUNDLED)
    assert facts.modules == {"unet": 6, "text_encoder": 3}
    assert "it has 1 tensor of no layer" in caplog.text


def test_what_no_comfyui_loads_of_a_text_encoder_is_told_and_left_out(tmp_path, good, caplog):
    norm = "lora_te_text_model_encoder_layers_0_layer_norm1"
    tensors = {f"{norm}.{end}": np.ones(128, np.float32) for end in ("w_norm", "b_norm")}
    facts = fit.check(write(tmp_path / "a.safetensors", {**good, **tensors}), BUNDLED)
    assert facts.modules == {"unet": 6, "text_encoder": 3}
    assert "it has 2 tensors of layers of a text encoder that no ComfyUI changes" in caplog.text
    with pytest.raises(UserError, match="no ComfyUI changes their layers"):
        fit.check(write(tmp_path / "b.safetensors", tensors), BUNDLED)
    generic = norm.replace("lora_te_text_model_", "text_encoders.clip_l.transformer.text_model.")
    tensors = {key.replace(norm, generic): array for key, array in tensors.items()}
    assert fit.check(write(tmp_path / "c.safetensors", tensors), BUNDLED).modules == {
        "text_encoder": 1
    }


def test_of_two_kinds_on_a_layer_the_one_counts_that_comfyui_applies(good):
    layer = next(iter(good)).partition(".")[0]
    both = {**good, f"{layer}.diff": np.ones((2, 2)), f"{layer}.diff_b": np.ones(2)}
    assert next(m for m in modules(both) if m.name == layer).kind == "full difference"
    bias = {**good, f"{layer}.diff_b": np.ones(2)}
    assert next(m for m in modules(bias) if m.name == layer).kind == "LoRA"


def test_dora_scales_and_biases_have_to_fit_too(tmp_path, bundled):
    layer, shape = next(item for item in bundled.parts["unet"].items() if len(item[1]) == 2)
    dora = other_kind("DoRA", shape) | {"dora_scale": np.ones((1, 3), np.float32)}
    norm = {"w_norm": np.ones(64, np.float32), "b_norm": np.ones(63, np.float32)}
    flat = other_kind("DoRA", shape) | {"dora_scale": np.ones(shape[1], np.float32)}
    point = next(k for k, s in bundled.parts["unet"].items() if s[2:] == (1, 1))
    matrix = {"diff": np.ones(bundled.parts["unet"][point][:2], np.float32)}
    for name, module in (
        (layer, dora),
        (layer, flat),
        (point, matrix),
        ("conv_norm_out", norm),
    ):
        tensors = {f"lora_unet_{name}.{suffix}": array for suffix, array in module.items()}
        with pytest.raises(UserError, match="have another shape"):
            fit.check(write(tmp_path / "a.safetensors", tensors), BUNDLED)


def test_no_lora_at_all_is_said(tmp_path):
    path = write(tmp_path / "a.safetensors", {"some.weight": np.ones((2, 2), np.float32)})
    with pytest.raises(UserError, match="not a LoRA"):
        fit.check(path)


def test_a_layer_under_two_names_is_said(tmp_path, good):
    first = next(iter(good)).split(".")[0]
    layer = first.removeprefix("lora_unet_")
    twice = {
        f"unet.{layer}.lora_A.weight": good[f"{first}.lora_down.weight"],
        f"unet.{layer}.lora_B.weight": good[f"{first}.lora_up.weight"],
    }
    path = write(tmp_path / "a.safetensors", {**good, **twice})
    with pytest.raises(
        UserError, match=f"1 layer under two names .first: {first} and unet.{layer}"
    ):
        fit.check(path, BUNDLED)


@pytest.mark.parametrize("without", ["lora_down", "lora_up"])
def test_half_a_module_is_said(tmp_path, good, without):
    key = next(key for key in good if without in key)
    tensors = {name: array for name, array in good.items() if name != key}
    with pytest.raises(UserError, match="incomplete"):
        fit.check(write(tmp_path / "a.safetensors", tensors))


def sdxl_file(path, text_encoder_2=True):
    """Write a file with some layers of SDXL under their original names, and return their shapes."""
    unet = {
        "input_blocks.0.0": (320, 4, 3, 3),
        "input_blocks.3.0.op": (8, 8, 3, 3),
        "input_blocks.4.0.in_layers.2": (8, 8, 3, 3),
        "input_blocks.4.1.proj_in": (8, 8),
        "input_blocks.4.1.transformer_blocks.0.attn2.to_k": (8, 2048),
        "input_blocks.8.1.transformer_blocks.9.ff.net.2": (8, 32),
        "middle_block.1.transformer_blocks.0.attn1.to_q": (8, 8),
        "middle_block.1.transformer_blocks.0.attn1.to_out.0": (8, 8),
        "output_blocks.2.2.conv": (8, 8, 3, 3),
        "output_blocks.3.1.proj_out": (8, 8),
        "out.2": (4, 320, 3, 3),
    }
    tensors = {f"model.diffusion_model.{layer}.weight": shape for layer, shape in unet.items()}
    tensors["first_stage_model.x.weight"] = (1, 1)
    clip = "conditioner.embedders.0.transformer.text_model.encoder.layers.3"
    tensors[f"{clip}.mlp.fc1.weight"] = (16, 8)
    if text_encoder_2:
        block = "conditioner.embedders.1.model.transformer.resblocks.5"
        tensors[f"{block}.attn.in_proj_weight"] = (24, 8)
        tensors[f"{block}.mlp.c_fc.weight"] = (16, 8)
    return write(path, {key: np.zeros(shape, np.float16) for key, shape in tensors.items()})


SDXL_LAYERS = {
    "lora_unet_input_blocks_4_1_proj_in": (8, 8),
    "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k": (8, 2048),
    "lora_unet_down_blocks_2_attentions_1_transformer_blocks_9_ff_net_2": (8, 32),
    "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0": (8, 8),
    "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q": (8, 8),
    "lora_unet_up_blocks_0_upsamplers_0_conv": (8, 8, 3, 3),
    "lora_unet_up_blocks_1_attentions_0_proj_out": (8, 8),
    "lora_te1_text_model_encoder_layers_3_mlp_fc1": (16, 8),
    "lora_te2_text_model_encoder_layers_5_self_attn_q_proj": (8, 8),
    "lora_te2_text_model_encoder_layers_5_mlp_fc1": (16, 8),
}


def test_both_namings_of_sdxl_are_known(tmp_path):
    base = sdxl_file(tmp_path / "xl.safetensors")
    path = write(tmp_path / "a.safetensors", lora_for(SDXL_LAYERS, name="{}"))
    facts = fit.check(path, base)
    assert facts.modules == {"unet": 7, "text_encoder": 1, "text_encoder_2": 2}


CLIPS = ("text_model.encoder.layers.3.mlp.fc1", "text_model.encoder.layers.5.self_attn.q_proj")


@pytest.mark.parametrize(
    ("proj_in", "clip", "clip_2"),
    [
        # diffusers, OneTrainer's older and newer formats, PEFT's own, and ComfyUI's
        ("unet.down_blocks.1.attentions.0.proj_in", "text_encoder.", "text_encoder_2."),
        ("lora_unet_down_blocks_1_attentions_0_proj_in", "lora_te1_", "lora_te2_"),
        ("lora_unet_input_blocks_4_1_proj_in", "clip_l.", "clip_g."),
        (
            "unet.base_model.model.down_blocks.1.attentions.0.proj_in",
            "text_encoder.base_model.model.",
            "text_encoder_2.base_model.model.",
        ),
        (
            "diffusion_model.input_blocks.4.1.proj_in",
            "text_encoders.clip_l.transformer.",
            "text_encoders.clip_g.transformer.",
        ),
    ],
)
def test_makers_names_for_sdxl_are_known(tmp_path, proj_in, clip, clip_2):
    base = sdxl_file(tmp_path / "xl.safetensors")
    clips = [name.replace(".", "_") if clip == "lora_te1_" else name for name in CLIPS]
    layers = {proj_in: (8, 8), clip + clips[0]: (16, 8), clip_2 + clips[1]: (8, 8)}
    path = write(tmp_path / "a.safetensors", lora_for(layers, name="{}"))
    facts = fit.check(path, base, "comfyui")
    assert facts.modules == {"unet": 1, "text_encoder": 1, "text_encoder_2": 1}


def test_a_lora_of_sdxl_does_not_fit_the_bundled_base(tmp_path):
    path = write(tmp_path / "a.safetensors", lora_for(SDXL_LAYERS, name="{}"))
    with pytest.raises(UserError, match=r"of its 10 modules are of layers .* those of SDXL\)"):
        fit.check(path, BUNDLED)


def test_a_lora_of_flux_is_called_one(tmp_path):
    module = "transformer.single_transformer_blocks.0.attn.to_q"
    tensors = {
        f"{module}.lora_A.weight": np.ones((2, 8)),
        f"{module}.lora_B.weight": np.ones((8, 2)),
    }
    with pytest.raises(
        UserError,
        match=r"its tensors are those of FLUX.* does not run it: name a ComfyUI with comfy_url=",
    ):
        fit.check(write(tmp_path / "a.safetensors", tensors), BUNDLED)


def test_each_module_may_have_a_rank_of_its_own(tmp_path, bundled):
    layers = some(bundled.parts["unet"], 4)
    tensors = {}
    for rank, layer in enumerate(layers, 1):
        tensors |= lora_for({layer: layers[layer]}, rank=rank, alpha=float(rank))
    path = write(tmp_path / "a.safetensors", tensors, {"ss_network_dim": "Dynamic"})
    facts = fit.check(path, BUNDLED)
    assert facts.modules == {"unet": 4} and facts.scale == fit.Spread(1, 1, 1)


def test_what_of_the_base_cannot_be_read_is_not_compared_and_said(tmp_path, caplog):
    base = sdxl_file(tmp_path / "xl.safetensors", text_encoder_2=False)
    path = write(tmp_path / "a.safetensors", lora_for(SDXL_LAYERS, name="{}"))
    assert fit.check(path, base).base_model == "xl.safetensors"
    assert "(text encoder 2 2) were not compared" in caplog.text


def test_a_base_of_another_architecture_is_not_compared_and_said(tmp_path, good, caplog):
    base = write(tmp_path / "flux.safetensors", {"double_blocks.0.x": np.ones(1, np.float32)})
    facts = fit.check(write(tmp_path / "a.safetensors", good), base)
    assert facts.base_model is None
    assert "not compared" in caplog.text and "flux.safetensors" in caplog.text


def test_a_base_that_is_not_there_is_an_error(tmp_path, good):
    path = write(tmp_path / "a.safetensors", good)
    with pytest.raises(UserError, match="--base-model"):
        fit.check(path, tmp_path / "no.safetensors")


def test_an_original_file_and_a_diffusers_folder_have_the_same_layers(tmp_path, monkeypatch):
    from tests.checkpoints import save_micro_file

    file = save_micro_file(tmp_path / "ldm.safetensors", tmp_path / "folder")
    of_file = base_layers.read(checkpoint.inspect(file))
    of_folder = base_layers.read(checkpoint.inspect(tmp_path / "folder"))
    assert of_file == of_folder and of_file.depth == 2
    assert len(of_file.parts["unet"]) > 300


def test_it_imports_no_torch():
    code = "import sys, lorabench.lora.fit; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=SCRIPTS, check=True)
