"""One weight of a LoRA by itself, and whether that fits the weights beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement, pairwise

import numpy as np
import pandas as pd

from lorabench.bench.verdicts.checks import Check, checks
from lorabench.bench.verdicts.verdict import TOO_LITTLE, Finding, Label
from lorabench.settings.models import VerdictSettings

_TOO_LITTLE, _RIGHT, _TOO_MUCH = range(3)
_STAGES: dict[Label, int] = {**dict.fromkeys(TOO_LITTLE, _TOO_LITTLE), "works": _RIGHT}
"""What a LoRA goes through as its weight rises; all other labels are too much of it."""


@dataclass(frozen=True)
class Judged:
    """One weight's label and the finding behind it."""

    weight: float
    label: Label
    why: Finding | None = None
    needs: int = 0
    """Prompts that this answer takes, by how much they differ; 0 where it hangs on no mean."""
    checks: tuple[Check, ...] = ()

    @property
    def stage(self) -> int:
        """Whether this is too little, right, or too much."""
        return _STAGES.get(self.label, _TOO_MUCH)


def judge_weight(table: pd.DataFrame, weight: float, limits: VerdictSettings) -> Judged:
    """Return what the pictures at one weight say; the first check that fails counts."""
    found = tuple(checks(table, weight, limits))
    return _judged(weight, found, [check for check in found if check.failed])


def in_order(judged: Sequence[Judged]) -> list[Judged]:
    """Return the weights, from the lowest, with labels that make sense together.

    As its weight rises, a LoRA does too little, then what it should, then too much. Where the
    labels cross, a number lies on the wrong side of its limit by chance, and the likeliest of all
    orders counts: each check fails with the probability that its standard error leaves.
    """
    if any(one.label == "uncertain" for one in judged):
        return list(judged)
    stages = [one.stage for one in judged]
    if all(before <= after for before, after in pairwise(stages)):
        return list(judged)
    chances = [_chances(one) for one in judged]
    orders = combinations_with_replacement((_TOO_LITTLE, _RIGHT, _TOO_MUCH), len(judged))
    best = max(orders, key=lambda order: sum(chances[at][s] for at, s in enumerate(order)))
    return [_moved(one, stage) for one, stage in zip(judged, best, strict=True)]


def _normal(errors: float) -> float:
    """Return the share of a normal distribution below so many standard deviations."""
    return math.erfc(-errors / math.sqrt(2)) / 2  # exact far below, too; scipy.stats takes 0.4 s


def _chances(one: Judged) -> tuple[float, float, float]:
    """Return the logarithms of how likely a weight is too little, right, or too much."""
    little, much = (
        _normal(max(check.errors for check in one.checks if stage == _stage(check)))
        for stage in (_TOO_LITTLE, _TOO_MUCH)
    )
    return (
        np.log(little * (1 - much)),
        np.log((1 - little) * (1 - much)),
        np.log(much),
    )


def _stage(check: Check) -> int:
    return _STAGES.get(check.label, _TOO_MUCH)


def _moved(one: Judged, stage: int) -> Judged:
    """Return a weight with the label that fits a stage."""
    if stage == one.stage:
        return one
    of_stage = [check for check in one.checks if _stage(check) == stage]
    if failed := [check for check in of_stage if check.failed]:
        return _judged(one.weight, one.checks, failed)
    close = Finding("out_of_order", one.weight)
    if stage == _RIGHT:
        return replace(one, label="works", why=None)
    nearest = max(of_stage, key=lambda check: check.errors)
    return replace(one, label=nearest.label, why=close)


def _judged(weight: float, found: tuple[Check, ...], failed: Sequence[Check]) -> Judged:
    if failed:
        first = failed[0]
        return Judged(weight, first.label, first.finding(weight), first.needs, found)
    codes = {check.code: check for check in found}
    if "style_low" not in codes:
        return Judged(weight, "uncertain", checks=found)
    deciding = (codes[code] for code in ("style_low", "prompt_lost") if code in codes)
    return Judged(weight, "works", needs=max(check.needs for check in deciding), checks=found)
