"""Pick an epoch and a weight of one series: from the whole grid, and by a search with a part of it.

The search is replayed on the grid's measurements. Weights that the grid lacks are counted as
pictures, but are not there to be picked; probes are neither drawn nor counted, here and there.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pandas as pd

from benchmarks.known_answers import limits
from benchmarks.known_answers.render_series import WEIGHTS
from benchmarks.known_answers.series_recipes import LORA, NAMED, Series
from lorabench import cli, files
from lorabench.bench.verdicts import choice, judging, search, summary, verdict
from lorabench.sweep.loras import SweptLora
from lorabench.sweep.search import Part, first

Tables = Mapping[str, pd.DataFrame]
"""The measurements of each epoch, by the key of its LoRA."""


def loras(series: Series) -> list[SweptLora]:
    """Return the LoRAs of a series as a run has them, with their stems for keys."""
    return [
        SweptLora(
            series.stem(epoch),
            series.file(epoch),
            series.stem(epoch),
            series=LORA,
            epoch=epoch,
            trigger=series.pictures.trigger,
        )
        for epoch in series.epochs
    ]


def pick(series: Series, tables: Tables) -> verdict.Verdict:
    """Return the verdict on a series."""
    of_profile = limits.of("char" if series.is_character else "style")
    each = {key: judging.judge(table, of_profile) for key, table in tables.items()}
    return choice.choose(loras(series), tables, each)


def searched(series: Series, tables: Tables) -> tuple[verdict.Verdict, int]:
    """Return the verdict that the search ends with, and how many pictures it has drawn."""
    prompts = list(dict.fromkeys(next(iter(tables.values()))["prompt"]))
    parts = first(list(tables), WEIGHTS, prompts)
    for stage in range(search.STAGES):
        drawn = {key: _drawn(table, _cells(key, parts)) for key, table in tables.items()}
        said = pick(series, drawn)
        found = search.Found(loras(series), WEIGHTS, prompts, drawn, said)
        parts += search.following(found, stage)[1]
    drawn = {key: _drawn(table, _cells(key, parts)) for key, table in tables.items()}
    return pick(series, drawn), sum(len(_cells(key, parts)) for key in tables)


def _cells(key: str, parts: tuple[Part, ...]) -> set[tuple[str, float]]:
    """Return the prompts and weights of one LoRA that the parts have."""
    return {
        (prompt, weight)
        for part in parts
        if part.lora == key and not part.probes
        for prompt in part.prompts
        for weight in part.weights
    }


def _drawn(table: pd.DataFrame, cells: set[tuple[str, float]]) -> pd.DataFrame:
    """Return the rows of these cells, and those of their prompts without the LoRA."""
    known = cells | {(prompt, 0.0) for prompt, _ in cells}
    there = [pair in known for pair in zip(table["prompt"], table["weight"], strict=True)]
    return table[there]


def program(arguments: argparse.Namespace) -> None:
    """Write both verdicts."""
    series = NAMED[arguments.series]
    tables = {
        series.stem(epoch): summary.read(arguments.folder / str(epoch) / "metrics.csv")
        for epoch in series.epochs
    }
    with files.publish(arguments.folder / "verdict.json") as temporary:
        verdict.write(pick(series, tables), temporary)
    found, pictures = searched(series, tables)
    with files.publish(arguments.folder / "search.json") as temporary:
        verdict.write(found, temporary)
        content = {"pictures": pictures, **json.loads(temporary.read_text("utf-8"))}
        temporary.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("series", help="its name, as in series_recipes.py")
    parser.add_argument("folder", type=Path, help="where its measurements are, the verdicts go")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
