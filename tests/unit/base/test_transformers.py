"""Transformers are known by their layers' names, as ComfyUI knows them; their LoRAs by modules'."""

import pytest

from lorabench.base.families import by_lora, transformer
from tests.transformers import CASES, FLUX, as_file

MODULES = {
    "FLUX.1": ["lora_unet_double_blocks_0_img_attn_qkv",
               "transformer.single_transformer_blocks.3.attn.to_q"],
    "FLUX.2": ["transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj"],
    "SD3.5": ["lora_unet_joint_blocks_0_context_block_attn_qkv"],
    "Z-Image": ["diffusion_model.layers.0.attention.to_q", "lora_unet_layers_0_feed_forward_w1"],
    "Anima": ["lora_unet_blocks_0_self_attn_q_proj", "lora_unet_llm_adapter_blocks_0_mlp_0"],
    "Qwen-Image": ["lora_unet_transformer_blocks_0_img_mlp_net_0_proj"],
    "Krea 2": ["lora_unet_blocks_0_attn_wq"],
    "Wan": ["diffusion_model.blocks.0.self_attn.q"],
    "HunyuanImage": ["lora_unet_double_blocks_0_img_mlp_fc1"],
    "SDXL": ["lora_te2_text_model_encoder_layers_0_mlp_fc1"],
}  # fmt: skip


@pytest.mark.parametrize("prefix", ["", "model.", "model.diffusion_model.", "net."])
@pytest.mark.parametrize("title", CASES)
def test_a_transformer_is_known_by_its_layers(title, prefix):
    family, found = transformer(as_file(CASES[title], prefix))
    assert (family.title, found) == (title, prefix)


@pytest.mark.parametrize(
    "tensors",
    [
        {"txt_norm.weight": (2560,), "transformer_blocks.0.attn.to_q.weight": (9, 9)},  # Mage-Flow
        {"cap_embedder.1.weight": (1024, 9), "noise_refiner.0.attention.k_norm.weight": (9,)},
        {FLUX: (128,), "img_in_patch.weight": (9, 9)},  # Chroma Radiance
        {"txt_in.individual_token_refiner.blocks.0.norm1.weight": (9,),
         "vector_in.in_layer.weight": (9, 9)},
        {},
    ],
)  # fmt: skip
def test_others_are_not_taken_for_them(tensors):
    assert transformer(as_file(tensors, "")) is None


@pytest.mark.parametrize("title", MODULES)
def test_a_lora_is_known_by_its_modules(title):
    for name in MODULES[title]:
        assert by_lora([name]).title == title
    assert by_lora(["lora_unet_down_blocks_0_attentions_0_proj_in"]) is None
