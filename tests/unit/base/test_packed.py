import copy

import pytest
import torch
from torch import nn

from lorabench.base import packed

CONVOLUTIONS = {
    "three by three": nn.Conv2d(16, 24, 3, padding=1),
    "halving": nn.Conv2d(16, 24, 3, stride=2, padding=1),
    "one by one": nn.Conv2d(16, 24, 1),
    "without a bias": nn.Conv2d(16, 24, 3, bias=False),
    "in groups": nn.Conv2d(16, 24, 3, groups=8),
}


@pytest.fixture(params=CONVOLUTIONS)
def pair(request, monkeypatch):
    """A convolution as it is, and one that keeps its blocks."""
    monkeypatch.setattr(packed, "NARROWEST", 1)
    layer = copy.deepcopy(CONVOLUTIONS[request.param]).eval().requires_grad_(False)
    with_blocks = copy.deepcopy(layer)
    packed.pack(with_blocks)
    assert isinstance(with_blocks, packed.PackedConv2d)
    return layer, with_blocks


@torch.inference_mode()
def test_kept_blocks_change_no_picture(pair):
    layer, with_blocks = pair
    for size in ((1, 16, 8, 8), (2, 16, 6, 10)):
        picture = torch.randn(size)
        assert torch.allclose(with_blocks(picture), layer(picture), atol=1e-5)


def test_kept_blocks_change_no_gradient(pair):
    for size in ((1, 16, 8, 8), (2, 16, 6, 10)):
        picture, weighting = torch.randn(size, requires_grad=True), None
        gradients = []
        for one in pair:
            result = one(picture)
            weighting = torch.randn_like(result) if weighting is None else weighting
            gradients.append(torch.autograd.grad((result * weighting).sum(), picture)[0])
        assert torch.allclose(*gradients, atol=1e-5)


@torch.inference_mode()
def test_other_weights_count_once_the_blocks_are_forgotten(pair):
    layer, with_blocks = pair
    picture = torch.randn(1, 16, 8, 8)
    with_blocks(picture)
    for one in pair:
        one.weight.data.mul_(2)
    with_blocks.forget()
    assert torch.allclose(with_blocks(picture), layer(picture), atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect").requires_grad_(False),
        nn.Conv2d(4, 4, 3, padding="same").requires_grad_(False),
        nn.Conv2d(4, 4, 3).bfloat16().requires_grad_(False),
        nn.Conv2d(4, 4, 3),
        nn.Conv2d(4, 3, 3).requires_grad_(False),
    ],
    ids=["reflecting", "padding by name", "half precision", "trained", "narrow"],
)
def test_other_convolutions_stay_as_they_are(layer, monkeypatch):
    monkeypatch.setattr(packed, "NARROWEST", 4)
    packed.pack(layer)
    assert type(layer) is nn.Conv2d
