"""Prompts on the latents of one picture: which part of them each text changes, and when."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lorabench.comfy.embedded.conditioning import Conditioning
from lorabench.comfy.embedded.prompts import Prompt, Prompts
from lorabench.comfy.embedded.resizing import repeated
from lorabench.comfy.embedded.sigmas import NoiseSchedule
from lorabench.errors import UserError

FADE = 8
"""Latents at an area's inner edges over which its weight rises."""

Box = tuple[int, int, int, int]
"""Height, width, top, left, in latents."""


@dataclass(frozen=True, eq=False)
class Region:
    """A text with a box, a weight and levels of noise.

    `mask` has the latents' size, [masks, h, w].
    """

    told: Conditioning
    box: Box | None
    strength: float
    mask: Tensor | None
    highest: float
    lowest: float

    def counts(self, sigma: float) -> bool:
        """Return whether the text counts at a level."""
        return self.lowest <= sigma <= self.highest

    def cut(self, x: Tensor) -> Tensor:
        """Return the part of `x` [N, C, h, w] that the text changes."""
        return x if self.box is None else _part(x, self.box)

    def weights(self, x: Tensor) -> Tensor:
        """Return the text's weight at each place of its part of `x`."""
        part = self.cut(x)
        if self.mask is not None:
            mask = repeated(self.mask[:, None].to(x), len(x))
            mask = mask if self.box is None else _part(mask, self.box)
            return mask.expand_as(part) * self.strength
        weights = torch.full_like(part, self.strength)
        if self.box is not None:
            _fade(weights, self.box, x.shape[2:])
        return weights


def _part(x: Tensor, box: Box) -> Tensor:
    height, width, top, left = box
    return x[:, :, top : top + height, left : left + width]


def _fade(weights: Tensor, box: Box, whole: Sequence[int]) -> None:
    """Lower the weights towards those edges of a box that are not the picture's, in place."""
    for axis in (0, 1):
        length, begin = weights.shape[2 + axis], box[2 + axis]
        over = min(FADE, length // 4)
        for t in range(over):
            if begin != 0:
                weights.select(2 + axis, t).mul_((t + 1) / over)
            if begin + length < whole[axis]:
                weights.select(2 + axis, length - 1 - t).mul_((t + 1) / over)


def placed(
    prompts: Sequence[Prompts], latents: Tensor, schedule: NoiseSchedule
) -> list[list[Region]]:
    """Return the regions of each socket's prompts on `latents`.

    A text with a box gets a partner there in each other socket's: the text of the smallest box
    around it, or one without a box. Otherwise guidance would compare it with nothing.
    """
    sets = [[_region(prompt, latents, schedule) for prompt in one] for one in prompts]
    for regions in sets:
        for region in regions:
            for others in sets:
                if others is not regions and region.box is not None:
                    others += _partner(region, region.box, others)
    return sets


def _region(prompt: Prompt, latents: Tensor, schedule: NoiseSchedule) -> Region:
    size = latents.shape[2:]
    mask, box = prompt.mask, None
    if prompt.area is not None:
        box = _box(prompt.area, size, in_shares=prompt.in_shares)
    if mask is not None:
        if mask.shape[1:] != size:
            scaled = torch.nn.functional.interpolate(mask[:, None], size=size, mode="bilinear")
            mask = scaled[:, 0]
        if prompt.mask_bounds:
            box = _bounds(mask)
        mask = mask * prompt.mask_strength
    return Region(
        told=prompt.told,
        box=None if box is None else _inside(box, size),
        strength=prompt.strength,
        mask=mask,
        highest=schedule.percent(prompt.start),
        lowest=schedule.percent(prompt.end),
    )


def _box(area: tuple[float, ...], size: Sequence[int], *, in_shares: bool) -> Box:
    height, width, top, left = area
    if not in_shares:
        return int(height), int(width), int(top), int(left)
    tall, wide = size
    sides = max(1, round(height * tall)), max(1, round(width * wide))
    return *sides, round(top * tall), round(left * wide)


def _bounds(mask: Tensor) -> Box:
    """Return the box around a mask, at least 8 by 8 latents."""
    rows, columns = mask.abs().amax(dim=0).nonzero(as_tuple=True)
    if not len(rows):
        return 8, 8, 0, 0
    top, left = int(rows.min()), int(columns.min())
    return max(8, int(rows.max()) - top + 1), max(8, int(columns.max()) - left + 1), top, left


def _inside(box: Box, size: Sequence[int]) -> Box:
    """Return a box cut to the latents' size; raises `UserError` if it lies outside."""
    height, width, top, left = box
    if top >= size[0] or left >= size[1]:
        raise UserError(
            f"an area begins at ({left * 8}, {top * 8}) px, outside the picture of"
            f" {size[1] * 8} × {size[0] * 8}; move it inside, or make the picture larger"
        )
    return min(height, size[0] - top), min(width, size[1] - left), top, left


def _partner(region: Region, box: Box, others: list[Region]) -> list[Region]:
    around = [each for each in others if each.box is None or _contains(each.box, box)]
    if not around:
        return []
    boxed = [(each.box[0] * each.box[1], each) for each in around if each.box is not None]
    if not boxed:
        return [replace(region, told=around[0].told)]
    _, smallest = min(boxed, key=lambda pair: pair[0])
    return [] if smallest.box == box else [replace(region, told=smallest.told)]


def _contains(outer: Box, inner: Box) -> bool:
    return all(
        inner[2 + axis] >= outer[2 + axis]
        and inner[2 + axis] + inner[axis] <= outer[2 + axis] + outer[axis]
        for axis in (0, 1)
    )
