"""The functions of the nodes that `catalog_levels` declares; see `nodes`."""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lorabench.comfy.embedded import sigmas
from lorabench.comfy.embedded.context import Context
from lorabench.comfy.embedded.engine import Model

Node = Callable[..., Any]


def basic_scheduler(
    _context: Context, model: Model, scheduler: str, steps: int, denoise: float
) -> tuple[Tensor]:
    """BasicScheduler."""
    return (sigmas.scheduled(model.sampling.schedule, scheduler, steps, denoise),)


def beta_scheduler(
    _context: Context, model: Model, steps: int, alpha: float, beta: float
) -> tuple[Tensor]:
    """BetaSamplingScheduler."""
    return (sigmas.beta(model.sampling.schedule, steps, alpha, beta),)


def turbo_scheduler(_context: Context, model: Model, steps: int, denoise: float) -> tuple[Tensor]:
    """SDTurboScheduler."""
    return (sigmas.turbo(model.sampling.schedule, steps, denoise),)


def split(_context: Context, sigmas: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """SplitSigmas."""
    return sigmas[: step + 1], sigmas[step:]


def split_by_share(_context: Context, sigmas: Tensor, denoise: float) -> tuple[Tensor, Tensor]:
    """SplitSigmasDenoise; with no step in the second part, the first is empty, as in ComfyUI."""
    last = round(max(len(sigmas) - 1, 0) * denoise)
    return sigmas[:-last] if last else sigmas[:0], sigmas[-(last + 1) :]


def flip(_context: Context, sigmas: Tensor) -> tuple[Tensor]:
    """FlipSigmas; the first level cannot be 0."""
    flipped = sigmas.flip(0)
    if len(flipped) and flipped[0] == 0:
        flipped[0] = 0.0001
    return (flipped,)


def set_first(_context: Context, sigmas: Tensor, sigma: float) -> tuple[Tensor]:
    """SetFirstSigma."""
    return (torch.cat([torch.tensor([sigma]), sigmas[1:]]),)


def written(_context: Context, sigmas: str) -> tuple[Tensor]:
    """ManualSigmas: every number in a text."""
    return (torch.tensor([float(number) for number in re.findall(r"[-+]?\d*\.?\d+", sigmas)]),)


def _levels(function: Callable[..., Tensor]) -> Node:
    """Return the node of a function from its widgets to levels."""

    def node(_context: Context, **widgets: Any) -> tuple[Tensor]:
        return (function(**widgets),)

    return node


RUN: dict[str, Node] = {
    "BasicScheduler": basic_scheduler,
    "KarrasScheduler": _levels(sigmas.karras_between),
    "ExponentialScheduler": _levels(sigmas.polyexponential_between),
    "PolyexponentialScheduler": _levels(sigmas.polyexponential_between),
    "SDTurboScheduler": turbo_scheduler,
    "BetaSamplingScheduler": beta_scheduler,
    "AlignYourStepsScheduler": _levels(sigmas.aligned),
    "SplitSigmas": split,
    "SplitSigmasDenoise": split_by_share,
    "FlipSigmas": flip,
    "SetFirstSigma": set_first,
    "ManualSigmas": written,
}
