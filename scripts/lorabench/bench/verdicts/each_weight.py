"""Judge one weight of a LoRA by itself, with the reason and the number of prompts needed."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import pandas as pd

from lorabench.bench.measures.faults import CONSTANT_BELOW, UNCHANGED_BELOW
from lorabench.bench.verdicts.summary import prompts_apart
from lorabench.bench.verdicts.unjudged import ENOUGH_PROMPTS, Z
from lorabench.bench.verdicts.verdict import Finding, Label
from lorabench.settings.models import VerdictSettings

COPIED = 1 / 4
"""If at least this share of a weight's pictures are copies, the LoRA copies at that weight."""


@dataclass(frozen=True)
class Judged:
    """One weight's label and the finding behind it."""

    weight: float
    label: Label
    why: Finding | None = None
    needs: int = 0
    """Prompts needed for this answer, by their spread; 0 if it does not depend on a mean."""


def judge_weight(table: pd.DataFrame, weight: float, limits: VerdictSettings) -> Judged:
    """Judge the pictures at one weight, including probes; the first fault counts."""
    at = table[table["weight"] == weight]
    asked = at[at["probe"] == ""]
    constant = float((asked["contrast"] < CONSTANT_BELOW).mean())
    if constant >= 0.5:
        return Judged(weight, "broken", Finding("constant", weight, round(constant, 4), 0.5))
    difference = _by_prompt(asked, "difference").mean()
    if difference < UNCHANGED_BELOW:
        why = Finding("no_effect", weight, round(difference, 4), UNCHANGED_BELOW)
        return Judged(weight, "dead", why)
    if copied := copying(table, weight, limits):
        return Judged(weight, "copies", copied)
    apart = prompts_apart(table, weight).mean
    if apart < limits.prompts_apart:
        why = Finding("prompts_ignored", weight, round(apart, 4), limits.prompts_apart)
        return Judged(weight, "fried", why)
    for mean in _means(asked, limits):
        if mean.failed:
            return Judged(weight, mean.label, mean.finding(weight), mean.needs)
    if asked["style_gained"].isna().all():
        return Judged(weight, "uncertain")
    return Judged(weight, "works", needs=mean.needs)


def copying(table: pd.DataFrame, weight: float, limits: VerdictSettings) -> Finding | None:
    """Return the finding that a LoRA copies at a weight; None if it does not.

    A copy is more similar to a training picture than `copy_similarity`, and by `copy_excess` more
    than the same prompt and seed without the LoRA. The pictures of the trigger words alone are
    checked first, then those of the prompts.
    """
    at = table[table["weight"] == weight]
    copies = (at["copy_similarity"] > limits.copy_similarity) & (
        at["copy_excess"] > limits.copy_excess
    )
    for probe, code in (("trigger", "copies"), ("", "prompts_copied")):
        share = float(
            copies[at["probe"] == probe].mean()
        )  # NaN without pictures, which is below any limit
        if share >= COPIED:
            return Finding(code, weight, round(share, 4), limits.copy_similarity)
    return None


@dataclass(frozen=True)
class _Mean:
    """The mean over prompts of a column, compared with its limit."""

    label: Label
    code: str
    values: pd.Series
    """One per prompt."""
    limit: float
    spread: float
    """The usual standard deviation between prompts, because few may agree by chance."""
    highest: bool = False
    """Whether the limit is the highest good value, not the lowest."""

    @property
    def failed(self) -> bool:
        mean = float(self.values.mean())
        return mean > self.limit if self.highest else mean < self.limit

    @property
    def needs(self) -> int:
        """The number of prompts whose mean has the limit outside its 95 % interval."""
        spread = float(self.values.std()) if len(self.values) > 1 else 0.0
        if len(self.values) < ENOUGH_PROMPTS:
            spread = max(spread, self.spread)
        margin = max(abs(float(self.values.mean()) - self.limit), 1e-3)
        return ceil((Z * spread / margin) ** 2)

    def finding(self, weight: float) -> Finding:
        return Finding(self.code, weight, round(float(self.values.mean()), 4), self.limit)


def _means(asked: pd.DataFrame, limits: VerdictSettings) -> Iterator[_Mean]:
    """Yield the means over prompts to judge, in order; the style comes last."""

    def of(column: str) -> pd.Series:
        return _by_prompt(asked, column)

    yield _Mean("fried", "off_range", of("outside"), limits.outside, 0.02, highest=True)
    yield _Mean("fried", "beside", of("style_beside"), limits.beside, 1.5, highest=True)
    yield _Mean("fried", "structure_lost", of("structure"), limits.structure, 0.1)
    yield _Mean("weak", "little_change", 1 - of("ssim"), limits.change, 0.05)
    yield _Mean("weak", "style_low", of("style_gained"), limits.style, 0.2)


def _by_prompt(pictures: pd.DataFrame, column: str) -> pd.Series:
    """Return the mean over seeds for each prompt."""
    return pictures.groupby("variant")[column].mean()
