"""A LoRA's family is known by its modules' names and sizes; metadata choose between equals."""

import pytest

from lorabench.lora import trained_for
from lorabench.lora.modules import describe

CASES = {  # modules with the outputs and inputs of what each adds, of the public models' sizes
    "FLUX.1": [
        {"lora_unet_double_blocks_0_img_attn_qkv": (9216, 3072)},
        {"lora_unet_single_blocks_0_linear1": (21504, 3072)},
        {"transformer.single_transformer_blocks.3.attn.to_q": (3072, 3072)},
        {"transformer.transformer_blocks.3.attn.to_q": (3072, 3072),
         "transformer.transformer_blocks.3.ff_context.net.0.proj": (12288, 3072)},
        {"lora_transformer_transformer_blocks_18_attn_to_q": (3072, 3072)},
        {"single_transformer_blocks.3.proj_mlp": (512, 128)},  # a tiny one
    ],
    "Chroma": [{"diffusion_model.distilled_guidance_layer.in_proj": (5120, 64),
                "diffusion_model.double_blocks.0.img_attn.qkv": (9216, 3072)}],
    "FLUX.2": [
        {"transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj": (27648, 3072)},
        {"diffusion_model.double_blocks.0.img_mlp.0": (36864, 6144)},
        {"lora_unet_double_blocks_0_img_attn_qkv": (9216, 3072),
         "lora_unet_single_blocks_0_linear1": (27648, 3072)},
        {"lora_unet_double_blocks_0_img_attn_qkv": (12288, 4096)},
    ],
    "HunyuanImage": [
        {"lora_unet_double_blocks_0_img_mlp_fc1": (14336, 3584)},
        {"lora_unet_double_blocks_0_img_mlp_0": (14336, 3584)},
    ],
    "SD3.5": [
        {"lora_unet_joint_blocks_0_context_block_attn_qkv": (7296, 2432)},
        {"transformer.transformer_blocks.0.attn.to_q": (2432, 2432)},
        {"base_model.model.transformer_blocks.0.attn2.to_q": (1536, 1536)},
    ],
    "Lumina 2": [
        {"lora_unet_layers_0_attention_qkv": (3840, 2304)},
        {"diffusion_model.layers.0.feed_forward.w1": (9216, 2304)},
    ],
    "Z-Image": [
        {"lora_unet_layers_0_attention_to_q": (3840, 3840)},
        {"diffusion_model.layers.0.feed_forward.w1": (10240, 3840)},
    ],
    "Anima": [
        {"lora_unet_blocks_0_self_attn_q_proj": (2048, 2048)},
        {"lora_unet_llm_adapter_blocks_0_mlp_0": (4096, 1024)},
    ],
    "Qwen-Image": [
        {"lora_unet_transformer_blocks_0_img_mlp_net_0_proj": (12288, 3072)},
        {"transformer_blocks.59.attn.to_q": (3072, 3072)},
    ],
    "Krea 2": [
        {"lora_unet_blocks_0_attn_wq": (6144, 6144)},
        {"transformer.transformer_blocks.0.attn.to_k": (1536, 6144)},
        {"diffusion_model.transformer_blocks.0.ff.gate": (16384, 6144)},
    ],
    "Wan": [
        {"diffusion_model.blocks.0.self_attn.q": (5120, 5120)},
        {"lora_unet__blocks_0_cross_attn_k": (1536, 1536)},
        {"transformer.blocks.0.attn1.to_q": (5120, 5120)},
    ],
    "SDXL": [
        {"lora_te2_text_model_encoder_layers_0_mlp_fc1": (5120, 1280)},
        {"lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k": (640, 2048)},
    ],
    "SD1.x": [{"lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k": (320, 768)}],
}  # fmt: skip
NATIVE = {"lora_unet_double_blocks_0_img_attn_qkv": (9216, 3072)}


def of(sizes, metadata=None):
    shapes = {}
    for module, (out, into) in sizes.items():
        shapes[f"{module}.lora_down.weight"] = (4, into)
        shapes[f"{module}.lora_up.weight"] = (out, 4)
    found = trained_for.of(describe(shapes).modules, shapes, metadata)
    return found and found.title


@pytest.mark.parametrize(
    ("title", "sizes"), [(title, sizes) for title, cases in CASES.items() for sizes in cases]
)
def test_a_lora_is_of_the_family_that_its_tensors_show(title, sizes):
    assert of(sizes) == title


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ({}, "FLUX.1"),
        ({"modelspec.architecture": "chroma/lora"}, "Chroma"),
        ({"ss_base_model_version": "chroma"}, "Chroma"),
        ({"ss_base_model_version": "flux1"}, "FLUX.1"),
        ({"modelspec.architecture": "flux-2-klein"}, "FLUX.2"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "FLUX.1"),
        ({"ss_base_model_version": "sd3"}, "FLUX.1"),
    ],
)
def test_metadata_choose_only_among_the_families_that_the_tensors_allow(said, title):
    assert of(NATIVE, said) == title


def test_metadata_alone_make_no_family():
    modules = {"lora_unet_down_blocks_0_attentions_0_proj_in": (320, 320)}
    assert of(modules, {"modelspec.architecture": "flux-1-dev/lora"}) is None
    assert of({"lora_unet_nowhere": (8, 8)}, {"ss_base_model_version": "wan2.1"}) is None


def test_a_modulation_that_chroma_has_not_is_flux1():
    sizes = NATIVE | {"lora_unet_double_blocks_0_img_mod_lin": (18432, 3072)}
    assert of(sizes, {"ss_base_model_version": "chroma"}) == "FLUX.1"
