"""The course of a training: `train_log.csv`, a row per step, and a picture of the loss."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from noto_cjk_sans_jp_regular import FONT_PATH

from lorabench import files
from lorabench.settings.formats import reading, table

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_WHAT = "the log of a training"
_REMEDY = "correct the line, or delete it; without the file, the run would be trained again"


class Row(NamedTuple):
    """One step, counted from 1; `seconds` since the training began, without pauses."""

    step: int
    epoch: int
    loss: float
    lr: float
    seconds: float
    validation_loss: float | None = None
    """On the pictures that were held out, after this step; None where it was not measured."""
    device: str = ""
    """What trained: cpu or cuda; empty where an older version did not write it."""

    def line(self) -> str:
        """Return the row as a line of CSV."""
        held_out = "" if self.validation_loss is None else f"{self.validation_loss:.6f}"
        return (
            f"{self.step},{self.epoch},{self.loss:.6f},{self.lr:.6g},{self.seconds:.2f},"
            f"{held_out},{self.device}\n"
        )


class History:
    """All rows so far, appended to the file after each step; a kill may cut the last one short."""

    def __init__(self, path: Path, rows: list[Row]) -> None:
        """Start the file with `rows`, those of the state from which the training continues."""
        self.rows = rows
        write(path, rows)
        self._file = path.open("a", encoding="utf-8")

    def add(self, row: Row) -> None:
        """Append a row."""
        self.rows.append(row)
        self._file.write(row.line())
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write all rows, whole or not at all."""
    files.write_text(path, ",".join(Row._fields) + "\n" + "".join(map(Row.line, rows)))


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Return the centred running mean over `window` values, or fewer at the ends."""
    kernel = np.ones(window)
    return np.convolve(values, kernel, "same") / np.convolve(np.ones_like(values), kernel, "same")


def read(path: Path) -> list[Row]:
    """Read what a `History` wrote; raise `UserError` for anything else."""
    with reading(path, _WHAT, _REMEDY):
        return [
            Row(
                int(row["step"]),
                int(row["epoch"]),
                float(row["loss"]),
                float(row["lr"]),
                float(row["seconds"]),
                float(row["validation_loss"]) if row.get("validation_loss") else None,
                row.get("device") or "",
            )
            for row in rows(path)
        ]


def rows(path: Path) -> list[dict[str, str]]:
    """Read the same as texts."""
    needed = ("step", "epoch", "loss", "seconds")
    return table(path, _WHAT, needed, ("device",), _REMEDY, grows=True)


def draw_losses(axes: "Axes", rows: Sequence[Row]) -> None:
    """Draw the loss over the steps, raw, smoothed, and on held-out pictures."""
    steps = np.array([row.step for row in rows])
    losses = np.array([row.loss for row in rows])
    smoothed = smooth(losses, min(max(1, len(rows) // 20), len(rows)))
    axes.plot(steps, losses, color="#b9c6d6", linewidth=0.8, label="each step")
    axes.plot(steps, smoothed, color="#1f4e8c", linewidth=2.2, label="running mean")
    measured = {row.step: row.validation_loss for row in rows if row.validation_loss is not None}
    if measured:
        at, held_out = list(measured), list(measured.values())
        axes.plot(at, held_out, "o-", color="#c2542d", markersize=3, label="held-out pictures")
    highest = max([np.quantile(losses, 0.995), *measured.values(), 1e-9])
    axes.set_ylim(0, 1.15 * highest)


def draw(rows: list[Row], path: Path, title: str) -> None:
    """Draw the loss over the steps, raw and smoothed, and the learning rate below it."""
    from matplotlib.figure import Figure  # takes a second to import; needed once, at the end
    from matplotlib.font_manager import FontProperties
    from matplotlib.ticker import MaxNLocator

    steps = [row.step for row in rows]
    figure = Figure(figsize=(9, 5.4), dpi=140, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    draw_losses(upper, rows)
    upper.set_ylabel("loss")
    font = FontProperties(fname=str(FONT_PATH), size=11)
    upper.set_title(title, loc="left", font=font, parse_math=False)
    upper.legend(frameon=False, loc="upper right", ncols=3)
    lower.plot(steps, [row.lr for row in rows], color="#c2542d", linewidth=1.6)
    lower.set(xlabel="step", ylabel="learning rate", xlim=(steps[0] - 0.5, steps[-1] + 0.5))
    lower.set_ylim(bottom=0)
    lower.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (upper, lower):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e6e6e6", linewidth=0.7)
        axes.set_axisbelow(True)
    with files.publish(path) as temporary:
        figure.savefig(temporary, format="png")
