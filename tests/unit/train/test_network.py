import numpy as np
import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModel

from lorabench.base import model
from lorabench.base.stable_diffusion import SD15
from lorabench.lora import file as lora_file
from lorabench.train import network
from tests import checkpoints
from tests.training import settings


@pytest.fixture
def loaded(tmp_path):
    return model.load(checkpoints.save_micro_folder(tmp_path / "m"), "cpu", torch.float32)


def test_sd15_gets_kohyas_264_modules(loaded):
    with torch.device("meta"):
        loaded.unet = model.UNet2DConditionModel(**SD15.configs["unet"])
        loaded.text_encoders = [CLIPTextModel(CLIPTextConfig(**SD15.configs["text_encoder"]))]
        names = network.inject(loaded, settings(text_encoder_lr=1e-5)).keys()
    assert len([name for name in names if name.startswith("lora_unet_")]) == 192
    assert len([name for name in names if name.startswith("lora_te_")]) == 72
    assert {
        "lora_te_text_model_encoder_layers_0_mlp_fc1",
        "lora_te_text_model_encoder_layers_11_self_attn_out_proj",
        "lora_unet_down_blocks_0_attentions_0_proj_in",
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_out_0",
        "lora_unet_up_blocks_3_attentions_2_transformer_blocks_0_ff_net_0_proj",
        "lora_unet_up_blocks_3_attentions_2_transformer_blocks_0_ff_net_2",
    } <= names


@pytest.mark.parametrize(
    ("rates", "prefixes"),
    [
        ({"unet_lr": 1, "text_encoder_lr": 0}, {"lora_unet"}),
        ({"unet_lr": 0, "text_encoder_lr": 1}, {"lora_te_t"}),
        ({"unet_lr": 1, "text_encoder_lr": 1}, {"lora_unet", "lora_te_t"}),
    ],
)
def test_only_parts_with_a_learning_rate_are_trained(loaded, rates, prefixes):
    lora = network.inject(loaded, settings(**rates))
    assert {name[:9] for name in lora} == prefixes
    trained = [
        weight
        for part in (loaded.unet, *loaded.text_encoders)
        for weight in part.parameters()
        if weight.requires_grad
    ]
    assert {id(weight) for weight in trained} == {id(w) for w in network.weights(lora)}


def test_the_exported_tensors_add_what_the_network_adds(loaded):
    torch.manual_seed(0)
    lora = network.inject(loaded, settings(rank=4, alpha=2))
    for weight in network.weights(lora):
        torch.nn.init.normal_(weight)
    tensors = network.to_kohya(lora, alpha=2)
    for name, layer in lora.items():
        down, up = (tensors[name + end].astype(np.float32) for end in (network.DOWN, network.UP))
        product = up.reshape(len(up), -1) @ down.reshape(len(down), -1) * 2 / 4
        expected = layer.get_delta_weight("default").detach().numpy()
        assert np.allclose(product.reshape(expected.shape), expected, atol=2e-2), name
        assert tensors[name + network.ALPHA] == 2


def test_a_fresh_lora_changes_nothing_and_is_float32(tmp_path):
    half = model.load(checkpoints.save_micro_folder(tmp_path / "m"), "cpu", torch.bfloat16)
    lora = network.inject(half, settings())
    assert {weight.dtype for weight in network.weights(lora)} == {torch.float32}
    assert not any(layer.lora_B["default"].weight.any() for layer in lora.values())
    assert all(layer.lora_A["default"].weight.any() for layer in lora.values())


@pytest.mark.parametrize("alpha", [0.1, 22.627, 1e-9])
def test_an_alpha_that_half_precision_does_not_hold_is_saved_as_it_is(loaded, tmp_path, alpha):
    lora = network.inject(loaded, settings(rank=2, alpha=alpha))
    for weight in network.weights(lora):
        torch.nn.init.normal_(weight)
    tensors = network.to_kohya(lora, alpha)
    metadata = {"ss_network_dim": "2", "ss_network_alpha": str(alpha)}
    saved = lora_file.save(tmp_path / "a.safetensors", tensors, metadata)
    assert saved.alpha == pytest.approx(alpha, rel=1e-6) and not saved.oddities


@pytest.mark.parametrize(
    ("kind", "peft", "shape"),
    [
        (network.Adapted, network.Linear, (2, 3, -1)),
        (network.AdaptedPoint, network.Conv2d, (2, -1, 3, 5)),
    ],
)
def test_a_layer_and_its_gradients_are_those_of_peft(loaded, kind, peft, shape):
    torch.manual_seed(0)
    lora = network.inject(loaded, settings(rank=4, alpha=2))
    layer = next(one for one in lora.values() if isinstance(one, kind))
    for weight in network.weights(lora):
        torch.nn.init.normal_(weight)
    given = torch.randn(
        [layer.in_features if side < 0 else side for side in shape], requires_grad=True
    )
    wanted = [given, *network.weights({"": layer})]
    ours, theirs = layer(given), peft.forward(layer, given)
    assert torch.allclose(ours, theirs, atol=1e-4)
    for one, other in zip(
        torch.autograd.grad(ours.square().sum(), wanted),
        torch.autograd.grad(theirs.square().sum(), wanted),
        strict=True,
    ):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-3)
