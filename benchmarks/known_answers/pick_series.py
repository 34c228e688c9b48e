"""Pick an epoch and a weight of one series from the whole grid, as the pipeline's verdict does."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pandas as pd

from benchmarks.known_answers import limits
from benchmarks.known_answers.series_recipes import LORA, NAMED, Series
from lorabench import cli, files
from lorabench.bench.verdicts import choice, judging, summary, verdict
from lorabench.sweep.loras import SweptLora


def pick(series: Series, tables: Mapping[int, pd.DataFrame]) -> verdict.Verdict:
    """Return the verdict on a series, from the measurements of each epoch."""
    loras = [
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
    by_key = {one.key: tables[epoch] for one, epoch in zip(loras, series.epochs, strict=True)}
    of_profile = limits.of("char" if series.is_character else "style")
    each = {key: judging.judge(table, of_profile) for key, table in by_key.items()}
    return choice.choose(loras, by_key, each)


def program(arguments: argparse.Namespace) -> None:
    """Write the verdict."""
    series = NAMED[arguments.series]
    tables = {
        epoch: summary.read(arguments.folder / str(epoch) / "metrics.csv")
        for epoch in series.epochs
    }
    with files.publish(arguments.folder / "verdict.json") as temporary:
        verdict.write(pick(series, tables), temporary)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("series", help="its name, as in series_recipes.py")
    parser.add_argument("folder", type=Path, help="where its measurements are, the verdict goes")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
