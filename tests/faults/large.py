"""Normalize 10,000 pictures, and measure, judge, draw and show 2,000 cells: the memory of each."""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lorabench import cli
from tests.faults import harness
from tests.finished import make_run

SIDE = 160
PICTURES, CELLS = (1_000, 10_000), (200, 2_000)
Program = Callable[[Path], Sequence[Any]]


def _bench(run: Path, *words: str) -> list[Any]:
    return [run / "bench" / word if "." in word else word for word in words]


PROGRAMS: dict[str, Program] = {
    "bench_metrics": lambda run: _bench(run, "--sweep", "sweep.yaml", "--output", "metrics.csv",
                                        "--warnings", "warnings.json"),
    "bench_verdict": lambda run: _bench(run, "metrics.csv", "--sweep", "sweep.yaml", "--output",
                                        "verdict.json", "--summary", "summary.csv"),
    "bench_plots": lambda run: _bench(run, "--metrics", "metrics.csv", "--summary", "summary.csv",
                                      "--verdict", "verdict.json", "--output-dir", "plots.d"),
    "bench_grid": lambda run: _bench(run, "--sweep", "sweep.yaml", "--warnings", "warnings.json",
                                     "--verdict", "verdict.json", "--output-dir", "grid.d"),
    "bench_report": lambda run: ["--run", run, "--workers", "1"],
}  # fmt: skip


def make(folder: Path, cases: int, seed: int) -> Iterator[tuple[str, Any]]:
    """Yield each program with a small input and with a large one, which shows what grows."""
    tried: list[tuple[str, Any]] = [
        (f"{number:,} pictures, resize_dataset.py", ("resize_dataset", number))
        for number in PICTURES
    ]
    for cells in CELLS:
        tried += [(f"{cells:,} cells, {name}.py", (name, cells)) for name in PROGRAMS]
    yield from tried[:cases]


def prepare(folder: Path) -> None:
    """Find the programs, and the fonts, which matplotlib asks the system for."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
    import matplotlib.font_manager  # noqa: F401


def attempt(folder: Path, case: tuple[str, int]) -> int:
    """Run a program on an input of this size."""
    name, number = case
    make_input = _set if name == "resize_dataset" else _sweep
    arguments = make_input(folder / f"{number}", number)
    words = (
        PROGRAMS[name](folder / str(number) / "runs" / "large") if name in PROGRAMS else arguments
    )
    script = import_module(name)
    run = partial(cli.run, script.parser(), script.main, [str(word) for word in words])
    return run()


def _set(folder: Path, number: int) -> list[Any]:
    """Write so many pictures, each unlike the others; return how to normalize them."""
    raw = folder / "raw"
    shutil.rmtree(folder, ignore_errors=True)
    raw.mkdir(parents=True)
    for at in range(number):
        pixels = np.random.default_rng(at).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        image.save(raw / f"{at}.jpg", quality=90)
    sizes = ["--resolution=128", "--bucket-step=32", "--bucket-min=64", "--bucket-max=256"]
    return [raw, "--output", folder / "set", *sizes, "--min-size=64", "--workers=1"]


def _sweep(folder: Path, number: int) -> list[Any]:
    """Write a run with so many cells, once; their seeds grow in number, not their weights."""
    if not folder.exists():
        make_run(folder, "large", prompts=8, weights=(0, 0.4, 0.6, 0.8, 1.0), probe="off", size=128,
                 seeds=tuple(range(number // 40)))  # fmt: skip
    return []


TRIAL = harness.Trial(
    "large sets and sweeps", make, attempt, prepare, seconds=900, megabytes=700, alone=True
)

if __name__ == "__main__":
    sys.exit(harness.main(TRIAL, 12))
