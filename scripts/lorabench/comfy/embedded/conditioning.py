"""Encode prompts as the tensors for the UNet."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lorabench.comfy.embedded import prompt_text
from lorabench.comfy.embedded.prompt_text import Frame, Token

if TYPE_CHECKING:
    from transformers import CLIPTextModel, CLIPTokenizer


def encode(
    text: str, tokenizer: "CLIPTokenizer", encoder: "CLIPTextModel", last_layer: int | None
) -> Tensor:
    """Return the conditioning of `text`, float32 of shape [1, chunks * length, width].

    `last_layer` counts from the end (-1 is the last one, -2 skips one; None and numbers before the
    first mean the last). The final layer norm is always applied. A token's weight moves its
    embedding away from the empty prompt's at the same place: e = empty + weight * (e - empty).
    """
    frame = Frame(
        length=encoder.config.max_position_embeddings,
        start=tokenizer.bos_token_id,
        end=tokenizer.eos_token_id,
    )
    # verbose=False: we cut texts that are too long for the encoder into chunks
    parts = prompt_text.chunks(
        text, lambda words: tokenizer(words, verbose=False)["input_ids"][1:-1], frame
    )
    if all(token.weight == 1.0 for part in parts for token in part):
        return _hidden(parts, encoder, last_layer).flatten(0, 1)[None]
    *hidden, empty = _hidden([*parts, frame.around([])], encoder, last_layer)
    weights = torch.tensor([[token.weight for token in part] for part in parts])
    weights = weights[..., None].to(empty)
    plain = torch.stack(hidden)
    weighted = torch.where(weights == 1, plain, (plain - empty) * weights + empty)
    return weighted.flatten(0, 1)[None]


def _hidden(parts: list[list[Token]], encoder: "CLIPTextModel", last_layer: int | None) -> Tensor:
    ids = torch.tensor([[token.id for token in part] for part in parts], device=encoder.device)
    if last_layer is None or -last_layer > encoder.config.num_hidden_layers:
        return encoder(ids).last_hidden_state.float()
    hidden = encoder(ids, output_hidden_states=True).hidden_states[last_layer]
    return encoder.final_layer_norm(hidden).float()
