"""Read the tables of a benchmark row by row, and refuse those that are not whole."""

from pathlib import Path

from lorabench.bench.measures.columns import BESIDE, LORA, PLACE
from lorabench.errors import UserError
from lorabench.settings import formats

Row = dict[str, str]
_TEXTS = {LORA, *BESIDE, *PLACE} - {"weight", "seed", "index"}


def of_pictures(path: Path) -> list[Row]:
    """Return the rows of metrics.csv; raises `UserError` with the line that is wrong."""
    needed = ("weight", "seed", "index", "file")
    return _some(path, formats.table(path, "a table of bench_metrics.py", needed, _TEXTS))


def of_weights(path: Path) -> list[Row]:
    """Return the rows of summary.csv; raises as `of_pictures` does."""
    return _some(path, formats.table(path, "a table of bench_verdict.py", ("weight",), {LORA}))


def _some(path: Path, rows: list[Row]) -> list[Row]:
    if not rows:
        raise UserError(f"{path}: has no rows; {formats.DELETE}")
    return rows
