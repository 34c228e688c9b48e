"""Draw the metrics over the LoRA weight: a panel each, the mean with its 95 % interval."""

import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from lorabench.bench.measures.columns import METRICS, OF_A_WEIGHT
from lorabench.bench.plots import charts
from lorabench.bench.plots.charts import BASELINE, MEAN, ONE, QUIET, USABLE, Tables
from lorabench.bench.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 5
_WIDTH, _HEIGHT = 3.0, 2.3  # inches: of a panel
_LETTERS = 30  # of a title that fill a panel; those of a unit are smaller


class Panel(NamedTuple):
    """One metric: its column, title, and unit or range."""

    column: str
    title: str
    unit: str


def panels(tables: Tables) -> list[Panel]:
    """Return the summarized metrics: those of the registry in its order, then others."""
    known = {
        metric.column: Panel(metric.column, metric.title, metric.unit)
        for metric in (*METRICS, *OF_A_WEIGHT)
    }
    present = tables.summarized
    others = [Panel(name, name.replace("_", " "), "") for name in present if name not in known]
    return [*(panel for name, panel in known.items() if name in present), *others]


def draw(tables: Tables, path: Path, title: str = "", verdict: Verdict | None = None) -> None:
    """Draw the metrics over the weights into the PNG `path`."""
    shown = panels(tables)
    columns = min(_COLUMNS, max(1, len(shown)))
    rows = max(1, math.ceil(len(shown) / columns))
    figure = charts.new_figure(max(2, columns) * _WIDTH, rows * _HEIGHT)
    rooms = figure.subplots(rows, columns, squeeze=False).flatten()
    for panel, axes in zip(shown, rooms, strict=False):
        _draw_panel(axes, tables, panel, verdict)
    for axes in rooms[len(shown) :]:
        axes.remove()
    figure.supxlabel("LoRA weight", fontsize=9, color=QUIET)
    entries = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        entries |= {label: handle for handle, label in zip(handles, labels, strict=True)}
    charts.draw_header(figure, title, entries)
    charts.save(figure, path)


def _draw_panel(axes: "Axes", tables: Tables, panel: Panel, verdict: Verdict | None) -> None:
    weights, summary = tables.summary["weight"], tables.summary
    lowest, highest = weights.min(), weights.max()
    room = 0.05 * (highest - lowest) or 0.5
    _mark_verdict(axes, verdict, room / 2)
    if lowest <= 0 <= highest:
        axes.axvline(0, color=BASELINE, lw=1, ls=":", label="without the LoRA")
    _draw_each(axes, tables.metrics, panel.column)
    low, high = summary[f"{panel.column}_low"], summary[f"{panel.column}_high"]
    if (high > low).any():
        label = "95 % interval"
        axes.fill_between(weights, low, high, color=MEAN, alpha=0.2, lw=0, label=label)
    if low.notna().sum() == 1:  # there is nothing to fill between
        axes.vlines(weights, low, high, color=MEAN, alpha=0.2, lw=8)
    axes.plot(weights, summary[panel.column], "o-", color=MEAN, lw=2.2, ms=4, label="mean")
    charts.prepare(axes, "y")
    axes.set_xlim(lowest - room, highest + room)
    axes.set_title(_beside(panel), loc="left", fontsize=10, fontweight="bold")
    axes.set_title(panel.unit, loc="right", fontsize=8, color=QUIET)


def _beside(panel: Panel) -> str:
    """Return the title in lines that leave room for the unit."""
    return textwrap.fill(panel.title, max(10, _LETTERS - round(0.75 * len(panel.unit))))


def _mark_verdict(axes: "Axes", verdict: Verdict | None, room: float) -> None:
    if verdict and verdict.window:
        low, high = verdict.window
        label = "usable window"
        axes.axvspan(low - room, high + room, color=USABLE, alpha=0.1, lw=0, label=label)
    if verdict and verdict.weight is not None:
        axes.axvline(verdict.weight, color=USABLE, lw=1.4, label="recommended")


def _draw_each(axes: "Axes", metrics: pd.DataFrame, column: str) -> None:
    """Draw a thin line for each prompt or, with one prompt, for each seed."""
    by = "variant" if metrics["variant"].nunique() > 1 else "seed"
    if column not in metrics or metrics[by].nunique() == 1:
        return
    label = "each prompt" if by == "variant" else "each seed"
    for _, rows in metrics.groupby(by):
        means = rows.groupby("weight")[column].mean()
        style = "-" if len(means) > 1 else "."
        axes.plot(means.index, means, style, color=ONE, lw=0.8, label=label)
