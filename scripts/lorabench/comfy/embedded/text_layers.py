"""Layers that get the same text in each step of a picture, and compute on it once."""

from torch import Tensor, nn

_OF_TEXT = (".attn2.to_k", ".attn2.to_v")


class TextLinear(nn.Linear):
    """A linear layer that keeps its last output, until it gets another tensor.

    Other weights need another tensor, too: the sampler makes a new one for each picture.
    """

    _text: Tensor | None = None
    _output: Tensor

    def forward(self, input: Tensor) -> Tensor:
        """Return the layer's output for `input`."""
        if input is not self._text:
            self._text, self._output = input, super().forward(input)
        return self._output


def keep(unet: nn.Module) -> None:
    """Have the layers of a UNet that turn text into keys and values keep them."""
    for name, layer in unet.named_modules():
        if name.endswith(_OF_TEXT) and type(layer) is nn.Linear:
            layer.__class__ = TextLinear
