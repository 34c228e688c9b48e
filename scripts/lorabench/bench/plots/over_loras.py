"""Draw several LoRAs at one weight: over the epochs of their training, or one after the other."""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.font_manager import FontProperties
from noto_cjk_sans_jp_regular import FONT_PATH

from lorabench.bench.measures.columns import COURSE, LORA, METRICS, OF_A_WEIGHT
from lorabench.bench.plots import charts
from lorabench.bench.plots.charts import MEAN, ONE, QUIET, USABLE
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.errors import UserError
from lorabench.sweep.loras import SweptLora, is_series, label, places
from lorabench.sweep.variants import usual_weight
from lorabench.train import history

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3
_WIDTH, _HEIGHT = 4.0, 2.6  # inches: of a panel
_LONGEST = 16  # letters of a LoRA's name on an axis
_KNOWN = {metric.column: metric for metric in (*METRICS, *OF_A_WEIGHT)}


def draw(
    loras: Sequence[SweptLora],
    summary: Path,
    path: Path,
    title: str,
    verdict: Verdict | None,
    log: Path | None = None,
) -> None:
    """Draw the metrics of all LoRAs at the weight to use, or at 0.8, into the PNG `path`.

    `summary` is the table of all of them; beside them stands the loss of the training, where its
    `log` is there. Raises `UserError`: the verdict is on one LoRA, or a file is damaged.
    """
    if not verdict or not (choice := verdict.choice):
        raise UserError("--loras: the verdict is on one LoRA; leave the option out")
    every = charts.read_summary(summary)
    weight, chosen = verdict.weight, choice.lora
    if weight is None:
        weight, chosen = usual_weight(list(every["weight"])), None
    at_weight = every[every["weight"] == weight].fillna({LORA: ""}).set_index(LORA)
    table = at_weight.reindex([one.key for one in loras]).reset_index(drop=True)
    shown = [name for name in COURSE if name in table and table[name].notna().sum() > 1]
    unit, _ = places(loras)
    steps = history.read(log) if log and unit else []
    panels = len(shown) + bool(steps)
    rows, columns = max(1, math.ceil(panels / _COLUMNS)), max(2, min(_COLUMNS, panels))
    figure = charts.new_figure(columns * _WIDTH, rows * _HEIGHT)
    rooms = iter(figure.subplots(rows, columns, squeeze=False).flatten())
    entries = {}
    for name, axes in zip(shown, rooms, strict=False):
        _draw_panel(axes, table, name, loras, chosen)
        handles, labels = axes.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    if steps:
        _draw_loss(next(rooms), steps, loras, chosen)
    for axes in rooms:
        axes.remove()
    figure.supxlabel(f"{unit or 'LoRA'}, at weight {weight:g}", fontsize=9, color=QUIET)
    charts.draw_header(figure, title, entries)
    charts.save(figure, path)


def _draw_panel(
    axes: "Axes", table: pd.DataFrame, name: str, loras: Sequence[SweptLora], chosen: str | None
) -> None:
    """Draw a metric of all LoRAs; those of a series are joined."""
    _, at = places(loras)
    mean, low, high = (table[f"{name}{end}"] for end in ("", "_low", "_high"))
    if is_series(loras):
        axes.fill_between(at, low, high, color=MEAN, alpha=0.2, lw=0, label="95 % interval")
        axes.plot(at, mean, "o-", color=MEAN, lw=2.2, ms=4, label="mean")
    else:
        axes.vlines(at, low, high, color=ONE, lw=1.4, label="95 % interval")
        axes.plot(at, mean, "o", color=MEAN, ms=5, label="mean")
    charts.prepare(axes, "y")
    _mark(axes, at, loras, chosen)
    metric = _KNOWN[name]
    axes.set_title(textwrap.fill(metric.title, 34), loc="left", fontsize=10, fontweight="bold")
    axes.set_title(metric.unit, loc="right", fontsize=8, color=QUIET)


def _draw_loss(
    axes: "Axes", rows: Sequence[history.Row], loras: Sequence[SweptLora], chosen: str | None
) -> None:
    """Draw the loss, with the axis of the panels beside it: where each LoRA was saved."""
    unit, at = places(loras)
    if unit == "epoch":
        at = [max((row.step for row in rows if row.epoch <= epoch), default=0) for epoch in at]
    history.draw_losses(axes, rows)
    charts.prepare(axes, "y")
    _mark(axes, at, loras, chosen)
    axes.set_title("loss", loc="left", fontsize=10, fontweight="bold")
    axes.legend(frameon=False, fontsize=8, loc="upper right")


def _mark(axes: "Axes", at: Sequence[int], loras: Sequence[SweptLora], chosen: str | None) -> None:
    """Name the LoRAs below a panel, and mark the one to use, if one works."""
    unit, _ = places(loras)
    names = [str(getattr(one, unit)) if unit else _short(label(one)) for one in loras]
    letters = FontProperties(fname=str(FONT_PATH), size=8)
    axes.set_xticks(at, names, fontproperties=letters, parse_math=False)
    for name in [] if unit else axes.get_xticklabels():
        name.set(rotation=30, ha="right")
    for place, one in zip(at, loras, strict=True):
        if one.key == chosen:
            axes.axvline(place, color=USABLE, lw=1.4, ls="--", label="to use")


def _short(name: str) -> str:
    """Leave out the middle of a long name: names of a list often begin alike."""
    return name if len(name) <= _LONGEST else f"{name[:5]}…{name[6 - _LONGEST :]}"
