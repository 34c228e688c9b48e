import logging

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lorabench.base import packed
from lorabench.comfy.embedded import loras
from lorabench.comfy.embedded.loras import Patch, Patchable


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn = nn.ModuleDict(
            {"to_q": nn.Linear(6, 4), "to_out": nn.ModuleList([nn.Linear(4, 4)])}
        )
        self.point = nn.Conv2d(3, 5, 1)
        self.conv = nn.Conv2d(3, 5, 3)
        self.norm = nn.LayerNorm(4)
        self.requires_grad_(False)


SHAPES = {"attn_to_q": (4, 6), "attn_to_out_0": (4, 4), "point": (5, 3, 1, 1), "conv": (5, 3, 3, 3)}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Network()


@pytest.fixture
def patchable(network):
    return Patchable(network, "unet")


def weights(network):
    return {name: weight.clone() for name, weight in network.named_parameters()}


def lora(path, names, rank=2, alpha=4.0, seed=1, prefix="lora_unet_"):
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name in names:
        out, inner, *kernel = SHAPES[name]
        up = torch.randn(out, rank, *(1 for _ in kernel), generator=generator)
        down = torch.randn(rank, inner, *kernel, generator=generator)
        tensors |= {f"{prefix}{name}.lora_up.weight": up, f"{prefix}{name}.lora_down.weight": down}
        if alpha is not None:
            tensors[f"{prefix}{name}.alpha"] = torch.tensor(alpha)
    save_file(tensors, path)
    return loras.read(path)


@pytest.mark.parametrize("held", [torch.float32, torch.float16, torch.bfloat16])
def test_an_original_is_kept_as_the_checkpoint_holds_it_and_comes_back(tmp_path, network, held):
    for weight in network.parameters():
        weight.data.copy_(weight.data.to(held))
    before = weights(network)
    patchable = Patchable(network, "unet")
    file = lora(tmp_path / "a.safetensors", SHAPES)
    patchable.with_patches((Patch(file, 0.8),))
    sizes = {original.itemsize for original in patchable._originals.values()}
    assert sizes == {held.itemsize}
    merged = weights(network)
    assert not torch.equal(merged["point.weight"], before["point.weight"])
    patchable.with_patches(())
    after = weights(network)
    assert all(torch.equal(after[name], before[name]) for name in before)
    patchable.with_patches((Patch(file, 0.8),))
    assert all(torch.equal(weights(network)[name], merged[name]) for name in merged)


@pytest.mark.parametrize("name", SHAPES)
def test_a_layer_becomes_w0_plus_the_scaled_product(tmp_path, network, patchable, name):
    before = weights(network)
    file = lora(tmp_path / "a.safetensors", [name])
    patchable.with_patches((Patch(file, 0.6),))
    up = file.tensors[f"lora_unet_{name}.lora_up.weight"]
    down = file.tensors[f"lora_unet_{name}.lora_down.weight"]
    change = 0.6 * (4.0 / 2) * (up.flatten(1) @ down.flatten(1)).reshape(SHAPES[name])
    changed = [
        key for key, weight in network.named_parameters() if not torch.equal(weight, before[key])
    ]
    assert [key.replace(".", "_") for key in changed] == [f"{name}_weight"]
    after = network.get_parameter(changed[0])
    assert torch.allclose(after, before[changed[0]] + change, atol=1e-5)


def test_strengths_never_compound_and_nothing_is_left_behind(tmp_path, network, patchable):
    before = weights(network)
    file = lora(tmp_path / "a.safetensors", SHAPES)
    patchable.with_patches((Patch(file, 0.5),))
    once = weights(network)
    for strength in (1.0, -3.0, 0.5):
        patchable.with_patches((Patch(file, strength),))
    assert all(torch.equal(weight, once[name]) for name, weight in network.named_parameters())
    patchable.with_patches(())
    assert all(torch.equal(weight, before[name]) for name, weight in network.named_parameters())


def test_a_strength_of_zero_is_the_checkpoint_itself(tmp_path, network, patchable):
    before = weights(network)
    file = lora(tmp_path / "a.safetensors", SHAPES)
    patchable.with_patches((Patch(file, 1.0),))
    patchable.with_patches((Patch(file, 0.0),))
    assert all(torch.equal(weight, before[name]) for name, weight in network.named_parameters())


def test_loras_in_a_row_add_up(tmp_path, network, patchable):
    before = weights(network)["conv.weight"]
    first = lora(tmp_path / "a.safetensors", ["conv"], seed=1)
    second = lora(tmp_path / "b.safetensors", ["conv", "point"], seed=2)
    changes = []
    for patches in [(Patch(first, 1.0),), (Patch(second, 0.5),)]:
        patchable.with_patches(patches)
        changes.append(network.conv.weight - before)
    patchable.with_patches((Patch(first, 1.0), Patch(second, 0.5)))
    assert torch.allclose(network.conv.weight, before + sum(changes), atol=1e-5)


def test_without_alpha_the_product_counts_as_it_is(tmp_path, network, patchable):
    before = weights(network)["point.weight"]
    file = lora(tmp_path / "a.safetensors", ["point"], alpha=None)
    patchable.with_patches((Patch(file, 1.0),))
    up, down = (file.tensors[f"lora_unet_point.lora_{end}.weight"] for end in ("up", "down"))
    assert torch.allclose(
        network.point.weight - before, (up.flatten(1) @ down.flatten(1)).view_as(before), atol=1e-5
    )


def test_a_wrong_shape_leaves_the_layer_and_is_reported(tmp_path, network, patchable, caplog):
    before = weights(network)
    tensors = {
        "lora_unet_point.lora_up.weight": torch.ones(7, 2),
        "lora_unet_point.lora_down.weight": torch.ones(2, 3),
    }
    save_file(tensors, tmp_path / "a.safetensors")
    patchable.with_patches((Patch(loras.read(tmp_path / "a.safetensors"), 1.0),))
    assert torch.equal(network.point.weight, before["point.weight"])
    assert "ERROR lora point.weight" in caplog.text


def test_unmatched_tensors_are_named(tmp_path, patchable, caplog):
    file = lora(tmp_path / "a.safetensors", ["point"])
    save_file(file.tensors | {"lora_te_x.alpha": torch.tensor(1.0)}, tmp_path / "b.safetensors")
    with caplog.at_level(logging.WARNING):
        loras.report_unused(loras.read(tmp_path / "b.safetensors"), [patchable])
    assert [record.getMessage() for record in caplog.records] == [
        "lora key not loaded: lora_te_x.alpha"
    ]


def test_peft_names_are_read_too(tmp_path, network, patchable):
    before = weights(network)
    tensors = {
        "unet.attn.to_q.lora_B.weight": torch.ones(4, 2),
        "unet.attn.to_q.lora_A.weight": torch.ones(2, 6),
    }
    save_file(tensors, tmp_path / "a.safetensors")
    patchable.with_patches((Patch(loras.read(tmp_path / "a.safetensors"), 1.0),))
    assert torch.allclose(network.attn["to_q"].weight, before["attn.to_q.weight"] + 2, atol=1e-6)


def test_a_precision_rounds_the_original_and_the_merged_weights(tmp_path, network):
    exact = network.point.weight.clone()
    rounded = Patchable(network, "unet", torch.float16)
    assert torch.equal(network.point.weight, exact.half().float())
    rounded.with_patches((Patch(lora(tmp_path / "a.safetensors", ["point"]), 1 / 3),))
    assert torch.equal(network.point.weight, network.point.weight.half().float())


def test_a_replaced_file_is_read_again(tmp_path):
    first = lora(tmp_path / "a.safetensors", ["point"], seed=1)
    assert loras.read(tmp_path / "a.safetensors") is first
    second = lora(tmp_path / "a.safetensors", ["point", "conv"], seed=2)
    assert second is not first


@pytest.mark.parametrize(
    "name",
    [
        "lora_te_text_model_encoder_layers_0_mlp_fc1",
        "lora_te1_text_model_encoder_layers_0_mlp_fc1",
        "text_encoder.text_model.encoder.layers.0.mlp.fc1",
        "text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1",
    ],
)
def test_the_text_encoders_names_are_known(tmp_path, name):
    layers = nn.ModuleList([nn.ModuleDict({"mlp": nn.ModuleDict({"fc1": nn.Linear(2, 2)})})])
    encoder = nn.ModuleDict({"encoder": nn.ModuleDict({"layers": layers})}).requires_grad_(False)
    before = layers[0]["mlp"]["fc1"].weight.clone()
    tensors = {
        f"{name}.lora_up.weight": torch.ones(2, 1),
        f"{name}.lora_down.weight": torch.ones(1, 2),
    }
    save_file(tensors, tmp_path / "a.safetensors")
    file = loras.read(tmp_path / "a.safetensors")
    Patchable(encoder, "text_encoder").with_patches((Patch(file, 1.0),))
    assert torch.allclose(layers[0]["mlp"]["fc1"].weight, before + 1)


@torch.inference_mode()
def test_a_convolution_that_keeps_its_blocks_takes_a_lora_and_gives_it_back(
    tmp_path, network, patchable, monkeypatch
):
    picture = torch.randn(1, 3, 8, 8)
    monkeypatch.setattr(packed, "NARROWEST", 1)
    packed.pack(network)
    assert isinstance(network.conv, packed.PackedConv2d)
    before = network.conv(picture)
    file = lora(tmp_path / "a.safetensors", ["conv"])
    patchable.with_patches((Patch(file, 0.6),))
    expected = nn.functional.conv2d(picture, network.conv.weight, network.conv.bias)
    assert torch.allclose(network.conv(picture), expected, atol=1e-5)
    assert not torch.allclose(before, expected, atol=0.1)
    patchable.with_patches(())
    assert torch.equal(network.conv(picture), before)


@pytest.mark.parametrize(
    ("suffix", "tensor", "said"),
    [
        (".alpha", torch.ones(2), "alpha should be one number, it is [2]"),
        (".dora_scale", torch.tensor(1.0), "dora_scale [] on"),
        (".lora_mid.weight", torch.tensor(1.0), "mid []"),
        (".lora_up.weight", torch.ones(0, 4), "up [0, 4]"),
    ],
)
def test_what_no_product_can_have_leaves_the_layer_and_is_reported(
    tmp_path, network, patchable, caplog, suffix, tensor, said
):
    path = tmp_path / "a.safetensors"
    name = "lora_unet_attn_to_q"
    file = lora(path, ["attn_to_q"])
    save_file({**file.tensors, f"{name}{suffix}": tensor}, path)
    before = weights(network)
    patchable.with_patches((Patch(loras.read(path), 1.0),))
    assert all(torch.equal(weight, before[key]) for key, weight in weights(network).items())
    assert "ERROR lora" in caplog.text and said in caplog.text
