"""The grid: a row for each prompt and seed that the runs share, a column for each run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from lorabench.pages.finished_run import FinishedRun


class Place(NamedTuple):
    """A prompt, a seed and a place in the batch."""

    variant: str
    seed: int
    index: int


@dataclass(frozen=True)
class Row:
    """One row: for each run its pictures by weight."""

    place: Place
    texts: Sequence[str | None]
    """The prompt of each run; None where it is unknown."""
    pictures: Sequence[Mapping[float, Path]]

    @property
    def one_text(self) -> bool:
        """Whether all runs drew the same prompt."""
        return len(set(self.texts)) == 1


@dataclass(frozen=True)
class Grid:
    """All rows, and the weights that can be shown for all runs at once."""

    rows: Sequence[Row]
    weights: Sequence[float]
    """Those of every run; of any run where they share none."""
    shared: bool
    """Whether the runs share a weight other than 0."""


def lay_out(runs: Sequence[FinishedRun]) -> Grid:
    """Return the grid of at least two runs; it has no rows where they share no prompt and seed."""
    tables = [_pictures(run) for run in runs]
    shared = [place for place in tables[0] if all(place in table for table in tables)]
    order = list(runs[0].variants)
    shared.sort(key=lambda place: (order.index(place.variant), place.seed, place.index))
    common = set.intersection(*(set(run.weights) for run in runs))
    every = set.union(*(set(run.weights) for run in runs))
    rows = [
        Row(
            place,
            [run.variants[place.variant].text for run in runs],
            [table[place] for table in tables],
        )
        for place in shared
    ]
    agree = bool(common - {0})
    return Grid(rows, sorted(common if agree else every), agree)


def _pictures(run: FinishedRun) -> dict[Place, dict[float, Path]]:
    found: dict[Place, dict[float, Path]] = {}
    for one in run.pictures:
        place = Place(one.variant, one.seed, one.index)
        found.setdefault(place, {})[one.weight] = one.path
    return found
