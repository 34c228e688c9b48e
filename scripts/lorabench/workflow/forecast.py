"""Say in one line what a benchmark will render, and about how long that takes."""

import csv
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

from lorabench.errors import UserError
from lorabench.run.record import RunRecord
from lorabench.settings import formats
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.variants import Probe, Variant
from lorabench.sweep.variants import cells as cells_of
from lorabench.text.phrases import count, count_weights

BUNDLED_START = 14
"""Seconds until the embedded server has loaded the bundled model (docs/performance.md)."""


def sentence(
    variants: Sequence[Variant],
    batch_size: int,
    cells: int,
    seconds: float | None,
    usual: float | None = None,
) -> str:
    """Return what the benchmark has in all, and how many `cells` are still to be rendered.

    `seconds` is how long that takes; None if unknown. `usual` is what a picture takes on a usual
    GPU, None if the server has none.
    """
    loras = len({variant.lora for variant in variants})
    first = [one for one in variants if one.lora == variants[0].lora and not one.probe]
    probes: tuple[Probe, ...] = ("", "trigger", "untriggered")
    pictures = {
        probe: batch_size * len(cells_of(one for one in variants if one.probe == probe))
        for probe in probes
    }
    asked = [one for one in variants if not one.probe]
    if len({(one.weights, one.seeds) for one in asked}) > 1 or len(asked) != loras * len(first):
        parts = [f"a search over {count(loras, 'LoRA')}"]
    else:
        parts = [
            (f"{count(loras, 'LoRA')} × " if loras > 1 else "")
            + f"{count(len(first), 'prompt')} × {count_weights(first[0].weights)} × "
            f"{count(len(first[0].seeds), 'seed')}"
            + (f" × {batch_size} each" if batch_size > 1 else "")
        ]
    if pictures["trigger"]:
        parts.append(f"{pictures['trigger']} of the trigger words alone")
    if pictures["untriggered"]:
        parts.append(f"{pictures['untriggered']} of prompts without them")
    total = sum(pictures.values())
    todo = f"{count(total, 'picture')}, {cells * batch_size} to render"
    return f"The benchmark: {', '.join(parts)}; {todo}{_time(cells * batch_size, seconds, usual)}"


def seconds_to_draw(run: Path, cells: int, at_once: int) -> float | None:
    """Return the time of `cells`, from Snakemake's tables of this run or of runs like it.

    Runs are alike if they used the same checkpoint, server and `bench.size`. None if no table has
    the time.
    """
    alike = [run, *(other for other in run.parent.glob("*") if _drawn_by(other) == _drawn_by(run))]
    for one in alike:
        times = _times(one)
        if len(times) > at_once:
            # The first cells wait while the server loads its model. After that, `at_once` cells
            # run at a time, so each takes the time of that many.
            each = median(times[at_once:]) / at_once
            return max(times[0] - each, 0) + cells * each
    return None


def seconds_a_picture_trained(runs: Path, record: RunRecord, device: str) -> float | None:
    """Return the median time for a picture in the trainings of similar `runs`; None without any.

    Similar runs have the same base model, trainer and resolution, and trained on the same device.
    """
    found = []
    for run in runs.glob("*"):
        with suppress(UserError, ValueError, IndexError, ZeroDivisionError):
            then = RunRecord.read(run / "run.yaml")
            if _trained_by(then) == _trained_by(record):
                log = run / "train" / "train_log.csv"
                needed = ("step", "seconds")
                last = formats.table(log, "a log", needed, ("device",), grows=True)[-1]
                each = float(last["seconds"]) / int(last["step"]) / _pictures_a_step(then)
                # Logs of older versions lack the device; what was asked for may say it.
                if (last.get("device") or then.train.device) == device:
                    found.append(each)
    return median(found) if found else None


def _trained_by(record: RunRecord) -> tuple[str, str, int]:
    went_in = record.identity
    return went_in.base_model.digest, went_in.trainer, record.preprocess.resolution


def _pictures_a_step(record: RunRecord) -> int:
    return record.train.batch_size * record.train.gradient_accumulation


def _drawn_by(run: Path) -> object:
    with suppress(UserError):
        sweep = SweepRecord.read(run / "bench" / "sweep.yaml")
        return sweep.checkpoint, sweep.comfy_url, sweep.bench.size
    return run  # like no other


def _times(run: Path) -> list[float]:
    """Return the seconds of each cell, in the order in which they ended."""
    found = []
    for table in run.glob("benchmarks/bench_image/**/*.tsv"):
        with suppress(OSError, ValueError, KeyError, TypeError, StopIteration):
            lines = table.read_text(encoding="utf-8").splitlines()
            seconds = float(next(csv.DictReader(lines, delimiter="\t"))["s"])
            found.append((table.stat().st_mtime_ns, seconds))
    return [seconds for _, seconds in sorted(found)]


def _time(pictures: int, seconds: float | None, usual: float | None) -> str:
    if not pictures:
        return ""
    if seconds is None and usual:
        return f", {about(usual * pictures)} if a picture takes {usual:g} s, as on a usual GPU"
    if seconds is None:
        return " (how long that takes is known after the first one)"
    return f", {about(seconds)}"


def about(seconds: float) -> str:
    """Return a time as a reader wants it."""
    return f"about {max(seconds, 1):.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} minutes"
