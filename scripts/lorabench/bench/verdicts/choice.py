"""Choose among several LoRAs by the verdicts on each: which to use, and at which weight.

Every LoRA stands for itself at its own weight to use. Differences are paired over prompts and
seeds, and one LoRA is better than another only where the interval of the difference says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

import numpy as np
import pandas as pd

from lorabench.bench.measures.training_set import TrainingSet
from lorabench.bench.verdicts import judging
from lorabench.bench.verdicts.best import differences, gained
from lorabench.bench.verdicts.verdict import TOO_LITTLE, Choice, Finding, Label, Verdict
from lorabench.layout import weight_name
from lorabench.sweep.loras import SweptLora, is_series
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.variants import usual_weight

_NEAR = 0.05
"""A score may be behind the best by this share of it: a tie alone may be wide."""
NEAREST: Sequence[Label] = (
    "works", "uncertain", "weak", "copies", "fried", "lost", "dead", "broken",
)  # fmt: skip
"""The labels of LoRAs, from the nearest to one that works."""


def judge(
    tables: Mapping[str, pd.DataFrame], sweep: SweepRecord, taught: TrainingSet | None
) -> Verdict:
    """Return the verdict on a sweep whose rows `tables` has by LoRA: on the one to use of several.

    `taught` is what they were trained on, if that is known.
    """
    words = {one.key: one.trigger for one in sweep.loras} or {"": sweep.trigger}
    each = {
        key: judging.judge(rows, sweep.verdict, bool(words[key]), taught, sweep.bundled)
        for key, rows in tables.items()
    }
    return each[""] if list(each) == [""] else choose(sweep.loras, tables, each)


def choose(
    loras: Sequence[SweptLora], tables: Mapping[str, pd.DataFrame], each: Mapping[str, Verdict]
) -> Verdict:
    """Return the verdict on the LoRA to use of several, with the choice.

    `tables` and `each` have the rows and the verdict of each LoRA by key. Of those that are as
    good, the first counts in a series, because it learnt least by heart, and the best of a list.
    """
    ranking, tie, means = rank(tables, each)
    series = is_series(loras)
    near = [key for key in tie if comes_near(means[key], means[ranking[0]])]
    chosen = (near[0] if series else ranking[0]) if tie else _nearest(loras, each)
    choice = Choice(
        lora=chosen,
        baseline=next(one.baseline for one in loras if one.key == chosen),
        tie=tie,
        ranking=ranking,
        scores=means,
        each=dict(each),
        prompts={key: _prompts(table) for key, table in tables.items()},
    )
    if series:
        choice = _with_course(choice, [one.key for one in loras])
    found = each[chosen]
    return replace(found, unknown=_for_all(found.unknown, len(loras)), choice=choice)


def _for_all(unknown: Sequence[Finding], number: int) -> list[Finding]:
    """Return what could not be judged, with the pictures that all LoRAs need: so many at most."""
    return [replace(one, pictures=one.pictures and number * one.pictures) for one in unknown]


def rank(
    tables: Mapping[str, pd.DataFrame], each: Mapping[str, Verdict]
) -> tuple[list[str], list[str], dict[str, float]]:
    """Return those that work, the best first; those as good as the best, in order; their scores.

    A search looks at some with fewer prompts; these are not compared.
    """
    prompts = {key: _prompts(table) for key, table in tables.items()}
    found = {
        key: _scores(tables[key], verdict.weight)
        for key, verdict in each.items()
        if verdict.weight is not None and prompts[key] == max(prompts.values())
    }
    ranking = sorted(found, key=lambda key: -found[key].mean())
    tie = [
        key for key in found if np.percentile(differences(found[ranking[0]], found[key]), 2.5) <= 0
    ]
    return ranking, tie, {key: round(float(found[key].mean()), 4) for key in ranking}


def _scores(table: pd.DataFrame, weight: float | None) -> pd.Series:
    assert weight is not None
    return gained(table[table["probe"] == ""], weight)


def _prompts(table: pd.DataFrame) -> int:
    return table.loc[(table["probe"] == "") & (table["weight"] != 0), "variant"].nunique()


def comes_near(score: float, best: float) -> bool:
    """Return whether a LoRA of a series is good enough to be taken before later ones."""
    return score >= best - _NEAR * abs(best)


def _nearest(loras: Sequence[SweptLora], each: Mapping[str, Verdict]) -> str:
    """Return the LoRA that comes nearest to one that works, the last of a series that is weak."""
    labels = {one.key: each[one.key].label for one in loras}
    label = min(labels.values(), key=NEAREST.index)
    alike = [key for key, its in labels.items() if its == label]
    return alike[-1] if label in TOO_LITTLE else alike[0]


def _with_course(choice: Choice, keys: Sequence[str]) -> Choice:
    """Add what the course of a training says: where it was too long, or whether it may go on."""
    at_usual = {key: _at_usual_weight(choice.each[key]) for key in keys}
    after = keys[keys.index(choice.lora) + 1 :] if choice.tie else keys
    too_long = list(takewhile(lambda key: is_too_much(at_usual[key]), reversed(after)))
    if too_long:
        first = too_long[-1]
        weight = usual_weight([float(one) for one in choice.each[first].labels])
        finding = Finding(at_usual[first], weight)
        return replace(choice, over_trained=finding, over_trained_from=first)
    last_is_best = choice.tie == [keys[-1]] or choice.each[keys[-1]].label in TOO_LITTLE
    return replace(choice, unfinished=last_is_best)


def _at_usual_weight(verdict: Verdict) -> str:
    """Return the label at the weight at which a LoRA is mostly used."""
    weight = usual_weight([float(one) for one in verdict.labels])
    return verdict.labels.get(weight_name(weight), verdict.label)


def is_too_much(label: str) -> bool:
    """Return whether a weight's label means too much of a LoRA, not too little or unknown."""
    return label not in (*TOO_LITTLE, "works", "uncertain")
