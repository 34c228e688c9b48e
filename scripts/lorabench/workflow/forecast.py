"""What a benchmark will draw, and about how long that takes, in a line."""

import csv
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

from lorabench.errors import UserError
from lorabench.run.record import RunRecord
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.variants import Variant
from lorabench.text.phrases import count, count_weights

BUNDLED = 0.8
"""Seconds of a picture on the embedded server with the bundled model (docs/performance.md)."""
BUNDLED_START = 14
"""Seconds until that server has loaded the model and draws (docs/performance.md)."""
BUNDLED_TRAINING = 0.039
"""Seconds of a picture in a training on it, on one core (docs/performance.md)."""
AUTOENCODER = 150
"""Seconds of a million pixels in the autoencoder of SD1.x, on one core (docs/performance.md)."""


def sentence(
    variants: Sequence[Variant], batch_size: int, cells: int, seconds: float | None
) -> str:
    """Return what is drawn in all, and how many `cells` of it are still to be rendered.

    `seconds` is how long that takes, None where nothing tells.
    """
    asked = [variant for variant in variants if not variant.probe]
    pictures = {
        probe: sum(
            len(variant.weights) * len(variant.seeds) * batch_size
            for variant in variants
            if variant.probe == probe
        )
        for probe in ("", "trigger", "untriggered")
    }
    parts = [
        f"{count(len(asked), 'prompt')} × {count_weights(asked[0].weights)} × "
        f"{count(len(asked[0].seeds), 'seed')}"
        + (f" × {batch_size} each" if batch_size > 1 else "")
    ]
    if pictures["trigger"]:
        parts.append(f"{pictures['trigger']} of the trigger words alone")
    if pictures["untriggered"]:
        parts.append(f"{pictures['untriggered']} of prompts without them")
    total = sum(pictures.values())
    todo = f"{count(total, 'picture')}, {cells * batch_size} to render"
    return f"The benchmark: {', '.join(parts)}; {todo}{_of_cells(cells, seconds)}"


def seconds_to_draw(run: Path, cells: int, at_once: int) -> float | None:
    """Return the time of `cells` by Snakemake's tables of this run, or of runs like it.

    Runs are alike that drew with one checkpoint on one server. None where there is no table that
    tells.
    """
    alike = [run, *(other for other in run.parent.glob("*") if _drawn_by(other) == _drawn_by(run))]
    for one in alike:
        times = _times(one)
        if len(times) > at_once:
            # The server loads its model while the first cells wait; of the others `at_once` are
            # on their way at a time, and each shows the time of so many.
            each = median(times[at_once:]) / at_once
            return max(times[0] - each, 0) + cells * each
    return None


def seconds_a_picture_trained(runs: Path, record: RunRecord) -> float | None:
    """Return the median time that a training took for a picture, in `runs` that trained alike.

    That is on one base model, with one trainer, at one resolution. None where there is none.
    """
    found = []
    for run in runs.glob("*"):
        with suppress(UserError, OSError, ValueError, KeyError, IndexError):
            then = RunRecord.read(run / "run.yaml")
            if _trained_by(then) == _trained_by(record):
                with (run / "train" / "train_log.csv").open(encoding="utf-8") as file:
                    last = list(csv.DictReader(file))[-1]
                found.append(float(last["seconds"]) / int(last["step"]) / _pictures_a_step(then))
    return median(found) if found else None


def _trained_by(record: RunRecord) -> tuple[str, str, int]:
    went_in = record.identity
    return went_in.base_model.digest, went_in.trainer, record.preprocess.resolution


def _pictures_a_step(record: RunRecord) -> int:
    return record.train.batch_size * record.train.gradient_accumulation


def _drawn_by(run: Path) -> object:
    with suppress(UserError):
        sweep = SweepRecord.read(run / "bench" / "sweep.yaml")
        return sweep.checkpoint, sweep.comfy_url
    return run  # like no other


def _times(run: Path) -> list[float]:
    """Return the seconds that each cell took, in the order in which they ended."""
    found = []
    for table in run.glob("benchmarks/bench_image/**/*.tsv"):
        with suppress(OSError, ValueError, KeyError, StopIteration):
            lines = table.read_text(encoding="utf-8").splitlines()
            seconds = float(next(csv.DictReader(lines, delimiter="\t"))["s"])
            found.append((table.stat().st_mtime_ns, seconds))
    return [seconds for _, seconds in sorted(found)]


def _of_cells(cells: int, seconds: float | None) -> str:
    if not cells:
        return ""
    if seconds is None:
        return " (how long that takes is known after the first one)"
    return f", {about(seconds)}"


def about(seconds: float) -> str:
    """Return a time as a reader wants it."""
    return f"about {max(seconds, 1):.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} minutes"
