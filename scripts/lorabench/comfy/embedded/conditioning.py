"""Encode prompts as what the UNet is told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lorabench.base import conditions
from lorabench.base.conditions import SDXL_LAYER, Sizes, TextEncoder
from lorabench.base.networks import CLIPTokenizer
from lorabench.comfy.embedded import prompt_text
from lorabench.comfy.embedded.prompt_text import Frame, Token

Chunks = list[list[Token]]


@dataclass(frozen=True, eq=False)
class Conditioning:
    """The value of a CONDITIONING socket: a text, and for SDXL what else the UNet is told.

    `features` are float32 [1, chunks * length, width], `pooled` [1, width]. Without `sizes`, they
    are those of the picture that is drawn.
    """

    features: Tensor
    pooled: Tensor | None = None
    sizes: Sizes | None = None

    def zeroed(self) -> "Conditioning":
        """Return the same without a text."""
        pooled = None if self.pooled is None else torch.zeros_like(self.pooled)
        return replace(self, features=torch.zeros_like(self.features), pooled=pooled)


def encode(
    text: str,
    tokenizer: CLIPTokenizer,
    encoders: Sequence[TextEncoder],
    last_layer: int | None,
    other_text: str | None = None,
) -> Conditioning:
    """Return the conditioning of `text`; `other_text` is that of SDXL's second encoder, if given.

    `last_layer` counts from the end: -1 is the last one, -2 skips one. None, and numbers before an
    encoder's first, stand for the family's own: the last in SD1.x, after the final norm as each
    layer there; -2 in SDXL, always without that norm. A token's weight moves its embedding away
    from the empty prompt's at the same place: e = empty + weight * (e - empty).
    """
    first, *others = encoders
    end = tokenizer.eos_token_id
    frame = _frame(tokenizer, first, end)
    parts = _chunks(text, tokenizer, frame)
    if not others:
        return Conditioning(_weighted(parts, frame, first, last_layer, None)[0])
    (second,) = others
    other_frame = _frame(tokenizer, second, conditions.SDXL_PADDING)
    other_parts = _chunks(text if other_text is None else other_text, tokenizer, other_frame)
    if other_text is not None:  # two texts of their own are made equally long
        parts += [frame.around([])] * (len(other_parts) - len(parts))
        other_parts += [other_frame.around([])] * (len(parts) - len(other_parts))
    small, _ = _weighted(parts, frame, first, last_layer, SDXL_LAYER)
    large, last = _weighted(other_parts, other_frame, second, last_layer, SDXL_LAYER)
    shorter = min(small.shape[1], large.shape[1])
    tokens = _ids(other_parts[:1], second)
    pooled = conditions.pooled(second, last[:1], tokens, end).float().cpu()
    return Conditioning(torch.cat([small[:, :shorter], large[:, :shorter]], dim=-1), pooled)


def _frame(tokenizer: CLIPTokenizer, encoder: TextEncoder, padding: int) -> Frame:
    length = encoder.config.max_position_embeddings
    return Frame(length, tokenizer.bos_token_id, tokenizer.eos_token_id, padding)


def _chunks(text: str, tokenizer: CLIPTokenizer, frame: Frame) -> Chunks:
    # verbose=False: we cut texts that are too long for the encoder into chunks
    return prompt_text.chunks(
        text, lambda words: tokenizer(words, verbose=False)["input_ids"][1:-1], frame
    )


def _weighted(
    parts: Chunks, frame: Frame, encoder: TextEncoder, last_layer: int | None, usual: int | None
) -> tuple[Tensor, Tensor]:
    """Return the features of chunks in a row, and their states after the final norm.

    `usual` is the family's own layer from the end; None for the last, after that norm.
    """
    if all(token.weight == 1.0 for part in parts for token in part):
        hidden, last = _hidden(parts, encoder, last_layer, usual)
        return hidden.flatten(0, 1)[None], last
    all_hidden, last = _hidden([*parts, frame.around([])], encoder, last_layer, usual)
    *hidden, empty = all_hidden
    weights = torch.tensor([[token.weight for token in part] for part in parts])
    weights = weights[..., None].to(empty)
    plain = torch.stack(hidden)
    weighted = torch.where(weights == 1, plain, (plain - empty) * weights + empty)
    return weighted.flatten(0, 1)[None], last


def _hidden(
    parts: Chunks, encoder: TextEncoder, last_layer: int | None, usual: int | None
) -> tuple[Tensor, Tensor]:
    inside = last_layer is not None and -last_layer <= encoder.config.num_hidden_layers
    layer = -last_layer if inside else usual
    normed = usual is None
    hidden, last = conditions.states(encoder, _ids(parts, encoder), layer, normed)
    return hidden.float().cpu(), last  # the encoders need not be on one device


def _ids(parts: Chunks, encoder: TextEncoder) -> Tensor:
    return torch.tensor([[token.id for token in part] for part in parts], device=encoder.device)
