"""The trade-off of a LoRA's weight: style gained against the prompt kept."""

from pathlib import Path
from typing import TYPE_CHECKING

from lorabench.bench.measures.columns import METRICS
from lorabench.bench.plots import charts
from lorabench.bench.plots.charts import MEAN, ONE, QUIET, USABLE, Tables
from lorabench.bench.verdicts.verdict import Verdict, in_window

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KEPT, GAINED = ("prompt_kept", "structure"), "style_gained"
"""What a weight costs, the first that was measured, and what it brings."""
_WIDTH, _HEIGHT = 7.2, 5.2  # inches
_TITLES = {metric.column: f"{metric.title} ({metric.unit})" for metric in METRICS}


def draw(tables: Tables, path: Path, title: str = "", verdict: Verdict | None = None) -> None:
    """Draw the weights as joined points into the PNG `path`, or that a metric is missing."""
    figure = charts.new_figure(_WIDTH, _HEIGHT)
    axes = figure.subplots()
    kept = next((column for column in KEPT if column in tables.summarized), None)
    if kept and GAINED in tables.summarized:
        _draw_path(axes, tables, kept, verdict)
        charts.prepare(axes)
        axes.set_xlabel(_TITLES[kept], color=QUIET)
        axes.set_ylabel(_TITLES[GAINED], color=QUIET)
    else:
        axes.set_axis_off()
        words = "Not measured: this needs the training set\nand pictures at weight 0."
        axes.text(0.5, 0.5, words, ha="center", color=QUIET, transform=axes.transAxes)
    handles, labels = axes.get_legend_handles_labels()
    charts.draw_header(figure, title, dict(zip(labels, handles, strict=True)), columns=2)
    charts.save(figure, path)


def _draw_path(axes: "Axes", tables: Tables, kept: str, verdict: Verdict | None) -> None:
    points = tables.summary.dropna(subset=[kept, GAINED])
    x, y = points[kept], points[GAINED]
    errors_x, errors_y = (
        (
            (points[column] - points[f"{column}_low"]).clip(lower=0),
            (points[f"{column}_high"] - points[column]).clip(lower=0),
        )
        for column in (kept, GAINED)
    )
    if any(part.gt(0).any() for part in (*errors_x, *errors_y)):
        look = {"fmt": "none", "ecolor": ONE, "elinewidth": 1.2, "label": "95 % interval"}
        axes.errorbar(x, y, xerr=errors_x, yerr=errors_y, **look)
    axes.plot(x, y, "o-", color=MEAN, lw=1.6, ms=6, label="weights")
    usable = in_window(list(points["weight"]), verdict)
    if any(usable):
        axes.plot(x[usable], y[usable], "o-", color=USABLE, lw=2.4, ms=7, label="usable window")
    best = points["weight"] == (verdict.weight if verdict else None)
    if best.any():
        ring = {"mfc": "none", "mec": USABLE, "mew": 1.6, "ms": 13, "ls": "none"}
        axes.plot(x[best], y[best], "o", **ring, label="recommended")
    axes.annotate(
        "better ↗", (1, 1), (-8, -14), "axes fraction", "offset points", ha="right", color=QUIET
    )
    for weight, at_x, at_y in zip(points["weight"], x, y, strict=True):
        axes.annotate(f"{weight:g}", (at_x, at_y), (9, 7), textcoords="offset points", fontsize=9)
