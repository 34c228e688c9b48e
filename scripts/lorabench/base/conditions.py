"""What a UNet is told besides the noised picture: the text, and with SDXL its size."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lorabench.base.networks import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    UNet2DConditionModel,
)

PIXELS = 8
"""Of a picture's edge for each of its latents."""
SDXL_LAYER = 2
"""The layer, from the end, whose states SDXL reads in both encoders, without the final norm."""
SDXL_PADDING = 0
"""The token that fills the rest of a text for SDXL's second encoder, as it was trained."""

TextEncoder = CLIPTextModel | CLIPTextModelWithProjection
Sizes = tuple[int, int, int, int, int, int]
"""Of a picture for SDXL, in px: height and width of the original, top and left of the part that
was cut out, height and width of that part."""


class Text(NamedTuple):
    """Texts as the UNet reads them: features [N, L, D], and for SDXL pooled ones [N, P]."""

    features: Tensor
    pooled: Tensor | None = None

    def to(self, where: torch.device | torch.dtype | str) -> "Text":
        """Return the same on a device, or in a precision."""
        pooled = None if self.pooled is None else self.pooled.to(where)
        return Text(self.features.to(where), pooled)


def joined(texts: Sequence[Text]) -> Text:
    """Return texts as one batch."""
    pooled = [text.pooled for text in texts if text.pooled is not None]
    return Text(torch.cat([text.features for text in texts]), torch.cat(pooled) if pooled else None)


def sizes_of(latents: Tensor) -> Sizes:
    """Return the sizes of pictures that are used whole, given their latents [N, C, h, w].

    Both trainers get pictures that were cut to their bucket before. sd-scripts, which measures the
    files that it reads, gives these numbers for them, and ComfyUI for a picture that is drawn.
    """
    height, width = (edge * PIXELS for edge in latents.shape[-2:])
    return height, width, 0, 0, height, width


def told(text: Text, sizes: Sequence[Sizes]) -> dict[str, Any]:
    """Return the arguments of a UNet for `text`; `sizes` are those of each picture, for SDXL."""
    if text.pooled is None:
        return {"encoder_hidden_states": text.features}
    numbers = torch.tensor(sizes, dtype=torch.float32, device=text.pooled.device)
    added = {"text_embeds": text.pooled, "time_ids": numbers}
    return {"encoder_hidden_states": text.features, "added_cond_kwargs": added}


def predicted(unet: UNet2DConditionModel, latents: Tensor, timesteps: Any, text: Text) -> Tensor:
    """Return the UNet's output for `latents` [N, C, h, w], those of whole pictures."""
    return unet(latents, timesteps, **told(text, [sizes_of(latents)] * len(latents))).sample


def encoded(
    captions: Sequence[str],
    tokenizer: CLIPTokenizer,
    encoders: Sequence[TextEncoder],
    clip_skip: int = 1,
) -> Text:
    """Return captions as the UNet reads them; what is longer than the encoder is cut.

    One encoder gives the layer `clip_skip` from the end through the final norm, as in SD1.x; two
    give SDXL's features.
    """
    first, *others = encoders
    tokens = tokenizer(
        list(captions),
        padding="max_length",
        truncation=True,
        max_length=first.config.max_position_embeddings,
        return_tensors="pt",
    ).input_ids.to(first.device)
    if not others:
        return Text(states(first, tokens, None if clip_skip == 1 else clip_skip)[0])
    (second,) = others
    other_tokens = filled_up(tokens, tokenizer.eos_token_id)
    small, _ = states(first, tokens, SDXL_LAYER, normed=False)
    large, last = states(second, other_tokens, SDXL_LAYER, normed=False)
    return Text(
        torch.cat([small, large], dim=-1), pooled(second, last, tokens, tokenizer.eos_token_id)
    )


def states(
    encoder: TextEncoder, tokens: Tensor, layer: int | None, normed: bool = True
) -> tuple[Tensor, Tensor]:
    """Return the hidden states [N, L, D] of a layer from the end, and those after the last norm.

    `layer` None stands for the latter; `normed` has the final norm applied to an earlier one.
    """
    inner = encoder.text_model if isinstance(encoder, CLIPTextModelWithProjection) else encoder
    if layer is None:
        last = inner(tokens).last_hidden_state
        return last, last
    found = inner(tokens, output_hidden_states=True)
    chosen = found.hidden_states[-layer]
    return (inner.final_layer_norm(chosen) if normed else chosen), found.last_hidden_state


def pooled(encoder: TextEncoder, last: Tensor, tokens: Tensor, end: int) -> Tensor:
    """Return the projected state [N, P] of each text at its first end token, by SDXL's second."""
    assert isinstance(encoder, CLIPTextModelWithProjection)
    where = (tokens == end).int().argmax(dim=1)
    return encoder.text_projection(last[torch.arange(len(last), device=last.device), where])


def filled_up(tokens: Tensor, end: int) -> Tensor:
    """Return tokens [N, L] with SDXL's padding after the first end token."""
    after = (tokens == end).cumsum(dim=1) - (tokens == end).int() > 0
    return tokens.masked_fill(after, SDXL_PADDING)
