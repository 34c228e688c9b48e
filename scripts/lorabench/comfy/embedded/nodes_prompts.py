"""The functions of the nodes that `catalog_prompts` declares; see `nodes`."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from lorabench.base.conditions import PIXELS
from lorabench.comfy.embedded import prompts
from lorabench.comfy.embedded.conditioning import Conditioning
from lorabench.comfy.embedded.context import Context
from lorabench.comfy.embedded.prompts import Prompts


def combine(_context: Context, conditioning_1: Prompts, conditioning_2: Prompts) -> tuple[Prompts]:
    """ConditioningCombine."""
    return (conditioning_1 + conditioning_2,)


def concat(
    _context: Context, conditioning_to: Prompts, conditioning_from: Prompts
) -> tuple[Prompts]:
    """ConditioningConcat."""
    return (prompts.concatenated(conditioning_to, conditioning_from),)


def average(
    _context: Context,
    conditioning_to: Prompts,
    conditioning_from: Prompts,
    conditioning_to_strength: float,
) -> tuple[Prompts]:
    """ConditioningAverage."""
    strength = conditioning_to_strength
    return (prompts.averaged(conditioning_to, conditioning_from, strength),)


def zero_out(_context: Context, conditioning: Prompts) -> tuple[Prompts]:
    """ConditioningZeroOut."""
    return (prompts.retold(conditioning, Conditioning.zeroed),)


def set_area(
    _context: Context,
    conditioning: Prompts,
    width: int,
    height: int,
    x: int,
    y: int,
    strength: float,
) -> tuple[Prompts]:
    """ConditioningSetArea."""
    area = tuple(side // PIXELS for side in (height, width, y, x))
    return (_bounded(conditioning, area, strength, in_shares=False),)


def set_area_in_shares(
    _context: Context,
    conditioning: Prompts,
    width: float,
    height: float,
    x: float,
    y: float,
    strength: float,
) -> tuple[Prompts]:
    """ConditioningSetAreaPercentage."""
    return (_bounded(conditioning, (height, width, y, x), strength, in_shares=True),)


def _bounded(
    conditioning: Prompts, area: tuple[float, ...], strength: float, *, in_shares: bool
) -> Prompts:
    bounds = {"area": area, "in_shares": in_shares, "strength": strength, "mask_bounds": False}
    return prompts.bounded(conditioning, **bounds)


def set_strength(_context: Context, conditioning: Prompts, strength: float) -> tuple[Prompts]:
    """ConditioningSetAreaStrength."""
    return (prompts.bounded(conditioning, strength=strength),)


def set_mask(
    _context: Context,
    conditioning: Prompts,
    mask: Tensor,
    strength: float,
    set_cond_area: str,
) -> tuple[Prompts]:
    """ConditioningSetMask."""
    bounds = {"mask_strength": strength, "mask_bounds": set_cond_area != "default"}
    return (prompts.bounded(conditioning, mask=mask, **bounds),)


def set_range(_context: Context, conditioning: Prompts, start: float, end: float) -> tuple[Prompts]:
    """ConditioningSetTimestepRange."""
    return (prompts.bounded(conditioning, start=start, end=end),)


RUN: dict[str, Callable[..., Any]] = {
    "ConditioningCombine": combine,
    "ConditioningConcat": concat,
    "ConditioningAverage": average,
    "ConditioningZeroOut": zero_out,
    "ConditioningSetArea": set_area,
    "ConditioningSetAreaPercentage": set_area_in_shares,
    "ConditioningSetAreaStrength": set_strength,
    "ConditioningSetMask": set_mask,
    "ConditioningSetTimestepRange": set_range,
}
