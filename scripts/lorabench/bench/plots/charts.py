"""Shared parts of a sweep's charts: tables, colours, header and saving."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ticker import MaxNLocator
from noto_cjk_sans_jp_regular import FONT_PATH

from lorabench import files
from lorabench.bench.lettering import font, shorten
from lorabench.bench.measures import rows
from lorabench.bench.measures.columns import LORA
from lorabench.bench.verdicts.verdict import Choice
from lorabench.errors import UserError

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

HEADER = 0.75
"""Inches: the room for the title."""
ONE, MEAN, BASELINE, USABLE, QUIET = "#9db2cc", "#1f4e8c", "#c2542d", "#248a3d", "#6b6b6b"
_DPI, _POINTS = 120, 14
_STEPS = (1, 2, 2.5, 5, 10)  # between ticks, times a power of ten


@dataclass(frozen=True)
class Tables:
    """The measurements of a sweep, without its probes."""

    metrics: pd.DataFrame
    """A row per picture."""
    summary: pd.DataFrame
    """A row per weight, ascending: means with `_low` and `_high`, their 95 % intervals."""

    @property
    def summarized(self) -> list[str]:
        """The columns of `summary` that have an interval and hold a number."""
        return [
            column
            for column in self.summary.columns
            if {f"{column}_low", f"{column}_high"} <= set(self.summary)
            and self.summary[column].notna().any()
        ]


def read(metrics: Path, summary: Path, choice: Choice | None = None) -> Tables:
    """Read the tables that bench_metrics.py wrote, of several LoRAs the rows of the chosen one.

    Raises `UserError` for anything else.
    """
    rows.of_pictures(metrics)
    pictures = _read(metrics, "--metrics", {"variant", "probe"})
    weights = read_summary(summary)
    if choice:
        of = pictures["weight"].map(lambda weight: choice.lora if weight else choice.baseline)
        pictures = pictures[pictures[LORA].fillna("") == of]
        weights = weights[weights[LORA].fillna("") == choice.lora]
    names = pictures[["variant", "probe"]].fillna("")
    pictures = pictures.assign(variant=names["variant"])[names["probe"] == ""]
    return Tables(pictures, weights.sort_values("weight", ignore_index=True))


def read_summary(path: Path) -> pd.DataFrame:
    """Read the summary, of several LoRAs whole; raises as `read` does."""
    rows.of_weights(path)
    return pd.read_csv(path)


def _read(path: Path, option: str, columns: set[str]) -> pd.DataFrame:
    table = pd.read_csv(path)
    if missing := columns.difference(table.columns):
        raise UserError(
            f"{option} {path}: has no column {', '.join(sorted(missing))}; "
            "it should be a table of bench_metrics.py"
        )
    return table


def prepare(axes: "Axes", grid: Literal["both", "x", "y"] = "both") -> None:
    """Give a chart few ticks, a faint grid and no frame."""
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=_STEPS))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=_STEPS))
    axes.ticklabel_format(useOffset=False, style="plain")
    axes.tick_params(labelsize=8, length=0, colors=QUIET)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#c9c9c9")
    axes.grid(axis=grid, color="#e6e6e6", lw=0.7)
    axes.set_axisbelow(True)


def draw_header(figure: Figure, title: str, entries: dict[str, "Artist"], columns: int = 3) -> None:
    """Write the title on the left, and the legend on the right."""
    width, height = figure.get_size_inches()
    middle = 1 - HEADER / 2 / height
    letters = font(round(_POINTS * _DPI / 72))
    figure.text(
        0.15 / width,
        middle,
        shorten(title, letters, 0.4 * width * _DPI),
        font=FontProperties(fname=str(FONT_PATH), size=_POINTS),
        va="center",
        parse_math=False,  # a run may have dollars in its name
    )
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="center right",
        bbox_to_anchor=(1 - 0.1 / width, middle),
        ncols=columns,
        frameon=False,
        fontsize=9,
    )


def new_figure(width: float, height: float) -> Figure:
    """Return a figure of this size in inches, plus the header."""
    whole = height + HEADER
    figure = Figure(figsize=(width, whole), dpi=_DPI)
    figure.set_layout_engine(
        "constrained", rect=(0, 0, 1, 1 - HEADER / whole), w_pad=0.1, h_pad=0.1
    )
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write the figure as PNG."""
    with files.publish(path) as temporary:
        figure.savefig(temporary, format="png")
