"""Transformers are known by their layers' names, as ComfyUI knows them."""

import pytest

from lorabench.base.families import transformer
from tests.telling_layers import CASES, FLUX, as_file


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
