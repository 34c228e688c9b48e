"""Judge a LoRA by the table of its sweep; docs/verdict.md gives the reasons.

Each weight is judged by itself (`each_weight.py`), the LoRA by its weights.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import pandas as pd

from lorabench.bench.measures.faults import CONSTANT_BELOW
from lorabench.bench.measures.training_set import TrainingSet
from lorabench.bench.verdicts.best import best, top
from lorabench.bench.verdicts.causes import causes, should_not_leak
from lorabench.bench.verdicts.checks import COHERENT, CONSTANT, DOUBT, copies
from lorabench.bench.verdicts.each_weight import Judged, in_order, judge_weight
from lorabench.bench.verdicts.summary import leak, without_trigger
from lorabench.bench.verdicts.unjudged import ENOUGH_PROMPTS, MANY_PROMPTS, unjudged
from lorabench.bench.verdicts.verdict import TOO_LITTLE, Finding, Label, Verdict
from lorabench.layout import weight_name
from lorabench.settings.models import VerdictSettings
from lorabench.sweep.variants import FULL_STRENGTH

_TOLD_APART = 0.99
"""So much of a prompt a base model keeps that draws it unlike others; one of noise keeps less."""
_LEAKING = 1 / 2
"""The share of the style that a LoRA needs, from which on there is one that could leak."""
_ALIKE = 1 / 2
"""The share of prompts drawn like others from which on the base model is at fault."""


class _Leak(NamedTuple):
    """What is drawn without the trigger words; None where that is unknown."""

    gained: float | None = None
    """The style gained with them."""
    leaks: bool | None = None
    share: float | None = None
    """Of that, what is gained without them."""
    weight: float | None = None
    prompts: int | None = None


def judge(
    table: pd.DataFrame,
    limits: VerdictSettings,
    trigger: bool = True,
    taught: TrainingSet | None = None,
    bundled: bool = True,
) -> Verdict:
    """Return the verdict on the LoRA of a table that `summary.read` returned.

    `trigger` says whether its trigger words are known, `taught` what it was trained on, `bundled`
    whether the bundled base model rendered it.
    """
    asked = table[table["probe"] == ""]
    weights = sorted(float(weight) for weight in asked["weight"].unique() if weight != 0)
    if reason := _incomparable(asked, weights):
        return Verdict("uncertain", unknown=[reason], thresholds=limits.model_dump())
    alone = [judge_weight(table, weight, limits) for weight in weights]
    negative = [one for one in reversed(alone) if one.weight < 0]
    every = [*reversed(in_order(negative)), *in_order([one for one in alone if one.weight > 0])]
    judged = [one for one in every if one.weight > 0] or every  # what it adds is what it is for
    label, deciding = _of_all(judged, list(_copied(table, limits)))
    leaks = _leak(table, limits)
    unknown = list(_unknown(table, trigger, bundled, label, leaks, limits.style))
    prompts = asked["variant"].nunique()
    if close := _close(deciding, prompts):
        unknown.append(close)
        label = "uncertain" if prompts < ENOUGH_PROMPTS else label
    flagged = leaks.leaks and should_not_leak(taught)
    style = limits.likeness <= -1  # captions of a character may well name one subject
    lost = style and any(one.label == "lost" for one in judged if one.weight <= FULL_STRENGTH)
    verdict = Verdict(
        label=label,
        leaks=leaks.leaks,
        leak=leaks.share,
        leak_weight=leaks.weight,
        leak_prompts=leaks.prompts,
        reasons=[
            *causes(label, taught, trigger, lost),
            *_reasons(judged, deciding),
            *(
                [Finding("leaks", value=leaks.share, limit=limits.leak, prompts=leaks.prompts)]
                if flagged
                else []
            ),
        ],
        unknown=unknown,
        labels=_labels(every, prompts),
        checks={
            weight_name(one.weight): [check.finding(one.weight) for check in one.checks]
            for one in every
        },
        thresholds=limits.model_dump(),
    )
    return _with_weight(verdict, asked, judged) if label == "works" else verdict


def _incomparable(asked: pd.DataFrame, weights: Sequence[float]) -> Finding | None:
    """Return why no verdict is possible, if so."""
    if not weights:
        return Finding("only_baseline")
    if not asked["difference"].notna().any():
        return Finding("no_baseline")
    base = asked[asked["weight"] == 0]
    constant = float((base["contrast"] < CONSTANT_BELOW).mean())
    if constant >= CONSTANT:
        return Finding("base_constant", 0.0, constant, CONSTANT, measured=len(base))
    coherence = float(base["coherence"].mean())
    if coherence < COHERENT:
        return Finding("base_noise", 0.0, coherence, COHERENT, measured=len(base))
    alike = float((base["prompt_kept"] < _TOLD_APART).mean())
    found = Finding("base_alike", 0.0, alike, _ALIKE, measured=len(base))
    return found if alike >= _ALIKE else None


def _copied(table: pd.DataFrame, limits: VerdictSettings) -> Iterator[Judged]:
    """Yield the weights up to full strength at which it copies, including those of the probe."""
    for weight in sorted(table["weight"].unique()):
        found = copies(table, weight, limits) if 0 < weight <= FULL_STRENGTH else ()
        if why := next((check for check in found if check.failed), None):
            yield Judged(float(weight), "copies", why.finding(float(weight)))


def _of_all(judged: Sequence[Judged], copied: Sequence[Judged]) -> tuple[Label, list[Judged]]:
    """Return the LoRA's label, and the weights that decide it.

    Weights above full strength count only if no lower ones were rendered.
    """
    if copied:
        return "copies", list(copied)
    usual = [one for one in judged if one.weight <= FULL_STRENGTH] or judged
    for label in ("works", "copies", "uncertain", "lost", "fried", "broken", "weak", "dead"):
        if deciding := [one for one in usual if one.label == label]:
            return label, deciding
    raise AssertionError("a weight has one of these labels")


def _unknown(
    table: pd.DataFrame, trigger: bool, bundled: bool, label: Label, leaks: _Leak, style: float
) -> Iterator[Finding]:
    """Yield what could not be judged and does not follow from the label."""
    for finding in unjudged(table, trigger, bundled):
        if label != "copies" or finding.code not in ("few_triggers", "no_trigger"):
            yield finding
    if leaks.share is None and (table["probe"] == "untriggered").any():
        yield Finding("no_style_to_leak", value=leaks.gained, limit=_LEAKING * style)


def _close(deciding: Sequence[Judged], prompts: int) -> Finding | None:
    """Return how many more prompts would settle the answer, if there are too few."""
    surest = min(deciding, key=lambda one: one.needs)
    if surest.needs <= prompts:
        return None
    if prompts >= ENOUGH_PROMPTS and surest.needs > MANY_PROMPTS:
        return Finding("never_settled", surest.weight, limit=MANY_PROMPTS, prompts=prompts,
                       needs=surest.needs)  # fmt: skip
    enough = surest.needs if prompts >= ENOUGH_PROMPTS else min(surest.needs, ENOUGH_PROMPTS)
    return Finding("prompts_needed", surest.weight, enough - prompts, prompts=prompts,
                   needs=surest.needs)  # fmt: skip


def _labels(judged: Sequence[Judged], prompts: int) -> dict[str, Label]:
    """Return each weight's own label: of few prompts, only where they settle it."""
    return {
        weight_name(one.weight): "uncertain"
        if prompts < ENOUGH_PROMPTS and one.needs > prompts
        else one.label
        for one in judged
    }


def _leak(table: pd.DataFrame, limits: VerdictSettings) -> _Leak:
    """Return whether the style appears without the trigger words.

    Unknown where there is no style that could, or nothing was rendered without the words.
    """
    pairs = without_trigger(table)
    if pairs.empty:
        return _Leak()
    gained = round(float(pairs["with"].mean()), 4)
    if gained <= _LEAKING * limits.style:
        return _Leak(gained)
    weight = float(pairs["weight"].iloc[0])
    share = leak(table, weight).mean
    prompts = pairs["prompt"].nunique()
    return _Leak(gained, share > limits.leak, round(share, 4), weight, prompts)


def _reasons(judged: Sequence[Judged], deciding: Sequence[Judged]) -> Iterator[Finding]:
    yield from (one.why for one in deciding if one.why)
    above = [one.weight for one in judged if one.label == "works"]
    if deciding[0].label == "weak" and above:
        yield Finding("works_above", above[0])
    below = [one.weight for one in judged if one.label in TOO_LITTLE]
    if deciding[0].label in ("fried", "lost") and below:
        yield Finding("weak_below", below[-1])


def _with_weight(verdict: Verdict, asked: pd.DataFrame, judged: Sequence[Judged]) -> Verdict:
    """Add the weight to use and the usable window to the verdict on a LoRA that works."""
    weights = [one.weight for one in judged]
    usable = [one.weight for one in judged if one.label == "works"]
    window = _window(usable, top(asked, usable), weights)
    cut_off = 0 < window[-1] == weights[-1] < FULL_STRENGTH
    found = best(asked, window, cut_off)
    unknown = list(verdict.unknown)
    if found.needs:
        prompts = asked["variant"].nunique()
        more = max(1, found.needs - prompts)
        unknown.append(Finding("tie", value=more, prompts=prompts, needs=found.needs))
    if (cut_off or found.weight == weights[-1]) and len(weights) > 1:
        unknown.append(Finding("highest", weights[-1]))
    unknown += _doubted([one for one in judged if one.weight in window])
    ends = window[0], window[-1]
    below, above = _ends(judged, ends)
    return replace(
        verdict, weight=found.weight, tie=found.tie, window=ends, below=below, above=above,
        unknown=unknown, scores=found.scores,
    )  # fmt: skip


def _doubted(judged: Sequence[Judged]) -> list[Finding]:
    """Return the first weight whose pictures do not show their prompts by a CLIP, if any."""
    doubts = (
        check.finding(one.weight)
        for one in judged
        for check in one.checks
        if check.code == DOUBT and check.missed
    )
    return list(islice(doubts, 1))


def _window(usable: Sequence[float], best: float, weights: Sequence[float]) -> Sequence[float]:
    """Return the row of usable weights around the best one."""
    places = [weights.index(weight) for weight in usable]
    low = high = weights.index(best)
    while low - 1 in places:
        low -= 1
    while high + 1 in places:
        high += 1
    return weights[low : high + 1]


def _ends(
    judged: Sequence[Judged], window: tuple[float, float]
) -> tuple[Finding | None, Finding | None]:
    lower = [one.why for one in judged if one.weight < window[0]]
    higher = [one.why for one in judged if one.weight > window[1]]
    return (lower[-1] if lower else None), (higher[0] if higher else None)
