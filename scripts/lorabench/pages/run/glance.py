"""Choose the pictures of the first screen: without the LoRA, with it, and training pictures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lorabench.pages.finished_run import FinishedRun
from lorabench.pages.run.contents import Training
from lorabench.sweep.pictures import evenly
from lorabench.sweep.variants import usual_weight

_ROWS = 3
_TRAINING = 9
_BLOCKS = 2
"""Of pictures, where no training pictures stand beside them."""


@dataclass(frozen=True)
class Glance:
    """A few prompts at few weights, and a few training pictures."""

    weights: Sequence[float]
    """0, where it was rendered, and the weight to use; without one, the weight nearest to 0.8."""
    blocks: Sequence[Sequence[Sequence[str]]]
    """In blocks of rows: the page's names for the pictures of a prompt, one for each weight."""
    training: Sequence[Training]


def choose(run: FinishedRun, examples: Sequence[Training]) -> Glance:
    """Choose the first prompts of the sweep, and training pictures evenly."""
    weights = _weights(run)
    training = evenly([one for one in examples if one.shown], _TRAINING)
    rows = [list(row.values()) for row in _rows(run, weights)]
    rows = rows[: _ROWS if training else _ROWS * _BLOCKS]
    blocks = [rows[start : start + _ROWS] for start in range(0, len(rows), _ROWS)]
    return Glance(weights, blocks, training)


def _weights(run: FinishedRun) -> list[float]:
    there = {one.picture.weight for one in run.measured if not one.picture.probe}
    told = run.verdict.weight if run.verdict else None
    shown = told if told in there else usual_weight(sorted(there))
    return sorted({0.0, shown} & there)


def _rows(run: FinishedRun, weights: Sequence[float]) -> list[dict[float, str]]:
    """Return the pictures at `weights`: each prompt's first row, then its second, and so on.

    If there are few prompts, other seeds fill the places.
    """
    rows: dict[tuple[str, int, int], dict[float, str]] = {}
    for one in run.measured:
        picture = one.picture
        if picture.weight in weights and not picture.probe and one.is_there:
            place = picture.variant, picture.seed, picture.index
            rows.setdefault(place, {})[picture.weight] = one.name
    turns: Counter[str] = Counter()
    found: list[tuple[int, dict[float, str]]] = []
    for (variant, *_), row in rows.items():
        if len(row) == len(weights):
            turns[variant] += 1
            found.append((turns[variant], {weight: row[weight] for weight in weights}))
    return [row for _, row in sorted(found, key=lambda one: one[0])]
