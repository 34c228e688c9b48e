"""A sweep's metrics over the LoRA weight: a panel each, a thin line per seed, the mean bold."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import MaxNLocator
from noto_cjk_sans_jp_regular import FONT_PATH

from lorabench import files
from lorabench.bench.text import font, shorten
from lorabench.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Panel(NamedTuple):
    """One metric: its column, what heads it, and its unit or range."""

    column: str
    title: str
    unit: str


COMPARISONS = [
    Panel("difference", "difference", "0 to 1"),
    Panel("ssim", "SSIM", "1 is equal"),
    Panel("hash_distance", "hash distance", "bits of 64"),
]
"""Against the same seed and index at weight 0."""

DESCRIPTIONS = [
    Panel("sharpness", "sharpness", "grey levels²"),
    Panel("contrast", "contrast", "0 to 0.5"),
    Panel("brightness", "brightness", "0 to 1"),
    Panel("saturation", "saturation", "0 to 1"),
    Panel("colourfulness", "colourfulness", "59 is quite colourful"),
    Panel("clipped", "clipped", "share, 0 to 1"),
    Panel("entropy", "entropy", "bits, 0 to 8"),
]
"""Of the picture by itself."""

_ROWS = 2
_WIDTH, _HEIGHT, _HEADER = 3.0, 2.3, 0.75  # inches: of a panel, and of the title above all
_STEPS = (1, 2, 2.5, 5, 10)  # between ticks, times a power of ten
_DPI, _POINTS = 120, 14
_SEED, _MEAN, _BASELINE, _QUIET = "#9db2cc", "#1f4e8c", "#c2542d", "#6b6b6b"


def read(path: Path) -> pd.DataFrame:
    """Read the table that bench_metrics.py wrote; raise `UserError` for anything else."""
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"--metrics {path}: cannot be read as CSV ({error})") from None
    columns = {"weight", "seed", "index"} | {panel.column for panel in COMPARISONS + DESCRIPTIONS}
    if missing := columns.difference(table.columns):
        raise UserError(
            f"--metrics {path}: has no column {', '.join(sorted(missing))}; "
            "it should be what bench_metrics.py writes"
        )
    if table.empty:
        raise UserError(f"--metrics {path}: has no rows")
    return table


def draw(table: pd.DataFrame, path: Path, title: str = "") -> None:
    """Draw the metrics in `table` over its weights into the PNG `path`.

    Panels that compare with weight 0 are left out where no picture was compared.
    """
    compared = table[[panel.column for panel in COMPARISONS]].notna().any(axis=None)
    panels = [*COMPARISONS, *DESCRIPTIONS] if compared else DESCRIPTIONS
    columns = math.ceil(len(panels) / _ROWS)
    width, height = columns * _WIDTH, _ROWS * _HEIGHT + _HEADER
    figure = Figure(figsize=(width, height), dpi=_DPI)
    figure.set_layout_engine(
        "constrained", rect=(0, 0, 1, 1 - _HEADER / height), w_pad=0.1, h_pad=0.1
    )
    rooms = figure.subplots(_ROWS, columns).flatten()
    for panel, axes in zip(panels, rooms, strict=False):
        _draw_panel(axes, table, panel)
    for axes in rooms[len(panels) :]:
        axes.remove()
    note = "" if compared else " (no pictures at weight 0 to compare with)"
    figure.supxlabel(f"LoRA weight{note}", fontsize=9, color=_QUIET)
    _draw_header(figure, rooms[0], title)
    with files.publish(path) as temporary:
        figure.savefig(temporary, format="png")


def _draw_panel(axes: "Axes", table: pd.DataFrame, panel: Panel) -> None:
    series = [rows for _, rows in table.sort_values("weight").groupby(["seed", "index"])]
    every = "each seed" if (table["index"] == 0).all() else "each seed and index"
    for number, rows in enumerate(series):
        label = every if number == 0 and len(series) > 1 else "_"  # the legend leaves out _
        style = "-" if len(rows) > 1 else "."
        axes.plot(rows["weight"], rows[panel.column], style, color=_SEED, lw=0.8, label=label)
    mean = table.groupby("weight")[panel.column].mean()
    label = "mean" if len(series) > 1 else f"seed {table['seed'].iloc[0]}"
    axes.plot(mean.index, mean, "o-", color=_MEAN, lw=2.2, ms=4, label=label)
    lowest, highest = table["weight"].min(), table["weight"].max()
    if lowest <= 0 <= highest:
        axes.axvline(0, color=_BASELINE, lw=1, ls=":", label="without the LoRA")
    room = 0.05 * (highest - lowest) or 0.5
    axes.set_xlim(lowest - room, highest + room)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=_STEPS))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
    axes.ticklabel_format(useOffset=False, style="plain")
    axes.tick_params(labelsize=8, length=0, colors=_QUIET)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#c9c9c9")
    axes.grid(axis="y", color="#e6e6e6", lw=0.7)
    axes.set_axisbelow(True)
    axes.set_title(panel.title, loc="left", fontsize=10, fontweight="bold")
    axes.set_title(panel.unit, loc="right", fontsize=8, color=_QUIET)


def _draw_header(figure: Figure, panel: "Axes", title: str) -> None:
    """Write the title at the left, and at the right what the lines of a panel mean."""
    width, height = figure.get_size_inches()
    middle = 1 - _HEADER / 2 / height
    letters = font(round(_POINTS * _DPI / 72))
    figure.text(
        0.15 / width,
        middle,
        shorten(title, letters, 0.6 * width * _DPI),
        font=FontProperties(fname=str(FONT_PATH), size=_POINTS),
        va="center",
        parse_math=False,  # a run may have dollars in its name
    )
    figure.legend(
        *panel.get_legend_handles_labels(),
        loc="center right",
        bbox_to_anchor=(1 - 0.1 / width, middle),
        ncols=3,
        frameon=False,
        fontsize=9,
    )
