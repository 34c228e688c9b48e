"""SDXL on the embedded server, on a narrow model of random weights."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from lorabench.comfy.embedded import devices, loras, nodes, nodes_prompts, nodes_sampling
from lorabench.comfy.embedded.context import Context
from lorabench.comfy.embedded.engine import Clip, Engine, Model
from lorabench.comfy.embedded.latents import Latent
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.embedded.loras import Patch
from lorabench.comfy.embedded.prompts import Prompt
from lorabench.errors import UserError
from tests import checkpoints, checkpoints_sdxl

SAMPLING = {
    **{"seed": 1, "steps": 2, "cfg": 4.0, "sampler_name": "euler", "scheduler": "normal"},
    "denoise": 1.0,
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    root = tmp_path_factory.mktemp("sdxl")
    path = checkpoints_sdxl.save(root / "m.safetensors", root / "m")
    return Engine(devices.Device("cpu", torch.float32, 1)).checkpoint(path)


@pytest.fixture
def clip(loaded):
    return Clip(loaded)


@pytest.fixture
def context():
    return Context(None, Library.nowhere(), {}, lambda done, total: None)


@torch.inference_mode()
def draw(context, loaded, positive, negative):
    prompts = {"positive": (Prompt(positive),), "negative": (Prompt(negative),)}
    latent = Latent(torch.zeros(1, 4, 8, 8))
    given = {**prompts, "latent_image": latent, **SAMPLING}
    (drawn,) = nodes_sampling.sample(context, Model(loaded), **given)
    return drawn.samples


def encoded(context, clip, **given):
    sizes = {"width": 64, "height": 64, "target_width": 64, "target_height": 64}
    texts = {"text_g": "a cat", "text_l": "a cat"}
    ((prompt,),) = nodes.encode_text_sdxl(
        context, clip, **{**sizes, "crop_w": 0, "crop_h": 0, **texts, **given}
    )
    return prompt.told


def test_a_prompt_is_the_last_layer_but_one_of_both_encoders(clip, loaded):
    ids = loaded.tokenizer("a cat")["input_ids"]
    small, large = (encoder.network for encoder in loaded.text_encoders)
    first = torch.tensor([ids + [49407] * (77 - len(ids))])
    second = torch.tensor([ids + [0] * (77 - len(ids))])
    found = clip.encode("a cat")
    states = [
        small(first, output_hidden_states=True).hidden_states[-2],
        large(second, output_hidden_states=True).hidden_states[-2],
    ]
    assert torch.equal(found.features, torch.cat(states, dim=-1))
    assert torch.allclose(found.pooled, large(second).text_embeds, atol=1e-6)


def test_weights_move_the_features_and_not_the_pooled_text(clip):
    plain, weighted = clip.encode("a cat"), clip.encode("a (cat:1.5)")
    assert not torch.equal(plain.features, weighted.features)
    assert torch.allclose(plain.pooled, weighted.pooled, atol=1e-6)


def test_a_long_prompt_has_chunks_in_a_row_and_the_first_is_pooled(clip):
    long = "a red cat on a blue roof " * 15
    found = clip.encode(long)
    assert found.features.shape == (1, 2 * 77, 80)
    first = clip.encode("a red cat on a blue roof " * 10 + "a red cat on a")  # 75 tokens
    assert torch.allclose(found.pooled, first.pooled, atol=1e-6)


def test_the_shorter_of_two_texts_is_filled_up(context, clip):
    found = encoded(context, clip, text_g="a red cat on a blue roof " * 15)
    assert found.features.shape == (1, 2 * 77, 80)
    assert torch.equal(found.features[:, 77:, :32], clip.encode("").features[..., :32])
    assert encoded(context, clip, text_l="a red cat " * 60).features.shape[1] == 3 * 77


@pytest.mark.parametrize(("last_layer", "same"), [(-2, True), (-1, False), (-3, False)])
def test_clip_skip_moves_both_encoders(context, clip, last_layer, same):
    (moved,) = nodes.set_last_layer(context, clip, last_layer)
    one, other = clip.encode("a cat"), moved.encode("a cat")
    for part in (slice(0, 32), slice(32, 80)):
        assert torch.equal(one.features[..., part], other.features[..., part]) is same
    assert torch.equal(one.pooled, other.pooled)


def test_a_layer_before_the_first_is_the_usual_one_as_in_comfyui(context, clip):
    (moved,) = nodes.set_last_layer(context, clip, -20)
    assert torch.equal(moved.encode("a cat").features, clip.encode("a cat").features)


def test_without_sizes_they_are_those_of_the_picture(context, loaded, clip):
    negative, plain = clip.encode(""), clip.encode("a cat")
    usual = draw(context, loaded, plain, negative)
    same = draw(context, loaded, encoded(context, clip), negative)
    others = draw(context, loaded, encoded(context, clip, height=1024), negative)
    assert torch.equal(usual, same) and not torch.allclose(usual, others)


def test_a_negative_prompt_has_its_own_pooled_text(context, loaded, clip):
    positive, negative = clip.encode("a cat"), clip.encode("red")
    mixed = SimpleNamespace(features=negative.features, pooled=positive.pooled, sizes=None)
    one, other = (draw(context, loaded, positive, text) for text in (negative, mixed))
    assert not torch.allclose(one, other)


def test_prompts_of_other_lengths_are_drawn_in_turn(context, loaded, clip):
    long = clip.encode("a red cat on a blue roof " * 15)
    assert draw(context, loaded, long, clip.encode("")).isfinite().all()


def test_a_zeroed_conditioning_has_no_text_and_keeps_its_sizes(context, clip):
    ((prompt,),) = nodes_prompts.zero_out(context, (Prompt(encoded(context, clip, crop_w=8)),))
    found = prompt.told
    assert not found.features.any() and not found.pooled.any()
    assert found.sizes == (64, 64, 0, 8, 64, 64)


def test_a_prompt_of_another_familys_clip_is_refused(context, loaded, clip, tmp_path):
    path = checkpoints.save_micro_folder(tmp_path / "m")
    other = Engine(devices.Device("cpu", torch.float32, 1)).checkpoint(path)
    with pytest.raises(UserError, match="another family"):
        draw(context, loaded, Clip(other).encode("a"), Clip(other).encode(""))
    with pytest.raises(UserError, match="another family"):
        draw(context, other, clip.encode("a"), clip.encode(""))
    with pytest.raises(UserError, match="use CLIPTextEncode"):
        encoded(context, Clip(other))


NAMES = {  # of one layer of each network, by makers
    "kohya": (
        "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
        "lora_te1_text_model_encoder_layers_1_mlp_fc1",
        "lora_te2_text_model_encoder_layers_1_self_attn_q_proj",
    ),
    "diffusers' names under kohya's": (
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q",
        "lora_te1_text_model_encoder_layers_1_mlp_fc1",
        "lora_te2_text_model_encoder_layers_1_self_attn_q_proj",
    ),
    "diffusers": (
        "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
        "text_encoder.text_model.encoder.layers.1.mlp.fc1",
        "text_encoder_2.text_model.encoder.layers.1.self_attn.q_proj",
    ),
    "ComfyUI": (
        "diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q",
        "text_encoders.clip_l.transformer.text_model.encoder.layers.1.mlp.fc1",
        "text_encoders.clip_g.transformer.text_model.encoder.layers.1.self_attn.q_proj",
    ),
}
LAYERS = (
    "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
    "encoder.layers.1.mlp.fc1",
    "text_model.encoder.layers.1.self_attn.q_proj",
)


@pytest.mark.parametrize("maker", NAMES)
def test_loras_change_all_three_networks_under_every_makers_names(
    tmp_path: Path, loaded, caplog, maker
):
    networks = (loaded.unet, *loaded.text_encoders)
    weights = [
        one.network.get_submodule(layer).weight for one, layer in zip(networks, LAYERS, strict=True)
    ]
    before = [weight.clone() for weight in weights]
    tensors = {}
    for name, weight in zip(NAMES[maker], weights, strict=True):
        tensors[f"{name}.lora_up.weight"] = torch.ones(len(weight), 1)
        tensors[f"{name}.lora_down.weight"] = torch.ones(1, weight.shape[1])
    save_file(tensors, tmp_path / "a.safetensors")
    file = loras.read(tmp_path / "a.safetensors")
    with caplog.at_level(logging.WARNING):
        loras.report_unused(file, networks)
    assert not caplog.messages
    for one in networks:
        one.with_patches((Patch(file, 0.5),))
    for weight, old in zip(weights, before, strict=True):
        assert torch.allclose(weight, old + 0.5, atol=1e-3)
    for one in networks:
        one.with_patches(())
    assert all(map(torch.equal, weights, before))
