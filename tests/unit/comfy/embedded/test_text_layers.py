import torch
from torch import nn

from lorabench.comfy.embedded import text_layers


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        kinds = ("attn1", "attn2")
        self.attentions = nn.ModuleDict({kind: nn.Module() for kind in kinds})
        for attention in self.attentions.values():
            attention.to_q, attention.to_k, attention.to_v = (nn.Linear(4, 4) for _ in "qkv")


@torch.inference_mode()
def test_a_text_is_computed_once_and_another_anew():
    block = Block()
    layer = block.attentions["attn2"].to_k
    text, other = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    expected = layer(text), layer(other)
    text_layers.keep(block)
    kept = layer(text)
    assert torch.equal(kept, expected[0]) and layer(text) is kept
    assert torch.equal(layer(other), expected[1])


def test_only_keys_and_values_of_the_text_are_kept():
    block = Block()
    text_layers.keep(block)
    kept = [
        name for name, layer in block.named_modules() if isinstance(layer, text_layers.TextLinear)
    ]
    assert kept == ["attentions.attn2.to_k", "attentions.attn2.to_v"]
