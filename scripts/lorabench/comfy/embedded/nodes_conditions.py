"""The functions of the nodes that `catalog_conditions` declares; see `nodes`."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from lorabench.comfy.embedded import conditions
from lorabench.comfy.embedded.conditions import Conditioning
from lorabench.comfy.embedded.context import Context
from lorabench.comfy.embedded.latents import PIXELS


def combine(
    _context: Context, conditioning_1: Conditioning, conditioning_2: Conditioning
) -> tuple[Conditioning]:
    """ConditioningCombine."""
    return (conditioning_1 + conditioning_2,)


def concat(
    _context: Context, conditioning_to: Conditioning, conditioning_from: Conditioning
) -> tuple[Conditioning]:
    """ConditioningConcat."""
    return (conditions.concatenated(conditioning_to, conditioning_from),)


def average(
    _context: Context,
    conditioning_to: Conditioning,
    conditioning_from: Conditioning,
    conditioning_to_strength: float,
) -> tuple[Conditioning]:
    """ConditioningAverage."""
    strength = conditioning_to_strength
    return (conditions.averaged(conditioning_to, conditioning_from, strength),)


def zero_out(_context: Context, conditioning: Conditioning) -> tuple[Conditioning]:
    """ConditioningZeroOut."""
    return (conditions.zeroed(conditioning),)


def set_area(
    _context: Context,
    conditioning: Conditioning,
    width: int,
    height: int,
    x: int,
    y: int,
    strength: float,
) -> tuple[Conditioning]:
    """ConditioningSetArea."""
    area = tuple(side // PIXELS for side in (height, width, y, x))
    return (_bounded(conditioning, area, strength, in_shares=False),)


def set_area_in_shares(
    _context: Context,
    conditioning: Conditioning,
    width: float,
    height: float,
    x: float,
    y: float,
    strength: float,
) -> tuple[Conditioning]:
    """ConditioningSetAreaPercentage."""
    return (_bounded(conditioning, (height, width, y, x), strength, in_shares=True),)


def _bounded(
    conditioning: Conditioning, area: tuple[float, ...], strength: float, *, in_shares: bool
) -> Conditioning:
    bounds = {"area": area, "in_shares": in_shares, "strength": strength, "mask_bounds": False}
    return conditions.changed(conditioning, **bounds)


def set_strength(
    _context: Context, conditioning: Conditioning, strength: float
) -> tuple[Conditioning]:
    """ConditioningSetAreaStrength."""
    return (conditions.changed(conditioning, strength=strength),)


def set_mask(
    _context: Context,
    conditioning: Conditioning,
    mask: Tensor,
    strength: float,
    set_cond_area: str,
) -> tuple[Conditioning]:
    """ConditioningSetMask."""
    bounds = {"mask_strength": strength, "mask_bounds": set_cond_area != "default"}
    return (conditions.changed(conditioning, mask=mask, **bounds),)


def set_range(
    _context: Context, conditioning: Conditioning, start: float, end: float
) -> tuple[Conditioning]:
    """ConditioningSetTimestepRange."""
    return (conditions.changed(conditioning, start=start, end=end),)


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
