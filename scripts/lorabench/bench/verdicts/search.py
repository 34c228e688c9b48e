"""Search the best LoRA and weight with a part of the pictures: what to render next.

All LoRAs are rendered coarsely; then the weights between, of those that can still be the best; then
all prompts of the best two; then finer weights around the best; at last the probes of the one
chosen. A LoRA can be the best where the interval of its paired difference to the best has 0 in it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from lorabench.bench.verdicts.best import differences, scores
from lorabench.bench.verdicts.choice import comes_near, is_series, is_too_much
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.layout import weight_name
from lorabench.sweep.loras import SweptLora
from lorabench.sweep.pictures import evenly
from lorabench.sweep.search import COARSE_PROMPTS, Part

_HIGHEST = 1.2
_BETWEEN, _BEST = 3, 2
"""So many LoRAs are looked at more closely."""

Pair = tuple[str, float]
"""A LoRA, by key, and a weight."""


@dataclass(frozen=True)
class Found:
    """What a search has found so far."""

    loras: Sequence[SweptLora]
    weights: Sequence[float]
    """Those of the full sweep, ascending, above 0."""
    prompts: Sequence[str]
    """All, by name."""
    tables: Mapping[str, pd.DataFrame]
    """The rows of metrics.csv of each LoRA, by key."""
    verdict: Verdict

    @cached_property
    def scores(self) -> dict[Pair, pd.Series]:
        """The scores of the pictures of each pair that is not too much of it."""
        found = {}
        for key, table in self.tables.items():
            asked = table[(table["probe"] == "") & (table["weight"] > 0)]
            for weight in sorted(float(one) for one in asked["weight"].unique()):
                if not is_too_much(self._label(key, weight)):
                    found[key, weight] = scores(asked, weight)
        return found

    @cached_property
    def open(self) -> list[Pair]:
        """The pairs that can still be the best, the best one first, one for each LoRA."""
        ranking = sorted(self.scores, key=lambda pair: -self.scores[pair].mean())
        best = ranking[0]
        first = dict.fromkeys(key for key, _ in ranking)
        of_lora = [next(pair for pair in ranking if pair[0] == key) for key in first]
        return [pair for pair in of_lora if self._can_be(pair, best)]

    @property
    def candidates(self) -> list[Pair]:
        """The same, in a series behind the first that comes near the best."""
        near = [
            pair
            for pair in self.open
            if comes_near(self.scores[pair].mean(), self.scores[self.open[0]].mean())
        ]
        order = [one.key for one in self.loras]
        earliest = min(near, key=lambda pair: order.index(pair[0]))
        first = [earliest] if is_series(self.loras) else []
        return list(dict.fromkeys([*first, *self.open]))

    def _label(self, key: str, weight: float) -> str:
        choice = self.verdict.choice
        verdict = choice.each[key] if choice else self.verdict
        return verdict.labels.get(weight_name(weight), "uncertain")

    def _can_be(self, pair: Pair, best: Pair) -> bool:
        apart = differences(self.scores[best], self.scores[pair])
        return pair == best or float(np.percentile(apart, 2.5)) <= 0


def following(found: Found, stage: int) -> tuple[str, tuple[Part, ...]]:
    """Return what comes behind `stage`, as a code, and its parts; none when the search is over."""
    if stage >= len(_STAGES) or not found.scores:
        return "", ()
    code, plan = _STAGES[stage]
    return code, tuple(plan(found))


def _between(found: Found) -> Iterator[Part]:
    few = tuple(evenly(found.prompts, COARSE_PROMPTS))
    inner = tuple(found.weights[1:-1])
    if inner:
        yield from (Part(key, inner, few) for key, _ in found.candidates[:_BETWEEN])


def _prompts(found: Found) -> Iterator[Part]:
    for key, weight in found.candidates[:_BEST]:
        at = sorted(one for of, one in found.scores if of == key)
        place = at.index(weight)
        yield Part(key, tuple(at[max(0, place - 1) : place + 1]), tuple(found.prompts))


def _finer(found: Found) -> Iterator[Part]:
    key, weight = found.candidates[0]
    drawn = [one for of, one in found.scores if of == key]
    step = 0.2 if weight == max(drawn) else 0.1
    near = {round(weight - 0.1, 2), min(_HIGHEST, round(weight + step, 2))}
    if finer := tuple(sorted(one for one in near if one > 0 and one not in drawn)):
        yield Part(key, finer, tuple(found.prompts))


def _probes(found: Found) -> Iterator[Part]:
    choice, weight = found.verdict.choice, found.verdict.weight
    if weight is not None:
        yield Part(choice.lora if choice else "", (weight,), probes=True)


_STAGES: tuple[tuple[str, Callable[[Found], Iterator[Part]]], ...] = (
    ("between", _between),
    ("prompts", _prompts),
    ("finer", _finer),
    ("probes", _probes),
)
STAGES = len(_STAGES)
