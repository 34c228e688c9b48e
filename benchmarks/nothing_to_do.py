"""How long a run with nothing to do takes, at 6 and at 1,000 cells.

    uv run python -m benchmarks.nothing_to_do

The first six cells are rendered. The others are copies of one of them that Snakemake takes for
its own (`--touch`): what it looks at, files and its notes about them, is the same. `own` leaves
out what `snakemake --version` takes: the interpreter and Snakemake's imports.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.project import Project, make_project

WEIGHTS = ("0.00", "0.20", "0.40", "0.60", "0.80", "1.00")
REPEATS = 5


def main() -> None:
    """Print the seconds for each number of cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 167], help="6 weights each")
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder, "project"))
        project.add_set()
        project.snakemake(**settings(1))
        imports = seconds(project, [sys.executable, "-m", "snakemake", "--version"])
        print(f"snakemake --version          {imports:6.2f} s")
        for count in seeds:
            copy_cells(project, count)
            project.snakemake("--touch", **settings(count))
            assert project.planned(**settings(count)) == {}
            taken = seconds(project, project.command(**settings(count)))
            own = taken - imports
            print(f"{6 * count:6} cells, nothing to do {taken:6.2f} s, own {own:5.2f} s")


def settings(seeds: int) -> dict[str, str]:
    """Return the config of a sweep of six weights by so many seeds."""
    return {
        "raw_set": "some_set",
        "train": "{steps: 2, batch_size: 2, rank: 4}",
        "weights": ",".join(WEIGHTS[1:]),
        "seeds": ",".join(map(str, range(seeds))),
    }


def copy_cells(project: Project, seeds: int) -> None:
    """Make the pictures and grids of all seeds from those of seed 0."""
    (run,) = (project.root / "runs").glob("some_set-*")
    for seed in range(1, seeds):
        for weight in WEIGHTS:
            folder = run / "bench" / f"w{weight}"
            shutil.copy(folder / "seed0_00.png", folder / f"seed{seed}_00.png")
        grids = run / "bench" / "grid"
        shutil.copy(grids / "seed0_weights.png", grids / f"seed{seed}_weights.png")


def seconds(project: Project, command: list[str]) -> float:
    """Return the median wall time of a command."""
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        subprocess.run(
            command, cwd=project.root, env=project.environment(), check=True, capture_output=True
        )
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
