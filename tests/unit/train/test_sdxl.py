"""Training on SDXL, on a narrow model of random weights."""

import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from lorabench.base import checkpoint, model
from lorabench.base.networks import UNet2DConditionModel
from lorabench.errors import UserError
from lorabench.lora import base_layers
from lorabench.lora.names import place
from lorabench.train import data, network, optimizers
from lorabench.train.inputs import Captions, Latents
from lorabench.train.learner import Learner
from lorabench.train.metadata import describe
from tests import checkpoints_sdxl
from tests.training import make_set, settings

BOTH = {"unet_lr": 1e-3, "text_encoder_lr": 1e-3}
UNET = {"unet_lr": 1e-3, "text_encoder_lr": 0.0}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    root = tmp_path_factory.mktemp("sdxl")
    return checkpoints_sdxl.save(root / "m.safetensors", root / "m", ("v_pred", "ztsnr"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_set(tmp_path_factory.mktemp("set") / "tiny", [(64, 64)] * 3 + [(96, 48)])


@pytest.fixture
def learner(file, folder):
    """Return a learner with these settings."""

    def make(**changes):
        pictures = data.read_set(folder, settings(**changes))
        return Learner(model.load(file, "cpu", torch.float32), pictures, "cpu", torch.float32)

    return make


class Unwatched:
    def check(self, loss, before):
        assert loss > 0


def steps(learner, first, last):
    for number in range(first, last):
        learner.step(number, 4, [], Unwatched())
    return [weight.clone() for weight in network.weights(learner.lora)]


def test_modules_have_kohyas_names_for_sdxl_and_fit_the_file(file):
    sd = model.load(file, "cpu", torch.float32)
    lora = network.inject(sd, settings(**BOTH))
    starts = ("lora_unet_", "lora_te1_", "lora_te2_")
    counts = [sum(name.startswith(one) for name in lora) for one in starts]
    # Depths 1 and 2 on the way down (2 blocks each), 2 in the middle, 2 and 1 on the way up (3
    # each): 19 transformer blocks of 10 modules, and 11 transformers of 2. 6 modules a text layer.
    assert counts == [17 * 10 + 11 * 2, 3 * 6, 3 * 6]
    assert {
        "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
        "lora_unet_input_blocks_8_1_transformer_blocks_1_ff_net_0_proj",
        "lora_unet_middle_block_1_proj_in",
        "lora_unet_output_blocks_5_1_transformer_blocks_0_attn2_to_out_0",
        "lora_te1_text_model_encoder_layers_2_mlp_fc1",
        "lora_te2_text_model_encoder_layers_0_self_attn_out_proj",
    } <= lora.keys()
    layers = base_layers.read(checkpoint.inspect(file))
    for name, layer in lora.items():
        part, inner = place(name)
        assert layers.shape(part, inner) == tuple(layer.base_layer.weight.shape), name


def test_the_full_model_gets_kohyas_986_modules():
    with torch.device("meta"):
        unet = UNet2DConditionModel(**checkpoints_sdxl.FULL_UNET)
        small = CLIPTextModel(CLIPTextConfig(hidden_size=768, num_hidden_layers=12))
        large = CLIPTextModelWithProjection(
            CLIPTextConfig(hidden_size=1280, num_hidden_layers=32, num_attention_heads=20)
        )
        sd = model.StableDiffusion(None, [small, large], unet, None, None, "epsilon")
        names = network.inject(sd, settings(**BOTH)).keys()
    starts = ("lora_unet_", "lora_te1_", "lora_te2_")
    assert [sum(name.startswith(one) for name in names) for one in starts] == [722, 72, 192]


@pytest.mark.parametrize("depth", [1, 2])
def test_original_names_are_the_inverse_of_diffusers_names(depth):
    for layer in (
        *(f"down_blocks_{level}_attentions_{n}_proj_in" for level in (1, 2) for n in range(depth)),
        *(f"up_blocks_{level}_attentions_{n}_x" for level in (0, 1) for n in range(depth + 1)),
        "mid_block_attentions_0_transformer_blocks_9_attn1_to_out_0",
    ):
        original = base_layers.original_name(layer, depth)
        assert original != layer and base_layers.diffusers_name(original, depth) == layer


@pytest.mark.parametrize("trained", [UNET, BOTH])
def test_a_resumed_training_gives_the_bits_of_an_uninterrupted_one(learner, trained):
    whole = steps(learner(**trained), 0, 4)
    first = learner(**trained)
    steps(first, 0, 2)
    second = learner(**trained)
    second.restore(first.state())
    assert all(map(torch.equal, steps(second, 2, 4), whole))
    assert any(weight.any() for weight in whole[1::2])


def test_every_part_with_a_learning_rate_learns(learner):
    one = learner(**BOTH)
    steps(one, 0, 2)
    learnt = {name for name, layer in one.lora.items() if layer.lora_B["default"].weight.any()}
    # What follows the layer that the first encoder gives has no gradient, in sd-scripts either.
    unused = {name for name in one.lora if name.startswith("lora_te1_text_model_encoder_layers_2")}
    assert learnt == one.lora.keys() - unused and len(unused) == 6


def test_gradient_checkpointing_changes_no_gradient(learner):
    plain = steps(learner(**BOTH), 0, 2)
    checkpointed = steps(learner(**BOTH, gradient_checkpointing=True), 0, 2)
    for one, other in zip(plain, checkpointed, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_networks_that_have_done_their_part_are_freed(file, folder):
    sd = model.load(file, "cpu", torch.float32)
    pictures = data.read_set(folder, settings(**UNET))
    Latents(sd, pictures, "cpu")
    captions = Captions(sd, pictures, "cpu")
    freed = [sd.vae, *sd.text_encoders]
    assert {weight.device.type for part in freed for weight in part.parameters()} == {"meta"}
    assert captions(["", "ponnyu, cat 1, red, 立っている"]).pooled.shape == (2, 48)
    assert not captions([""]).features.requires_grad


def test_encoders_that_are_trained_stay(file, folder):
    sd = model.load(file, "cpu", torch.float32)
    Captions(sd, data.read_set(folder, settings(**BOTH)), "cpu")
    assert {one.device.type for one in sd.text_encoders} == {"cpu"}


@pytest.mark.parametrize(("skip", "message"), [(3, "last layer but one"), (4, "has 3 layers")])
def test_another_layer_than_sdxls_is_refused(learner, skip, message):
    with pytest.raises(UserError, match=message):
        learner(**UNET, clip_skip=skip)


def test_the_metadata_are_those_of_sd_scripts_for_sdxl(file, folder):
    pictures = data.read_set(folder, settings(**UNET))
    facts = describe(checkpoint.inspect(file), pictures, "a", 4, 4, 1.0)
    assert facts["ss_base_model_version"] == "sdxl_base_v1-0"
    assert facts["modelspec.architecture"] == "stable-diffusion-xl-v1-base/lora"
    assert facts["modelspec.prediction_type"] == "v"
    assert facts["ss_zero_terminal_snr"] == "True"
    assert facts["modelspec.encoder_layer"] == "2"
    assert facts["ss_text_encoder_lr"] == "None"


def test_the_small_optimizer_is_refused_where_it_cannot_run(monkeypatch):
    small = settings(optimizer_type="AdamW8bit")
    with pytest.raises(UserError, match="on CUDA alone"):
        optimizers.check(small, "cpu")
    monkeypatch.setattr(optimizers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="needs the package bitsandbytes"):
        optimizers.check(small, "cuda")
    optimizers.check(settings(), "cpu")


def test_the_small_optimizer_gets_a_group_for_each_rate(file, monkeypatch):
    given = {}

    class AdamW8bit:
        def __init__(self, groups, weight_decay):
            given.update(groups=groups, weight_decay=weight_decay)

    lora = network.inject(model.load(file, "cpu", torch.float32), settings(**BOTH))
    optim = type("optim", (), {"AdamW8bit": AdamW8bit})
    monkeypatch.setattr(optimizers.importlib.util, "find_spec", lambda name: True)
    monkeypatch.setattr(
        optimizers.importlib, "import_module", lambda name: type(name, (), {"optim": optim})
    )
    optimizers.make(lora, settings(**BOTH, optimizer_type="AdamW8bit"), "cuda")
    assert [group["peak_lr"] for group in given["groups"]] == [1e-3, 1e-3]
    assert sum(len(group["params"]) for group in given["groups"]) == 2 * len(lora)
