"""The tables that a run leaves, as the page takes them."""

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lorabench.bench.measures import columns
from lorabench.errors import UserError

Row = dict[str, str]

_NO_METRICS = {*columns.PLACE, *columns.BESIDE}
_OF_AN_EMBEDDING = {
    "effect": ("effect", "効果", "effect"),
    "style": ("style", "画風", "style"),
    "beside": ("beside the style", "画風以外の変化", "style"),
    "text": ("text", "文との一致", "prompt"),
}
_POINTS = 600  # of the loss curve: more than a screen has room for


def read(path: Path, needed: Iterable[str]) -> list[Row]:
    """Read a CSV with a header; raise `UserError` if it is none or lacks a column of `needed`."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error})") from None
    if missing := sorted(set(needed).difference(rows[0] if rows else ())):
        raise UserError(
            f"{path}: has no rows with {', '.join(missing)}; delete it and run the workflow again"
        )
    return rows


def number(text: str | None) -> float | None:
    """Read a number; None for an empty field and for NaN."""
    value = float(text) if text else math.nan
    return value if math.isfinite(value) else None


def of_a_weight(header: Iterable[str]) -> list[dict[str, Any]]:
    """Return what only summary.csv has: what several pictures together show."""
    header = list(header)
    return [_described(metric) for metric in columns.OF_A_WEIGHT if metric.column in header]


def _described(metric: columns.Metric) -> dict[str, Any]:
    return {
        "column": metric.column,
        "en": metric.title,
        "ja": metric.title_ja,
        "unit": {"en": metric.unit, "ja": metric.unit_ja},
        "group": metric.group,
    }


def metrics_of(header: Iterable[str]) -> list[dict[str, Any]]:
    """Return the metrics among the columns of metrics.csv, those of an embedding last."""
    header = list(header)
    known = [_described(metric) for metric in columns.METRICS if metric.column in header]
    names = {metric["column"] for metric in known}
    return known + [_embedding(name) for name in header if name not in _NO_METRICS | names]


def _embedding(column: str) -> dict[str, Any]:
    model, _, kind = column.rpartition("_")
    en, ja, group = _OF_AN_EMBEDDING.get(kind, (kind, kind, "picture"))
    return {
        "column": column,
        "en": f"{model}: {en}",
        "ja": f"{model}: {ja}",
        "unit": {"en": "", "ja": ""},
        "group": group,
    }


def summary(rows: list[Row], metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row per weight: mean and interval of each metric that the table has."""
    wanted = [metric["column"] for metric in metrics]
    return [
        {
            "weight": float(row["weight"]),
            "pictures": row.get("pictures", ""),
            "values": {
                column: [
                    number(row.get(name)) for name in (column, f"{column}_low", f"{column}_high")
                ]
                for column in wanted
                if row.get(column)
            },
        }
        for row in rows
    ]


def loss(rows: list[Row]) -> dict[str, list[float]]:
    """Return the course of a training: steps, losses and their running mean.

    A long training is thinned by averaging neighbours.
    """
    import numpy as np  # only a run that was trained has a curve

    from lorabench.train.history import smooth

    losses = np.array([float(row["loss"]) for row in rows])
    smoothed = smooth(losses, min(max(1, len(rows) // 20), len(rows)))
    steps = np.array([float(row["step"]) for row in rows])
    parts = min(_POINTS, len(rows))

    def thinned(values: "np.ndarray") -> list[float]:
        return [round(float(part.mean()), 6) for part in np.array_split(values, parts)]

    return {"steps": thinned(steps), "losses": thinned(losses), "smoothed": thinned(smoothed)}
