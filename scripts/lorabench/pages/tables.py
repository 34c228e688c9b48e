"""The tables that a run leaves, as the page takes them."""

import math
from collections.abc import Iterable
from typing import Any

from lorabench.bench.measures import columns
from lorabench.bench.measures.rows import Row
from lorabench.pages.words import TEXTS

_NO_METRICS = {columns.LORA, *columns.PLACE, *columns.BESIDE}
_KNOWN = {metric.column: metric for metric in (*columns.METRICS, *columns.OF_A_WEIGHT)}
_POINTS = 600  # of the loss curve: more than a screen has room for


def number(text: str | None) -> float | None:
    """Read a number; None for an empty field and for NaN."""
    value = float(text) if text else math.nan
    return value if math.isfinite(value) else None


def metrics_of(header: Iterable[str]) -> list[dict[str, Any]]:
    """Return the metrics among the columns of metrics.csv, those of an embedding last."""
    header = list(header)
    known = [metric.column for metric in columns.METRICS if metric.column in header]
    others = [name for name in header if name not in {*_NO_METRICS, *known}]
    return [described(name) for name in (*known, *others)]


def of_a_weight(header: Iterable[str]) -> list[dict[str, Any]]:
    """Return what only summary.csv has: what several pictures together show."""
    header = list(header)
    return [described(one.column) for one in columns.OF_A_WEIGHT if one.column in header]


def described(column: str) -> dict[str, Any]:
    """Return a metric's title and unit in both languages."""
    if metric := _KNOWN.get(column):
        unit = {"en": metric.unit, "ja": metric.unit_ja}
        return {"column": column, "en": metric.title, "ja": metric.title_ja, "unit": unit}
    model, _, kind = column.rpartition("_")
    en, ja = TEXTS.get(f"embedding.{kind}", (kind, kind))
    titles = {"en": f"{model}: {en}", "ja": f"{model}: {ja}"} if model else {"en": en, "ja": ja}
    return {"column": column, **titles, "unit": {"en": "", "ja": ""}}


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


def ends(rows: list[Row], epochs: Iterable[int]) -> list[int]:
    """Return the last logged step of each of these epochs, counted from 1."""
    return [
        max((int(row["step"]) for row in rows if int(row["epoch"]) <= epoch), default=0)
        for epoch in epochs
    ]


def held_out(rows: list[Row]) -> list[tuple[int, float]]:
    """Return the steps at which held-out pictures were looked at, and the losses on them."""
    measured = [row for row in rows if row.get("validation_loss")]
    return [(int(row["step"]), float(row["validation_loss"])) for row in measured]
