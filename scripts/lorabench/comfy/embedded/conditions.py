"""The value of a CONDITIONING socket: texts, each with where, when and how strongly it counts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lorabench.base.unet_inputs import Sizes

Area = tuple[float, float, float, float]
"""Height, width, top, left: in latents, or as shares of the picture."""


@dataclass(frozen=True)
class Condition:
    """A text, features float32 [1, tokens, width], what else SDXL is told, and its bounds.

    `pooled` is SDXL's [1, width]; without `sizes` they are those of the picture that is drawn.
    `area` is where it counts, in latents, or in shares if `in_shares`; `strength` its weight there.
    `mask`, float32 [masks, h, w] of any size, weighs each place, times `mask_strength`; with
    `mask_bounds` the mask's bounding box is the area. `start` and `end` are the shares of the
    timesteps between which it counts.
    """

    text: Tensor
    pooled: Tensor | None = None
    sizes: Sizes | None = None
    area: Area | None = None
    in_shares: bool = False
    strength: float = 1.0
    mask: Tensor | None = None
    mask_strength: float = 1.0
    mask_bounds: bool = False
    start: float = 0.0
    end: float = 1.0


Conditioning = tuple[Condition, ...]


def changed(conditioning: Conditioning, **changes: Any) -> Conditioning:
    """Return each condition with other bounds, by the names of `Condition`."""
    return tuple(replace(condition, **changes) for condition in conditioning)


def with_texts(conditioning: Conditioning, change: Callable[[Tensor], Tensor]) -> Conditioning:
    """Return each condition with its text changed."""
    return tuple(replace(each, text=change(each.text)) for each in conditioning)


def zeroed(conditioning: Conditioning) -> Conditioning:
    """Return each condition without its text."""

    def nothing(each: Condition) -> Condition:
        pooled = None if each.pooled is None else torch.zeros_like(each.pooled)
        return replace(each, text=torch.zeros_like(each.text), pooled=pooled)

    return tuple(map(nothing, conditioning))


def concatenated(to: Conditioning, other: Conditioning) -> Conditioning:
    """Return each text with the first one of `other` behind it."""
    return with_texts(to, lambda text: torch.cat([text, other[0].text], dim=1))


def averaged(to: Conditioning, other: Conditioning, strength: float) -> Conditioning:
    """Return each text times `strength` plus the first one of `other` times the rest.

    The other text is cut, or filled with zeros, to the same length. Pooled texts are mixed, too.
    """
    other_pooled = other[0].pooled

    def mixed(text: Tensor) -> Tensor:
        second = torch.zeros_like(text)
        common = min(text.shape[1], other[0].text.shape[1])
        second[:, :common] = other[0].text[:, :common]
        return text * strength + second * (1 - strength)

    def mixed_pooled(pooled: Tensor | None) -> Tensor | None:
        if pooled is None or other_pooled is None:
            return other_pooled if pooled is None else pooled
        return pooled * strength + other_pooled * (1 - strength)

    return tuple(
        replace(each, text=mixed(each.text), pooled=mixed_pooled(each.pooled)) for each in to
    )
