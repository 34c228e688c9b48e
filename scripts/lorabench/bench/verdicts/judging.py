"""From the table of a sweep to the verdict on its LoRA; docs/verdict.md says why so.

Each weight is judged by itself, by means over prompts and seeds; the LoRA by its weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd

from lorabench.bench.measures.faults import CONSTANT_BELOW, UNCHANGED_BELOW
from lorabench.bench.verdicts.summary import prompts_apart, shares
from lorabench.bench.verdicts.verdict import Finding, Label, Verdict
from lorabench.config import VerdictSettings
from lorabench.layout import weight_name

_FULL_STRENGTH = 1.0
"""A LoRA that copies at this weight or below it copies; beyond, nobody means to use it."""
_ENOUGH_PROMPTS = 8
_ENOUGH_TRIGGER_SEEDS = 8
_SPREAD = 0.2
"""Standard deviation between prompts of the style gained, at least: few may agree by chance."""
_Z = 1.96


@dataclass(frozen=True)
class Judged:
    """One weight: what it is by itself, and the finding that says so."""

    weight: float
    label: Label
    why: Finding | None = None


def judge(table: pd.DataFrame, limits: VerdictSettings) -> Verdict:
    """Return the verdict on the LoRA of a table that `summary.read` returned."""
    asked = table[table["probe"] == ""]
    weights = sorted(weight for weight in asked["weight"].unique() if weight != 0)
    compared = asked["difference"].notna().any()
    if not compared or not weights:
        unknown = [Finding("no_baseline")]
        return Verdict("uncertain", None, None, unknown=unknown, thresholds=limits.model_dump())
    judged = [_judge_weight(table, float(weight), limits) for weight in weights]
    leaks, leak = _leak(table, limits)
    unknown = list(_unknown(table))
    label, reasons = _of_all(judged)
    if label in ("works", "weak") and (needed := _prompts_needed(asked, limits.style)):
        label = "uncertain"
        unknown.append(Finding("prompts_needed", value=needed))
    if label != "works":
        return Verdict(
            label, leaks, None, reasons=[*reasons, *leak], unknown=unknown,
            labels=_labels(judged), thresholds=limits.model_dump(),
        )  # fmt: skip
    usable = [one.weight for one in judged if one.label == "works"]
    best, tie = _best(asked, usable)
    window = _window(usable, best, weights)
    if best == weights[-1] and len(weights) > 1:
        unknown.append(Finding("highest", best))
    below, above = _ends(judged, window)
    return Verdict(
        "works", leaks, best, tie, window, below, above, [*reasons, *leak], unknown,
        _labels(judged), limits.model_dump(),
    )  # fmt: skip


def _judge_weight(table: pd.DataFrame, weight: float, limits: VerdictSettings) -> Judged:
    at = table[table["weight"] == weight]
    asked, trigger = at[at["probe"] == ""], at[at["probe"] == "trigger"]

    def found(label: Label, code: str, value: float, limit: float) -> Judged:
        return Judged(weight, label, Finding(code, weight, round(value, 4), limit))

    constant = float((asked["contrast"] < CONSTANT_BELOW).mean())
    if constant >= 0.5:
        return found("broken", "constant", constant, 0.5)
    difference = _mean(asked, "difference")
    if difference < UNCHANGED_BELOW:
        return found("dead", "no_effect", difference, UNCHANGED_BELOW)
    copied = _mean(trigger, "copy_similarity") if len(trigger) else np.nan
    if copied > limits.copy_similarity:
        return found("copies", "copies", copied, limits.copy_similarity)
    apart = prompts_apart(table, weight).mean
    if apart < limits.prompts_apart:
        return found("fried", "prompts_ignored", apart, limits.prompts_apart)
    outside, beside = _mean(asked, "outside"), _mean(asked, "style_beside")
    if outside > limits.outside:
        return found("fried", "off_range", outside, limits.outside)
    if beside > limits.beside:
        return found("fried", "beside", beside, limits.beside)
    kept = _mean(asked, "structure")
    if kept < limits.structure:
        return found("fried", "structure_lost", kept, limits.structure)
    gained = _mean(asked, "style_gained")
    if np.isnan(gained):
        return Judged(weight, "uncertain")
    if gained < limits.style:
        return found("weak", "style_low", gained, limits.style)
    return Judged(weight, "works")


def _of_all(judged: Sequence[Judged]) -> tuple[Label, list[Finding]]:
    """Return the LoRA's label, and the findings that speak for it."""
    labels = {one.label for one in judged}
    copying = [one for one in judged if one.label == "copies" and one.weight <= _FULL_STRENGTH]
    if copying:
        return "copies", _reasons(copying)
    if "works" in labels:
        return "works", []
    for label in ("copies", "uncertain", "fried", "broken", "weak", "dead"):
        if label in labels:
            return label, _reasons([one for one in judged if one.label == label])
    raise AssertionError("a weight has one of these labels")


def _reasons(judged: Sequence[Judged]) -> list[Finding]:
    return [one.why for one in judged if one.why]


def _best(asked: pd.DataFrame, usable: Sequence[float]) -> tuple[float, list[float]]:
    """Return the weight to use, and all that cannot be told from the one with the best score.

    It is the lowest within one standard error of the best (Breiman et al. 1984, 3.4.3): where a
    higher weight brings nothing that can be seen, the lower one disturbs less. Differences are
    resampled in pairs, the same prompts and seeds at both weights.
    """
    scores = {weight: _scores(asked, weight) for weight in usable}
    best = max(usable, key=lambda weight: scores[weight].mean())
    differences = {weight: _resampled(scores[best], scores[weight]) for weight in usable}
    tie = [weight for weight in usable if np.percentile(differences[weight], 2.5) <= 0]
    near = (w for w in usable if differences[w].mean() <= differences[w].std() or w == best)
    return min(near), tie


def _scores(asked: pd.DataFrame, weight: float) -> pd.Series:
    """Return each picture's style gained, up to the training set's, minus the structure lost."""
    at = asked[asked["weight"] == weight].set_index(["variant", "seed", "index"])
    return at["style_gained"].clip(upper=1) - (1 - at["structure"])


def _resampled(best: pd.Series, other: pd.Series) -> np.ndarray:
    """Return resamples of the mean difference of two weights' scores."""
    difference = (best - other).dropna()
    variants = difference.index.get_level_values("variant").to_series()
    return shares(variants) @ difference.to_numpy()


def _window(usable: Sequence[float], best: float, weights: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the run of usable neighbours that the best weight is in."""
    places = [weights.index(weight) for weight in usable]
    low = high = weights.index(best)
    while low - 1 in places:
        low -= 1
    while high + 1 in places:
        high += 1
    return float(weights[low]), float(weights[high])


def _ends(
    judged: Sequence[Judged], window: tuple[float, float]
) -> tuple[Finding | None, Finding | None]:
    lower = [one.why for one in judged if one.weight < window[0]]
    higher = [one.why for one in judged if one.weight > window[1]]
    return (lower[-1] if lower else None), (higher[0] if higher else None)


def _leak(table: pd.DataFrame, limits: VerdictSettings) -> tuple[bool | None, list[Finding]]:
    """Return whether the style comes without the trigger words, and the finding."""
    without = table[(table["probe"] == "untriggered") & (table["weight"] != 0)]
    if without.empty:
        return None, []
    of = without["variant"].str.removesuffix("untriggered").str.removesuffix(".")
    pairs = without.assign(variant=of).merge(
        table[table["probe"] == ""], on=["variant", "weight", "seed", "index"]
    )
    with_it = float(pairs["style_gained_y"].mean())
    if not with_it > limits.style / 2:
        return None, []  # no style that could leak
    share = float(pairs["style_gained_x"].mean()) / with_it
    weight = float(without["weight"].iloc[0])
    leaks = share > limits.leak
    return leaks, [Finding("leaks", weight, round(share, 4), limits.leak)] if leaks else []


def _unknown(table: pd.DataFrame) -> list[Finding]:
    """Return what these pictures cannot tell."""
    asked = table[table["probe"] == ""]
    prompts = asked["variant"].nunique()
    seeds = table[table["probe"] == "trigger"]["seed"].nunique()
    found = []
    if prompts < _ENOUGH_PROMPTS:
        found.append(Finding("few_prompts", value=prompts, limit=_ENOUGH_PROMPTS))
    if seeds < _ENOUGH_TRIGGER_SEEDS:
        found.append(Finding("few_triggers", value=seeds, limit=_ENOUGH_TRIGGER_SEEDS))
    if not (table["probe"] == "untriggered").any():
        found.append(Finding("no_untriggered"))
    if asked["style_gained"].isna().all():
        found.append(Finding("no_training_set"))
    return found


def _prompts_needed(asked: pd.DataFrame, limit: float) -> int | None:
    """Return about how many prompts would tell works from weak; None where these do already.

    They do where the 95 % interval of the most style gained, by the spread of the prompts, lies
    on one side of `limit`, and where there are as many as the limits were calibrated with.
    """
    means = asked[asked["weight"] != 0].groupby(["weight", "variant"])["style_gained"].mean()
    prompts = means.unstack().T
    gained = prompts[prompts.mean().idxmax()]
    if len(gained) >= _ENOUGH_PROMPTS:
        return None
    spread = max(float(gained.std()) if len(gained) > 1 else 0.0, _SPREAD)
    needed = (_Z * spread / max(abs(float(gained.mean()) - limit), 1e-3)) ** 2
    return min(ceil(needed), _ENOUGH_PROMPTS) if needed > len(gained) else None


def _mean(pictures: pd.DataFrame, column: str) -> float:
    """Return the mean over prompts of the mean over seeds."""
    return float(pictures.groupby("variant")[column].mean().mean())


def _labels(judged: Sequence[Judged]) -> dict[str, str]:
    return {weight_name(one.weight): one.label for one in judged}
