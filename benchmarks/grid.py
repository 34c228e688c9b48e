"""What it takes to lay out and to draw a sweep of 1,000 pictures.

    uv run python -m benchmarks.grid

10 prompts by 10 seeds by 10 weights, pictures with a grain that does not compress. Seconds are of
the processor, in one process; memory is its peak.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from tests import finished, records

SCRIPTS = Path(__file__).parents[1] / "scripts"
PROMPTS = [f"p{number}" for number in range(9)]  # and the own one
SEEDS = range(10)


def main() -> None:
    """Print seconds, megabytes in memory and on disk for each size of picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="*", default=[128, 512], help="pixels")
    parser.add_argument("--weights", type=int, default=10, help="100 pictures for each")
    arguments = parser.parse_args()
    weights = [step / 10 for step in range(arguments.weights)]
    for side in arguments.sides:
        with tempfile.TemporaryDirectory() as folder:
            bench = Path(folder, "bench")
            bench.mkdir()
            finished.write_tables(bench, PROMPTS, weights, SEEDS)
            draw(bench, weights, side)
            tables = ["--metrics", bench / "metrics.csv", "--summary", bench / "summary.csv"]
            grids = ["--sweep", bench / "sweep.yaml", "--verdict", bench / "verdict.json"]
            report(f"{side} px, grids", folder, "bench_grid.py", *grids)
            report(f"{side} px, and maps", folder, "bench_grid.py", *grids, "--difference")
            report(f"{side} px, plots", folder, "bench_plots.py", *tables)


def draw(bench: Path, weights: list[float], side: int) -> list[Path]:
    """Make the pictures: smooth colours with grain."""
    random = np.random.default_rng(0)
    paths = []
    for variant in records.variants(PROMPTS, weights, SEEDS):
        for weight in weights:
            for seed in SEEDS:
                path = bench / variant.folder(weight) / f"w{weight:.2f}" / f"seed{seed}_00.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                few = Image.fromarray(random.integers(0, 256, (6, 6, 3), np.uint8))
                smooth = np.asarray(few.resize((side, side), Image.Resampling.BICUBIC), np.int16)
                grain = random.integers(-4, 5, smooth.shape, np.int16)
                pixels = np.clip(smooth + grain, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(path, compress_level=1)
                paths.append(path)
    return paths


def report(what: str, folder: str, program: str, *arguments: object) -> None:
    """Run a program and print what it took."""
    output = Path(folder, "drawn")
    command = [sys.executable, SCRIPTS / program, "--output-dir", output, *arguments]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{program} failed")
    seconds, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    written = sum(path.stat().st_size for path in output.iterdir()) / 1e6
    print(f"{what:20} {seconds:6.1f} s  peak {memory:5.0f} MB  written {written:6.1f} MB")


if __name__ == "__main__":
    main()
