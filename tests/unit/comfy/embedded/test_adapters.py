"""Every kind of module: its formula, that it is read as what it is, and that checks agree."""

import logging
from typing import get_args

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from lorabench.comfy.embedded import adapters, loras
from lorabench.comfy.embedded.loras import Patch, Patchable
from lorabench.lora import base_layers
from lorabench.lora import modules as lora_modules
from lorabench.lora import shapes as lora_shapes

OUT, IN, RANK = 6, 8, 2
LINEAR, CONV = (OUT, IN), (OUT, IN, 3, 3)


def rand(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed + sum(shape)))


def named(kind):
    """Return (shape of the layer, its module's tensors by suffix) of a kind."""
    a, b = rand(OUT, RANK), rand(RANK, IN)
    c, d = rand(OUT, RANK, seed=1), rand(RANK, IN, seed=1)
    alpha = {"alpha": torch.tensor(3.0)}
    loha = {"hada_w1_a": a, "hada_w1_b": b, "hada_w2_a": c, "hada_w2_b": d}
    product = {"lora_up.weight": a, "lora_down.weight": b}
    return {
        "LoRA": (LINEAR, {**product, **alpha}),
        "LoRA in Tucker form": (
            CONV,
            {
                "lora_up.weight": a[..., None, None],
                "lora_down.weight": b[..., None, None],
                "lora_mid.weight": rand(RANK, RANK, 3, 3),
                **alpha,
            },
        ),
        "LoHa": (LINEAR, {**loha, **alpha}),
        "LoHa in Tucker form": (
            CONV,
            {
                "hada_w1_a": a.T,
                "hada_w1_b": b,
                "hada_t1": rand(RANK, RANK, 3, 3),
                "hada_w2_a": c.T,
                "hada_w2_b": d,
                "hada_t2": rand(RANK, RANK, 3, 3, seed=1),
                **alpha,
            },
        ),
        "LoKr": (LINEAR, {"lokr_w1": rand(2, 4), "lokr_w2": rand(3, 2), **alpha}),
        "GLoRA": (
            LINEAR,
            {
                "a1.weight": rand(IN, RANK),
                "a2.weight": b,
                "b1.weight": a,
                "b2.weight": d,
                **alpha,
            },
        ),
        "DoRA": (LINEAR, {**product, **alpha, "dora_scale": rand(1, IN).abs() + 1}),
        "full difference": (CONV, {"diff": rand(*CONV), "diff_b": rand(OUT)}),
        "trained norm": ((OUT,), {"w_norm": rand(OUT), "b_norm": rand(OUT, seed=1)}),
        "replaced weight": (LINEAR, {"set_weight": rand(*LINEAR)}),
        "trained bias": (LINEAR, {"diff_b": rand(OUT)}),
    }[kind]


KINDS = (
    *("LoRA", "LoRA in Tucker form", "LoHa", "LoHa in Tucker form", "LoKr"),
    *("GLoRA", "DoRA", "full difference", "trained norm", "replaced weight", "trained bias"),
)


def described(tensors):
    return lora_modules.describe({key: tuple(value.shape) for key, value in tensors.items()})


def change(kind, strength=1.0):
    """Return what a kind adds to a random weight, the weight, and the tensors by suffix."""
    shape, tensors = named(kind)
    keys = {f"x.{suffix}": tensor for suffix, tensor in tensors.items()}
    (module,) = described(keys).modules
    assert module.form == kind
    weight = rand(*shape, seed=9)
    return adapters.weight_with(module, keys, strength, weight) - weight, weight, tensors


def test_what_is_applied_is_what_is_said_to_be():
    applied = adapters.UPDATES.keys() | {"replaced weight", "trained bias"}
    assert applied == set(get_args(lora_modules.Kind)) - lora_modules.LACKING["embedded"]


def test_a_loha_multiplies_two_products():
    added, _, t = change("LoHa", 0.5)
    expected = (t["hada_w1_a"] @ t["hada_w1_b"]) * (t["hada_w2_a"] @ t["hada_w2_b"])
    assert torch.allclose(added, 0.5 * 3 / RANK * expected, atol=1e-6)


def test_a_lokr_is_a_kronecker_product_of_which_whole_factors_have_no_alpha():
    added, _, t = change("LoKr", 0.5)
    expected = torch.stack(
        [
            torch.stack(
                [t["lokr_w1"][o // 3, i // 2] * t["lokr_w2"][o % 3, i % 2] for i in range(IN)]
            )
            for o in range(OUT)
        ]
    )
    assert torch.allclose(added, 0.5 * expected, atol=1e-6)


def test_a_convolution_in_three_is_their_chain():
    added, _, t = change("LoRA in Tucker form")
    picture = rand(1, IN, 5, 5)
    chain = picture
    for name in ("lora_down", "lora_mid", "lora_up"):
        chain = functional.conv2d(chain, t[f"{name}.weight"])
    assert torch.allclose(functional.conv2d(picture, added), 3 / RANK * chain, atol=1e-4)


def test_a_loha_in_tucker_form_multiplies_two_of_them():
    added, _, t = change("LoHa in Tucker form")
    expected = 3 / RANK
    for n in "12":
        core, a, b = t[f"hada_t{n}"], t[f"hada_w{n}_a"], t[f"hada_w{n}_b"]
        expected = expected * sum(
            a[p][:, None, None, None] * b[r][None, :, None, None] * core[p, r]
            for p in range(RANK)
            for r in range(RANK)
        )
    assert torch.allclose(added, expected, atol=1e-5)


@pytest.mark.parametrize("old", [False, True])
def test_a_glora_acts_through_the_weight_too(old):
    _, tensors = named("GLoRA")
    a1, a2, b1, b2 = (tensors[f"{name}.weight"] for name in ("a1", "a2", "b1", "b2"))
    weight = rand(*LINEAR, seed=9)
    expected = weight + 3 / RANK * (weight @ a1 @ a2 + b1 @ b2)
    if old:
        tensors = dict(zip(tensors, (a2, a1, b2, b1, tensors["alpha"]), strict=True))
    keys = {f"x.{suffix}": tensor for suffix, tensor in tensors.items()}
    (module,) = described(keys).modules
    assert torch.allclose(adapters.weight_with(module, keys, 1.0, weight), expected, atol=1e-5)


def test_a_dora_has_the_norms_that_it_says():
    added, weight, t = change("DoRA")
    norms = (weight + added).norm(dim=0, keepdim=True)
    assert torch.allclose(norms, t["dora_scale"], atol=1e-5)
    half, weight, _ = change("DoRA", 0.5)
    assert torch.allclose(half, added / 2, atol=1e-5)


def test_a_dora_along_the_outputs_is_scaled_by_the_norms_before():
    _, tensors = named("DoRA")
    tensors["dora_scale"] = rand(OUT, 1).abs() + 1
    keys = {f"x.{suffix}": tensor for suffix, tensor in tensors.items()}
    weight = rand(*LINEAR, seed=9)
    (module,) = described(keys).modules
    update = 3 / RANK * tensors["lora_up.weight"] @ tensors["lora_down.weight"]
    expected = (weight + update) * tensors["dora_scale"] / weight.norm(dim=1, keepdim=True)
    assert torch.allclose(adapters.weight_with(module, keys, 1.0, weight), expected, atol=1e-5)


def test_whole_differences_are_added_and_set_weights_are_set():
    for kind, suffix in (("full difference", "diff"), ("trained norm", "w_norm")):
        added, _, t = change(kind, 0.5)
        assert torch.allclose(added, 0.5 * t[suffix], atol=1e-6)
    added, weight, t = change("replaced weight", 0.5)
    assert torch.allclose(weight + added, t["set_weight"], atol=1e-6)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(IN, OUT)
        self.conv = nn.Conv2d(IN, OUT, 3)
        self.norm = nn.GroupNorm(2, OUT)
        self.requires_grad_(False)


def layer_of(shape):
    return {1: "norm", 2: "linear", 4: "conv"}[len(shape)]


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Network()


def file_of(path, kind, halved=False):
    """Return a file with a module of a kind; with `halved`, of a layer with fewer outputs."""
    shape, tensors = named(kind)
    layer = layer_of(shape)
    if halved:
        tensors = {k: torch.cat([v, v]) if v.ndim else v for k, v in tensors.items()}
    save_file(
        {f"lora_unet_{layer}.{suffix}": v.contiguous() for suffix, v in tensors.items()}, path
    )
    return layer, loras.read(path)


def shapes_of(network):
    return {name: tuple(value.shape) for name, value in network.named_parameters()}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_check_lets_pass_is_applied_and_nothing_is_left_behind(
    tmp_path, network, caplog, kind
):
    layer, file = file_of(tmp_path / "a.safetensors", kind)
    layers = base_layers.of_parameters("unet", shapes_of(network))
    (module,) = file.contents.modules
    shapes = {key: tuple(tensor.shape) for key, tensor in file.tensors.items()}
    assert not lora_shapes.misfit(
        module, shapes, layers.shape("unet", layer), layers.bias("unet", layer)
    )
    before = {name: value.clone() for name, value in network.named_parameters()}
    patchable = Patchable(network, "unet")
    with caplog.at_level(logging.WARNING):
        loras.report_unused(file, [patchable])
        patchable.with_patches((Patch(file, 0.5),))
    assert not caplog.records
    changed = {n for n, value in network.named_parameters() if not torch.equal(value, before[n])}
    bias = {f"{layer}.bias"} if {"diff_b", "b_norm"} & module.keys.keys() else set()
    assert changed == bias | ({f"{layer}.weight"} if kind != "trained bias" else set())
    patchable.with_patches(())
    assert all(torch.equal(value, before[name]) for name, value in network.named_parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_check_refuses_leaves_the_layer_and_is_logged(tmp_path, network, caplog, kind):
    layer, file = file_of(tmp_path / "a.safetensors", kind, halved=True)
    layers = base_layers.of_parameters("unet", shapes_of(network))
    (module,) = file.contents.modules
    shapes = {key: tuple(tensor.shape) for key, tensor in file.tensors.items()}
    try:
        odd = lora_shapes.misfit(
            module, shapes, layers.shape("unet", layer), layers.bias("unet", layer)
        )
    except ValueError as error:
        odd = str(error)
    assert odd
    before = {name: value.clone() for name, value in network.named_parameters()}
    Patchable(network, "unet").with_patches((Patch(file, 0.5),))
    assert f"ERROR lora {layer}" in caplog.text
    assert all(torch.equal(value, before[name]) for name, value in network.named_parameters())


@pytest.mark.parametrize(("blocks", "kind"), [((2, 3, 3), "OFT"), ((1, 2, 3, 3), "BOFT")])
def test_what_is_not_applied_is_logged_as_not_loaded(tmp_path, network, caplog, blocks, kind):
    save_file({"lora_unet_linear.oft_blocks": rand(*blocks)}, tmp_path / "a.safetensors")
    file = loras.read(tmp_path / "a.safetensors")
    assert [module.kind for module in file.contents.modules] == [kind]
    loras.report_unused(file, [Patchable(network, "unet")])
    assert "lora key not loaded: lora_unet_linear.oft_blocks" in caplog.text


def test_where_comfyui_fails_a_layer_stays_and_that_is_logged(tmp_path, network, caplog):
    tensors = {
        "lokr_w1": rand(2, 4),
        "lokr_w2_a": rand(RANK, 3),
        "lokr_w2_b": rand(RANK, 2),
        "lokr_t2": rand(RANK, RANK, 3, 3),
    }
    named = {f"lora_unet_conv.{suffix}": tensor for suffix, tensor in tensors.items()}
    _, bias = file_of(tmp_path / "b.safetensors", "full difference")
    save_file(named, tmp_path / "a.safetensors")
    file = loras.read(tmp_path / "a.safetensors")
    assert [module.form for module in file.contents.modules] == ["LoKr in Tucker form"]
    before = network.conv.weight.clone()
    patchable = Patchable(network, "unet")
    patchable.with_patches((Patch(file, 1.0),))
    assert torch.equal(network.conv.weight, before)
    assert "ERROR lora conv.weight view size is not compatible" in caplog.text
    patchable.with_patches((Patch(file, 1.0), Patch(bias, 1.0)))
    assert not torch.equal(network.conv.weight, before)


@pytest.mark.parametrize("error", [MemoryError, torch.cuda.OutOfMemoryError, KeyboardInterrupt])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_merge_that_fails_gives_the_originals_back(tmp_path, network, monkeypatch, error, at):
    tensors = {}
    for kind in ("LoRA", "full difference", "trained norm"):
        shape, found = named(kind)
        tensors |= {f"lora_unet_{layer_of(shape)}.{k}": v for k, v in found.items()}
    save_file(tensors, tmp_path / "a.safetensors")
    patches = (Patch(loras.read(tmp_path / "a.safetensors"), 1.0),)
    before = {name: value.clone() for name, value in network.named_parameters()}
    patchable = Patchable(network, "unet")
    calls = []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == at:
            raise error
        return real(*arguments)

    real = adapters.weight_with
    monkeypatch.setattr(adapters, "weight_with", failing)
    with pytest.raises(error):
        patchable.with_patches(patches)
    assert all(torch.equal(value, before[name]) for name, value in network.named_parameters())
    patchable.with_patches(())  # weight 0
    assert all(torch.equal(value, before[name]) for name, value in network.named_parameters())
    patchable.with_patches(patches)
    assert not torch.equal(network.linear.weight, before["linear.weight"])


def test_another_lora_with_a_vector_for_a_matrix_spoils_nothing(tmp_path, network, caplog):
    _, good = file_of(tmp_path / "a.safetensors", "LoRA")
    tensors = {
        "lora_unet_conv.lora_up.weight": torch.ones(OUT),
        "lora_unet_conv.lora_down.weight": torch.ones(OUT),
    }
    save_file(tensors, tmp_path / "b.safetensors")
    bad = loras.read(tmp_path / "b.safetensors")
    before = network.linear.weight.clone()
    patchable = Patchable(network, "unet")
    patchable.with_patches((Patch(good, 1.0), Patch(bad, 1.0)))
    assert "ERROR lora conv.weight" in caplog.text
    assert not torch.equal(network.linear.weight, before)
    patchable.with_patches(())
    assert torch.equal(network.linear.weight, before)
