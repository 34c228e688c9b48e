"""Frozen convolutions that keep their weights in the layout in which a CPU computes.

PyTorch's CPU library (oneDNN) computes with blocks of channels. From a plain weight it makes them
anew in each call, which for wide layers and few pixels takes several times as long as the
convolution itself (docs/performance.md).
"""

from typing import Any

import torch
import torch.nn.grad
from torch import Tensor, nn

NARROWEST = 640
"""Of fewer channels, PyTorch is as fast without, or faster."""


class PackedConv2d(nn.Conv2d):
    """A frozen convolution in float32 on a CPU; `forget` its blocks when its weight changes."""

    _blocks: Tensor | None = None
    _blocks_back: Tensor | None = None

    def forward(self, input: Tensor) -> Tensor:
        """Return the convolution of `input`."""
        if input.requires_grad and torch.is_grad_enabled():
            return _Convolution.apply(input, self)
        return self.convolved(input)

    def convolved(self, input: Tensor) -> Tensor:
        """Return the convolution without what a gradient needs."""
        shape = (self.padding, self.stride, self.dilation, self.groups)
        if self._blocks is None:
            self._blocks = _blocks(self.weight.detach(), shape, input)
        return _convolve(input, self._blocks, self.bias, shape)

    def gradient(self, size: torch.Size, output: Tensor) -> Tensor:
        """Return the gradient of an input of this size for that of the output.

        With a stride of 1, it is the convolution by the weight turned around.
        """
        if self.stride != (1, 1) or self.groups != 1:
            return torch.nn.grad.conv2d_input(
                size, self.weight, output, self.stride, self.padding, self.dilation, self.groups
            )
        padding = [
            apart * (side - 1) - int(before)
            for apart, side, before in zip(
                self.dilation, self.kernel_size, self.padding, strict=True
            )
        ]
        shape = (padding, self.stride, self.dilation, 1)
        if self._blocks_back is None:
            turned = self.weight.detach().flip(2, 3).transpose(0, 1).contiguous()
            self._blocks_back = _blocks(turned, shape, output)
        return _convolve(output, self._blocks_back, None, shape)

    def forget(self) -> None:
        """Make the blocks from the weight again, when they are next needed."""
        self._blocks = self._blocks_back = None


class _Convolution(torch.autograd.Function):
    """The convolution with the gradient of its input, the only one that a frozen layer has."""

    @staticmethod
    # pyrefly: ignore[bad-override] (the parent's is declared for any arguments)
    def forward(ctx: Any, input: Tensor, layer: PackedConv2d) -> Tensor:
        ctx.layer, ctx.size = layer, input.shape
        return layer.convolved(input)

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> tuple[Tensor, None]:
        return ctx.layer.gradient(ctx.size, outputs[0]), None


def pack(network: nn.Module) -> None:
    """Have the frozen convolutions of a network keep their blocks, where that helps."""
    if not torch.backends.mkldnn.is_available():
        return
    for layer in network.modules():
        if type(layer) is nn.Conv2d and _gains(layer):
            layer.__class__ = PackedConv2d


def _gains(layer: nn.Conv2d) -> bool:
    weight = layer.weight
    on_cpu = weight.device.type == "cpu" and weight.dtype == torch.float32
    usual = layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    wide = min(layer.in_channels, layer.out_channels) >= NARROWEST
    return on_cpu and usual and wide and not weight.requires_grad


def _blocks(weight: Tensor, shape: tuple[Any, ...], input: Tensor) -> Tensor:
    plain = weight.to_mkldnn()
    return torch.ops.aten.mkldnn_reorder_conv2d_weight(plain, *shape, input.shape)


def _convolve(input: Tensor, blocks: Tensor, bias: Tensor | None, shape: tuple[Any, ...]) -> Tensor:
    convolve = torch.ops.mkldnn._convolution_pointwise
    return convolve(input.contiguous(), blocks, bias, *shape, "none", [], "")
