"""Choose the weight to use among those that will do, and say which are as good."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd

from lorabench.bench.verdicts.summary import shares
from lorabench.bench.verdicts.unjudged import MANY_PROMPTS, Z
from lorabench.bench.verdicts.verdict import ENOUGH_STYLE, Score
from lorabench.layout import weight_name


@dataclass(frozen=True)
class Best:
    """The weight to use, and those that are as good."""

    weight: float
    tie: list[float]
    """Ascending, including the best one."""
    needs: int | None
    """Prompts that would settle the tie; None without a tie, or if no number would."""
    scores: dict[str, Score]
    """Of each weight in the window."""


def best(asked: pd.DataFrame, window: Sequence[float], cut_off: bool) -> Best:
    """Choose from a row of usable weights, ascending; `cut_off`: the sweep ends in it.

    It is the middle one, the lower of two: the farthest from too little and from too much. Where
    there is none between, or the row is cut off, so that nobody knows its middle, the best score
    counts. Differences are resampled in pairs of the same prompt and seed.
    """
    middle = window[(len(window) - 1) // 2]
    chosen = top(asked, window) if len(window) < 3 or cut_off else middle
    found = {weight: scores(asked, weight) for weight in window}
    behind = {weight: differences(found[chosen], found[weight]) for weight in window}
    tie = [weight for weight in window if np.percentile(behind[weight], 2.5) <= 0]
    needs = [
        _needs(behind[weight], asked["variant"].nunique()) for weight in tie if weight != chosen
    ]
    return Best(
        chosen,
        tie,
        max(needs) if needs and max(needs) <= MANY_PROMPTS else None,
        {weight_name(weight): _score(found[weight], behind[weight]) for weight in window},
    )


def _score(scores: pd.Series, behind: np.ndarray) -> Score:
    low, high = np.percentile(behind, [2.5, 97.5])
    numbers = (scores.mean(), behind.mean(), low, high)
    return Score(*(round(float(number), 4) for number in numbers))


def top(asked: pd.DataFrame, weights: Sequence[float]) -> float:
    """Return the weight with the best score: the most style gained for the least structure lost."""
    return max(weights, key=lambda weight: scores(asked, weight).mean())


def scores(asked: pd.DataFrame, weight: float) -> pd.Series:
    """Return each picture's style gained, up to `ENOUGH_STYLE`, minus the structure lost."""
    at = _at(asked, weight)
    return _enough(at) - (1 - at["structure"])


def gained(asked: pd.DataFrame, weight: float) -> pd.Series:
    """Return each picture's style gained, up to `ENOUGH_STYLE`."""
    return _enough(_at(asked, weight))


def _enough(at: pd.DataFrame) -> pd.Series:
    return at["style_gained"].clip(upper=ENOUGH_STYLE)


def _at(asked: pd.DataFrame, weight: float) -> pd.DataFrame:
    return asked[asked["weight"] == weight].set_index(["variant", "seed", "index"])


def differences(best: pd.Series, other: pd.Series) -> np.ndarray:
    """Return resamples of the mean difference of two weights' scores, paired by picture."""
    difference = (best - other).dropna()
    variants = difference.index.get_level_values("variant").to_series()
    return shares(variants) @ difference.to_numpy()


def _needs(differences: np.ndarray, prompts: int) -> int:
    """Return how many prompts would separate two weights with these resampled differences."""
    margin = max(float(differences.mean()), 1e-6)
    return ceil(prompts * (Z * float(differences.std()) / margin) ** 2)
