"""What was seen on the grids of the series, each before its pick was seen: series_looks.yaml.

A second truth beside the judge's: one epoch after another at all weights, eight prompts each. A
pair is good where the style or the character is plainly there, the prompts' subjects can be told,
and nothing is spoilt.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from benchmarks.known_answers.series_truth import Pair

FILE = Path(__file__).with_name("series_looks.yaml")


class Look(NamedTuple):
    """One series by eye."""

    good: tuple[Pair, ...]
    """Empty if nothing is good."""
    over_trained_from: int | None
    """The first epoch of the last ones that are spoilt at 0.8; None if there is none."""
    seen: str


@cache
def read() -> dict[str, Look]:
    """Return all looks by the name of the series."""
    entries = yaml.safe_load(FILE.read_text("utf-8"))
    return {
        name: Look(
            tuple(
                Pair(epoch, float(weight))
                for epoch, weights in entry["good"].items()
                for weight in weights
            ),
            entry["over_trained_from"],
            entry["seen"],
        )
        for name, entry in entries.items()
    }
