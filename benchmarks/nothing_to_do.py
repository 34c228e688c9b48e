"""How long a run with nothing to do takes, at 6 and at 1,000 cells.

    uv run python -m benchmarks.nothing_to_do

The cells are real but as small as can be: one step at 64 px, so that making a thousand takes
minutes. Only their number matters here. `own` leaves out what `snakemake --version` takes: the
interpreter and Snakemake's imports.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.project import Project, make_project

REPEATS = 5


def main() -> None:
    """Print the seconds for each number of cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 167], help="6 weights each")
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder, "project"))
        project.add_set()
        shrink_workflow(project)
        imports = seconds(project, [sys.executable, "-m", "snakemake", "--version"])
        print(f"snakemake --version          {imports:6.2f} s")
        for count in seeds:
            config = {
                "raw_set": "some_set",
                "train": "{steps: 2, batch_size: 2, rank: 4}",
                "weights": "0.2,0.4,0.6,0.8,1.0",
                "baseline": "True",
                "seeds": ",".join(map(str, range(count))),
            }
            project.snakemake(**config)
            taken = seconds(project, project.command(**config))
            own = taken - imports
            print(f"{6 * count:6} cells, nothing to do {taken:6.2f} s, own {own:5.2f} s")


def shrink_workflow(project: Project) -> None:
    """Make the bundled benchmark of this copy one step at 64 px."""
    path = project.root / "config" / "workflows" / "drawnworld_lora_bench.json"
    graph = json.loads(path.read_text(encoding="utf-8"))
    for node in graph.values():
        node["inputs"] |= {
            "KSampler": {"steps": 1},
            "EmptyLatentImage": {"width": 64, "height": 64},
        }.get(node["class_type"], {})
    path.write_text(json.dumps(graph), encoding="utf-8")


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
