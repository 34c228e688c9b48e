"""The trainings of a matrix, a row for each, the best first."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lorabench.bench.verdicts import words
from lorabench.bench.verdicts.verdict import ENOUGH_STYLE
from lorabench.pages.comparison import differences
from lorabench.pages.finished_run import FinishedRun, Interval

_BEST_FIRST = ("works", "uncertain", "weak", "copies", "fried", "lost", "dead", "broken")
_MEASURES = (
    "style_gained",
    "likeness",
    "style_beside",
    "prompt_kept",
    "structure",
    "prompts_apart",
    "copy_similarity",
    "leak",
)
_OF_CONTENT = ("raw.", "reg.")
"""Digests: no one reads them."""


@dataclass(frozen=True)
class Row:
    """A run in its place."""

    run: FinishedRun
    place: int | None
    """From 1; None where there is no verdict."""
    settings: Mapping[str, str]
    """What the runs were given that differs between them, by name."""
    measures: Mapping[str, Interval | None]
    """What was measured at the weight to use, by column."""


def rank(runs: Sequence[FinishedRun]) -> list[Row]:
    """Return the runs, the best first and those without a verdict last.

    Of two with the same label, the one with the better score at its weight comes first: the most
    style gained for the least structure lost.
    """
    settings = _settings(runs)
    columns = [one for one in _MEASURES if any(_shows(run, one) for run in runs)]
    ordered = sorted(range(len(runs)), key=lambda at: _key(runs[at]))
    return [
        Row(
            run=runs[at],
            place=place if runs[at].verdict else None,
            settings={name: values[at] for name, values in settings.items()},
            measures={one: runs[at].curves.get(one, {}).get(_weight(runs[at])) for one in columns},
        )
        for place, at in enumerate(ordered, 1)
    ]


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        first = rows[0]
        head = ["place", "run", *first.settings, "label", "weight", "lowest", "highest"]
        writer.writerow([*head, *first.measures])
        writer.writerows([_cells(row) for row in rows])


def lines(rows: Sequence[Row]) -> Iterator[Sequence[str]]:
    """Yield a table for the terminal, its head first."""
    yield ["", *rows[0].settings, "verdict", "weight to use", "run"]
    for row in rows:
        told = row.run.verdict
        label = words.label(told.label) if told else "no result"
        weight = f"{told.weight:.2f}" if told and told.weight is not None else "–"
        place = str(row.place or "–")
        yield [place, *row.settings.values(), label, weight, str(row.run.folder)]


def _settings(runs: Sequence[FinishedRun]) -> dict[str, Sequence[str]]:
    """Return what data and training were given that differs, by the settings' last names."""
    return {
        one.name.rpartition(".")[2]: one.values
        for one in differences.settings(runs)
        if one.group in ("data", "training") and not one.name.startswith(_OF_CONTENT)
    }


def _shows(run: FinishedRun, column: str) -> bool:
    """Whether a run has a measure; the likeness says something of characters alone."""
    asked = run.verdict.thresholds.get("likeness", -1) > -1 if run.verdict else False
    return column in run.curves and (column != "likeness" or asked)


def _key(run: FinishedRun) -> tuple[int, float]:
    if not run.verdict:
        return len(_BEST_FIRST), 0
    return _BEST_FIRST.index(run.verdict.label), -_score(run)


def _score(run: FinishedRun) -> float:
    at = [run.curves.get(name, {}).get(_weight(run)) for name in ("style_gained", "structure")]
    style, structure = (one.mean if one else 0.0 for one in at)
    return min(style, ENOUGH_STYLE) - (1 - structure)


def _weight(run: FinishedRun) -> float:
    return run.shown if run.pictures else 0.0


def _cells(row: Row) -> list[object]:
    told = row.run.verdict
    low, high = (told and told.window) or (None, None)
    return [
        row.place,
        row.run.name,
        *row.settings.values(),
        told and told.label,
        told and told.weight,
        *(low, high),
        *(one and f"{one.mean:.4g}" for one in row.measures.values()),
    ]
