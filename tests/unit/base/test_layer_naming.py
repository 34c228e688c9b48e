"""Layers' names are held against what ComfyUI 0.33.0 maps.

Each file in comfyui_names/ has one family: the layers of a small model and their weights' shapes
(one block of a kind), and the names that `comfy.lora.model_lora_keys_unet` maps for it, in dots, by
prefix, `own` or, for `others`, with the layer and the first and number of its rows. Prefixes that
end in `_` are followed by the names with underscores.
"""

import re

import pytest

from lorabench.lora.names import comfys, place, split
from tests.transformers import FACTS, FAMILIES, facts, mapped, written

PREFIXES = (
    *("lora_unet_", "lora_transformer_", "lycoris_", "unet."),
    *("diffusion_model.", "transformer.", "base_model.model.", ""),
)


def theirs(facts):
    """Return the names that ComfyUI maps, with the layer, underscored, and rows of each."""
    return {name: [layer.replace(".", "_"), *rows] for name, (layer, *rows) in mapped(facts)}


def ours(family, layers, shapes):
    """Return which of these layers' names we say that ComfyUI maps, by every prefix."""
    found = {}
    for prefix in PREFIXES:
        for layer in layers:
            name = written(prefix, layer)
            target = family.naming.target(layer.replace(".", "_"))
            if target and target.layer in shapes and family.naming.takes(*split(name)):
                width = target.size and shapes[target.layer][1]
                rows = [target.start * width, target.size * width] if target.size else []
                found[name] = [target.layer, *rows]
    return found


@pytest.fixture(scope="module")
def every_layer():
    """Return the layers' names of all families, each of which none but some may have."""
    groups = [group for name in FAMILIES for group in facts(name)["names"]]
    return {
        layer for group in groups for kind in ("own", "others") for layer in group.get(kind, ())
    }


def test_every_family_is_held_against_comfyui():
    assert {path.stem for path in FACTS.glob("*.json")} == set(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_we_know_the_names_that_comfyui_maps_and_no_more(name, every_layer):
    found = facts(name)
    shapes = {layer.replace(".", "_"): shape for layer, shape in found["layers"].items()}
    assert ours(FAMILIES[name], every_layer, shapes) == theirs(found)


@pytest.mark.parametrize("name", FAMILIES)
def test_any_name_of_a_layer_can_be_made_one_that_comfyui_maps(name):
    family, known = FAMILIES[name], theirs(facts(name))
    layers = {split(module)[1].replace(".", "_") for module in known}
    for layer in layers:
        module = f"lora_unet_{layer}"
        new = comfys(module, [family])
        target = family.naming.target(layer)
        if new:
            assert new in known and place(new)[0] == place(module)[0] == "transformer"
            assert family.naming.target(place(new)[1]) == target
        else:
            assert module in known or re.fullmatch(family.naming.unweighted, target.layer)


@pytest.mark.parametrize(
    ("name", "module", "renamed"),
    [
        ("z_image", "lora_unet_layers_7_attention_to_q", "diffusion_model.layers.7.attention.to_q"),
        ("z_image", "lora_unet_layers_0_attention_to_out_0", "lora_unet_layers_0_attention_out"),
        ("z_image", "lora_unet_layers_0_feed_forward_w1", None),
        ("hunyuan_image", "lora_unet_double_blocks_3_img_mlp_fc1",
         "lora_unet_double_blocks_3_img_mlp_0"),
        ("hunyuan_image", "lora_unet_double_blocks_3_txt_mod_linear",
         "lora_unet_double_blocks_3_txt_mod_lin"),
        ("hunyuan_image", "lora_unet_single_blocks_39_modulation_linear",
         "lora_unet_single_blocks_39_modulation_lin"),
        ("hunyuan_image", "lora_unet_double_blocks_3_img_attn_qkv", None),
        ("flux1", "double_blocks.0.img_attn.qkv", "lora_unet_double_blocks_0_img_attn_qkv"),
        ("flux1", "base_model.model.single_transformer_blocks.12.proj_mlp",
         "transformer.single_transformer_blocks.12.proj_mlp"),
        ("flux1", "transformer.single_transformer_blocks.12.proj_mlp", None),
        ("sd3", "base_model.model.transformer_blocks.12.attn.to_q", None),
        ("wan", "lora_unet__blocks_0_cross_attn_k", "lora_unet_blocks_0_cross_attn_k"),
        ("wan", "transformer.blocks.0.attn1.to_out.0", "lora_unet_blocks_0_self_attn_o"),
        ("krea2", "diffusion_model.transformer_blocks.0.attn.to_out", None),
        ("krea2", "lora_unet_blocks_0_mod_lin", None),  # none that is always right
        ("anima", "lora_unet_nowhere", None),
    ],
)  # fmt: skip
def test_a_module_is_renamed_where_comfyui_does_not_load_it(name, module, renamed):
    assert comfys(module, [FAMILIES[name]]) == renamed


def test_a_module_that_one_of_several_families_takes_keeps_its_name():
    families = [FAMILIES["flux1"], FAMILIES["sd3"]]
    name = "base_model.model.transformer_blocks.0.attn.to_q"  # taken by one of them alone
    assert comfys(name, families) is None
    assert comfys(name, families[:1]) == "transformer.transformer_blocks.0.attn.to_q"
    assert comfys(name) is None
    alike = "lora_unet_transformer_blocks_0_attn_to_q"  # both take it by the same other name
    assert comfys(alike, families) == "transformer.transformer_blocks.0.attn.to_q"
