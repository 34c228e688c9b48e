"""What it takes to measure, judge, plot, lay out and report a sweep, from its pictures alone.

    uv run python -m benchmarks.evaluation

Pictures with a grain that does not compress, by 35 training pictures. Seconds are of the clock,
the programs one after another, with two processes where they take them; memory is the peak of the
largest process.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from benchmarks.grid import PROMPTS, SCRIPTS, SEEDS, draw
from tests import finished

_TRAINING = 35


def main() -> None:
    """Print seconds and megabytes for each program, side and number of pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="*", default=[128, 512], help="pixels")
    parser.add_argument("--hundreds", type=int, nargs="*", default=[2, 10], help="of pictures")
    arguments = parser.parse_args()
    for side in arguments.sides:
        for hundreds in arguments.hundreds:
            evaluate(side, [step / 10 for step in range(hundreds)])


def evaluate(side: int, weights: list[float]) -> None:
    """Run the programs on 100 pictures a weight and print what each took."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        bench = run / "bench"
        bench.mkdir(parents=True)
        finished.write_tables(bench, PROMPTS, weights, SEEDS)
        pictures = draw(bench, weights, side)
        training = Path(folder, "set", "images")
        training.mkdir(parents=True)
        for path in pictures[:: len(pictures) // _TRAINING][:_TRAINING]:
            shutil.copy(path, training / f"{path.parent.parent.name}{path.parent.name}{path.name}")
        metrics, summary = bench / "metrics.csv", bench / "summary.csv"
        verdict, warnings = bench / "verdict.json", bench / "warnings.json"
        swept = ["--sweep", bench / "sweep.yaml"]
        steps = {
            "bench_metrics.py": [*swept, "--output", metrics, "--warnings", warnings,
                "--training-set", training, "--reference", training, "--processes", 2],
            "bench_verdict.py": [metrics, *swept, "--output", verdict, "--summary", summary],
            "bench_plots.py": ["--metrics", metrics, "--summary", summary, "--verdict", verdict,
                "--output-dir", bench / "plots"],
            "bench_grid.py": [*swept, "--output-dir", bench / "grid", "--verdict", verdict,
                "--warnings", warnings],
            "bench_report.py": ["--run", run, "--output", run / "report.html",
                "--training-set", training, "--workers", 2],
        }  # fmt: skip
        took = [measured(program, *options) for program, options in steps.items()]
        total = sum(seconds for seconds, _ in took)
        for program, (seconds, memory) in zip(steps, took, strict=True):
            print(
                f"{len(pictures):5} of {side} px  {program:18} {seconds:6.1f} s  {memory:5.0f} MB"
            )
        print(f"{len(pictures):5} of {side} px  {'together':18} {total:6.1f} s")


def measured(program: str, *options: object) -> tuple[float, float]:
    """Run a program; return its seconds and its peak memory in MB."""
    command = [str(part) for part in (sys.executable, SCRIPTS / program, *options)]
    start = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{program} failed")
    return time.perf_counter() - start, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
