"""The trainings of a matrix, a row for each, the best first."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from lorabench.bench.verdicts import choice, words
from lorabench.bench.verdicts import summary as bench
from lorabench.pages.comparison import differences
from lorabench.pages.finished_run import FinishedRun, Interval
from lorabench.sweep import loras

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
    as_good: bool
    """Whether the pictures do not tell it from the best one."""
    settings: Mapping[str, str]
    """What the runs were given that differs between them, by name."""
    measures: Mapping[str, Interval | None]
    """What was measured at the weight to use, by column."""

    @property
    def called(self) -> str:
        """What the run is called beside the others: `rank 8, unet_lr 0.002`."""
        return ", ".join(f"{name} {value}" for name, value in self.settings.items())

    @property
    def said(self) -> str:
        """The place for people; the first place is shared by all that are as good."""
        return f"{self.place or '–'}{' ≈1' if self.as_good else ''}"


def rank(runs: Sequence[FinishedRun]) -> list[Row]:
    """Return the runs, the best first and those without a verdict last.

    Those that work stand in the order of the style gained, each at its weight to use.
    """
    judged = {run.name: run.verdict for run in runs if run.verdict}
    tables = {run.name: _table(run) for run in runs if run.verdict}
    working, tie, _ = choice.rank(tables, judged)
    nearest = sorted(
        (name for name in judged if name not in working),
        key=lambda name: choice.NEAREST.index(judged[name].label),
    )
    places = {name: place for place, name in enumerate([*working, *nearest], 1)}
    settings = _settings(runs)
    columns = [one for one in _MEASURES if any(_shows(run, one) for run in runs)]
    rows = [
        Row(
            run=run,
            place=places.get(run.name),
            as_good=run.name in tie and places[run.name] > 1,
            settings={name: values[at] for name, values in settings.items()},
            measures={one: run.curves.get(one, {}).get(run.shown) for one in columns},
        )
        for at, run in enumerate(runs)
    ]
    return sorted(rows, key=lambda row: row.place or len(runs) + 1)


def write(rows: Sequence[Row], path: Path) -> None:
    """Write the rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        first = rows[0]
        head = [
            "place",
            "as_good_as_first",
            "run",
            *first.settings,
            "label",
            "weight",
            "lowest",
            "highest",
        ]
        writer.writerow([*head, *first.measures])
        writer.writerows([_cells(row) for row in rows])


def lines(rows: Sequence[Row]) -> Iterator[Sequence[str]]:
    """Yield a table for the terminal, its head first."""
    yield ["", *rows[0].settings, "verdict", "weight to use", "run"]
    for row in rows:
        told = row.run.verdict
        label = words.label(told.label) if told else "no result"
        weight = f"{told.weight:.2f}" if told and told.weight is not None else "–"
        yield [row.said, *row.settings.values(), label, weight, str(row.run.folder)]


def _settings(runs: Sequence[FinishedRun]) -> dict[str, Sequence[str]]:
    """Return what data and training were given that differs, by the settings' last names."""
    found = {
        one.name.rpartition(".")[2]: one.values
        for one in differences.settings(runs)
        if one.group in ("data", "training") and not one.name.startswith(_OF_CONTENT)
    }
    of_several = [run.loras[run.lora_shown] if run.loras else None for run in runs]
    if any(of_several):
        found["lora"] = [loras.label(one) if one else "–" for one in of_several]
    return found


def _shows(run: FinishedRun, column: str) -> bool:
    """Whether a run has a measure; the likeness says something of characters alone."""
    asked = run.verdict.thresholds.get("likeness", -1) > -1 if run.verdict else False
    return column in run.curves and (column != "likeness" or asked)


def _table(run: FinishedRun) -> pd.DataFrame:
    """Return what was measured on the LoRA that the run's verdict is on."""
    table = bench.read(run.bench / "metrics.csv")
    return bench.of_lora(table, run.loras[run.lora_shown]) if run.loras else table


def _cells(row: Row) -> list[object]:
    told = row.run.verdict
    low, high = (told and told.window) or (None, None)
    return [
        row.place,
        row.as_good or row.place == 1,
        row.run.name,
        *row.settings.values(),
        told and told.label,
        told and told.weight,
        *(low, high),
        *(one and f"{one.mean:.4g}" for one in row.measures.values()),
    ]
