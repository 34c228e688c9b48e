"""The value of a CONDITIONING socket: texts, each with where, when and how strongly it counts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lorabench.comfy.embedded.conditioning import Conditioning

Area = tuple[float, float, float, float]
"""Height, width, top, left: in latents, or as shares of the picture."""


@dataclass(frozen=True, eq=False)
class Prompt:
    """What the UNet is told, and its bounds.

    `area` is where it counts, in latents, or in shares if `in_shares`; `strength` its weight there.
    `mask`, float32 [masks, h, w] of any size, weighs each place, times `mask_strength`; with
    `mask_bounds` the mask's bounding box is the area. `start` and `end` are the shares of the
    timesteps between which it counts.
    """

    told: Conditioning
    area: Area | None = None
    in_shares: bool = False
    strength: float = 1.0
    mask: Tensor | None = None
    mask_strength: float = 1.0
    mask_bounds: bool = False
    start: float = 0.0
    end: float = 1.0


Prompts = tuple[Prompt, ...]


def bounded(prompts: Prompts, **bounds: Any) -> Prompts:
    """Return each prompt with other bounds, by the names of `Prompt`."""
    return tuple(replace(prompt, **bounds) for prompt in prompts)


def retold(prompts: Prompts, change: Callable[[Conditioning], Conditioning]) -> Prompts:
    """Return each prompt with another text."""
    return tuple(replace(prompt, told=change(prompt.told)) for prompt in prompts)


def concatenated(to: Prompts, other: Prompts) -> Prompts:
    """Return each text with the first one of `other` behind it; SDXL's pooled text stays."""

    def longer(told: Conditioning) -> Conditioning:
        features = torch.cat([told.features, other[0].told.features], dim=1)
        return replace(told, features=features)

    return retold(to, longer)


def averaged(to: Prompts, other: Prompts, strength: float) -> Prompts:
    """Return each text times `strength` plus the first one of `other` times the rest.

    The other text is cut, or filled with zeros, to the same length.
    """
    second = other[0].told

    def mixed(told: Conditioning) -> Conditioning:
        filled = torch.zeros_like(told.features)
        common = min(told.features.shape[1], second.features.shape[1])
        filled[:, :common] = second.features[:, :common]
        features = told.features * strength + filled * (1 - strength)
        if told.pooled is None or second.pooled is None:
            return replace(told, features=features)
        pooled = told.pooled * strength + second.pooled * (1 - strength)
        return replace(told, features=features, pooled=pooled)

    return retold(to, mixed)
