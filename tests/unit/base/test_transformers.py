"""Transformers are known by their layers' names, as ComfyUI knows them."""

import pytest

from lorabench.base.families import transformer

FLUX = "double_blocks.0.img_attn.norm.key_norm.scale"
CASES = {  # a few tensors of each family's own files, by what ComfyUI 0.33.0 tells them by
    "FLUX.1": {FLUX: (128,), "img_in.weight": (3072, 64)},
    "Chroma": {FLUX: (128,), "img_in.weight": (3072, 64),
               "distilled_guidance_layer.norms.0.scale": (5120,)},
    "FLUX.2": {FLUX: (128,), "img_in.weight": (3072, 128),
               "double_stream_modulation_img.lin.weight": (18432, 3072)},
    "HunyuanImage": {"txt_in.individual_token_refiner.blocks.0.norm1.weight": (3584,),
                     FLUX: (128,), "img_in.proj.weight": (3584, 64, 1, 1)},
    "SD3.5": {"joint_blocks.0.context_block.attn.qkv.weight": (4608, 1536)},
    "Lumina 2": {"cap_embedder.1.weight": (2304, 2304),
                 "noise_refiner.0.attention.k_norm.weight": (96,)},
    "Z-Image": {"cap_embedder.1.weight": (3840, 2560),
                "noise_refiner.0.attention.k_norm.weight": (128,)},
    "Anima": {"blocks.0.mlp.layer1.weight": (8192, 2048),
              "llm_adapter.blocks.0.cross_attn.q_proj.weight": (1024, 1024)},
    "Qwen-Image": {"txt_norm.weight": (3584,),
                   "transformer_blocks.0.attn.to_q.weight": (3072, 3072)},
    "Krea 2": {"txtfusion.projector.weight": (1, 4)},
    "Wan": {"head.modulation": (1, 2, 5120), "blocks.0.cross_attn.k.weight": (5120, 5120)},
}  # fmt: skip


def as_file(tensors, prefix):
    """Return these tensors among enough others for the prefix to count."""
    others = {f"other.{number}.weight": (1,) for number in range(6)}
    return {prefix + name: shape for name, shape in (tensors | others).items()}


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
