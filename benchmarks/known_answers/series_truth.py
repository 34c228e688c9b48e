"""What the judge says of a series: its good epochs and weights, and where it is over-trained.

Written down before any pick was seen, but for the limit of 0.4, which was 0.5 until six series were
scored. A picture's score is how sure the judge is that it shows what it should, 0 to 1; a pair of
an epoch and a weight has one for each prompt.

- A pair is **good** if its mean is at least nine tenths of the highest mean, or no more than one
  standard error below it: that of the differences to the best pair, picture by picture.
- Where the highest mean is under 0.4, **nothing is good**: the right pick is none. At this limit
  judge and eye agree best on which of the suite's other LoRAs work (`judge_by_looks.py`).
- An epoch is **spoilt** if at 0.8, where most people use a LoRA, its mean is under half of the
  highest. The series is **over-trained** from the first epoch after its best one on from which all
  are spoilt.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

SHARE_OF_BEST = 0.9
WORKS = 0.4
SPOILT = 0.5
USUAL_WEIGHT = 0.8


class Pair(NamedTuple):
    """An epoch and a weight."""

    epoch: int
    weight: float


Scores = Mapping[Pair, np.ndarray]
"""The score of each picture of each pair, in the order of the prompts."""


@dataclass(frozen=True)
class Truth:
    """What the judge says of a series."""

    best: Pair
    good: tuple[Pair, ...]
    """The region to pick from; empty if nothing is good."""
    over_trained_from: int | None
    """The first epoch of those that are too long; None if there is none."""


def truth(scores: Scores) -> Truth:
    """Return what the scores of a whole grid say."""
    means = {pair: float(score.mean()) for pair, score in scores.items()}
    best = max(sorted(means), key=lambda pair: means[pair])
    if means[best] < WORKS:
        return Truth(best, (), None)
    good = tuple(pair for pair in sorted(scores) if _is_good(scores[pair], scores[best]))
    return Truth(best, good, _over_trained_from(means, best))


def _is_good(score: np.ndarray, best: np.ndarray) -> bool:
    behind = best - score
    error = behind.std(ddof=1) / len(behind) ** 0.5
    return bool(score.mean() >= SHARE_OF_BEST * best.mean() or behind.mean() <= error)


def _over_trained_from(means: Mapping[Pair, float], best: Pair) -> int | None:
    """Return the first epoch of the last ones that are spoilt, all after the best."""
    first = None
    for epoch in sorted({pair.epoch for pair in means if pair.epoch > best.epoch}, reverse=True):
        if means[Pair(epoch, USUAL_WEIGHT)] >= SPOILT * means[best]:
            break
        first = epoch
    return first
