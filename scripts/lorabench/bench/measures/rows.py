"""Read the tables of a benchmark row by row, and refuse those that are not whole."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lorabench.bench.measures.columns import BESIDE, LORA, PLACE
from lorabench.errors import UserError
from lorabench.settings import formats

Row = dict[str, str]
_TEXTS = {LORA, *BESIDE, *PLACE} - {"weight", "seed", "index"}


def of_pictures(path: Path) -> list[Row]:
    """Return the rows of metrics.csv; raises `UserError` with the line that is wrong."""
    needed = ("weight", "seed", "index", "file")
    rows = formats.table(path, "a table of bench_metrics.py", needed, _TEXTS)
    return _single(path, rows, (LORA, "variant", "weight", "seed", "index"))


def of_weights(path: Path) -> list[Row]:
    """Return the rows of summary.csv; raises as `of_pictures` does."""
    rows = formats.table(path, "a table of bench_verdict.py", ("weight",), {LORA})
    return _single(path, rows, (LORA, "weight"))


def _single(path: Path, rows: list[Row], place: Sequence[str]) -> list[Row]:
    """Refuse a table without rows, or with two that have one place."""
    if not rows:
        raise UserError(f"{path}: has no rows; {formats.DELETE}")
    for of, number in Counter(tuple(row.get(key, "") for key in place) for row in rows).items():
        if number > 1:
            what = ", ".join(f"{key} {one}" for key, one in zip(place, of, strict=True) if one)
            raise UserError(f"{path}: has {number} rows of {what}; {formats.DELETE}")
    return rows
