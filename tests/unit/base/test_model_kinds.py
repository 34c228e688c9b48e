"""By which tensors encoders and autoencoders are known; names and sizes as in the makers' files."""

import pytest

from lorabench.base import model_kinds
from lorabench.base.families import PUBLIC

FILES = {
    "CLIP-L": {"text_model.encoder.layers.11.layer_norm1.weight": (768,)},
    "CLIP-G": {"text_model.encoder.layers.31.layer_norm1.weight": (1280,)},
    "T5-XXL": {"encoder.block.23.layer.1.layer_norm.weight": (4096,)},
    "ByT5 small": {"encoder.block.3.layer.0.layer_norm.weight": (1472,)},
    "a language model of the width of Qwen3-0.6B": {
        "model.layers.0.input_layernorm.weight": (1024,)
    },
    "a language model of the width of Gemma 2 2B": {"layers.25.input_layernorm.weight": (2304,)},
    "a language model of the width of Qwen3-4B": {  # also of Qwen3-VL
        "model.language_model.layers.0.input_layernorm.weight": (2560,)
    },
    "a language model of the width of Qwen2.5-VL 7B": {
        "model.layers.0.input_layernorm.weight": (3584,),
        "visual.blocks.0.norm1.weight": (1280,),
    },
    "the VAE of SD1.x or SDXL": {"decoder.conv_in.weight": (512, 4, 3, 3)},
    "the VAE of FLUX.1 or SD3": {"decoder.conv_in.weight": (512, 16, 3, 3)},
    "the VAE of FLUX.2": {"decoder.conv_in.weight": (512, 32, 3, 3), "bn.running_mean": (128,)},
    "the VAE of HunyuanImage": {"decoder.conv_in.weight": (1024, 64, 3, 3)},
    "the VAE of Qwen-Image or Wan": {
        "decoder.conv1.weight": (384, 16, 3, 3, 3),
        "decoder.middle.0.residual.0.gamma": (384, 1, 1, 1),
    },
    "a tiny autoencoder (TAESD)": {"taesd_decoder.1.weight": (64, 16, 3, 3)},
    "a UNet": {"model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3)},
    "a LoRA": {"lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 768)},
}


@pytest.mark.parametrize("title", FILES)
def test_each_kind_is_known_by_its_own_tensors_alone(title):
    for prefix in ("", "text_encoders.clip_l.transformer.", "first_stage_model."):
        shapes = {prefix + name: shape for name, shape in FILES[title].items()}
        assert [kind.title for kind in model_kinds.of(shapes)] == [title]


def test_the_names_of_diffusers_are_known():
    qwen = {"decoder.conv_in.weight": (384, 16, 3, 3, 3),
            "decoder.mid_block.resnets.0.norm1.gamma": (384, 1, 1, 1)}  # fmt: skip
    assert model_kinds.of(qwen) == [model_kinds.VAE_QWEN]
    for_pictures_alone = {**qwen, "decoder.conv_in.weight": (384, 16, 3, 3)}
    assert model_kinds.VAE_QWEN in model_kinds.of(for_pictures_alone)


def test_numbers_that_are_packed_or_scaled_change_nothing():
    packed = {
        "encoder.block.0.layer.0.layer_norm.weight": (4096,),
        "encoder.block.0.layer.0.SelfAttention.q.weight": (8388608, 1),
        "encoder.block.0.layer.0.SelfAttention.q.scale_weight": (),
        "scaled_fp8": (0,),
    }
    assert model_kinds.of(packed) == [model_kinds.T5_XXL]


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"enc.blk.0.attn_norm.weight": (4096,)},  # as llama.cpp names T5's layers
        {"blocks.0.attn.q.weight": (4096, 4096)},  # as Wan's makers name UMT5's
        {"text_model.encoder.layers.0.layer_norm1.weight": (512,)},
        {"decoder.conv_in.weight": (512, 8, 3, 3)},
        {"encoder.layers.0.weight": (64, 3, 3, 3)},
    ],
)
def test_what_is_not_known_for_certain_is_nothing(shapes):
    assert model_kinds.of(shapes) == []


def test_each_wanted_file_says_what_it_may_be():
    ways = [way for family in PUBLIC for way in (family.kohya, family.musubi) if way]
    wanted = [one for way in ways for one in way.models.items()]
    assert [name for name, file in wanted if not file.kinds] == ["llm_adapter_path"]
    assert all(set(file.kinds) <= set(model_kinds.KINDS) for _, file in wanted)
