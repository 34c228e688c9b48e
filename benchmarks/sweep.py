"""What the pipeline costs per cell: a 60-cell sweep against a tight client loop, same server.

uv run python -m benchmarks.sweep
"""

import argparse
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.project import Project, make_project

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from lorabench.comfy.client.client import Client
from lorabench.comfy.client.launch import ServerOptions, ensure_server, stop_server
from lorabench.comfy.graph import workflow
from lorabench.comfy.graph.patching import Cell, patch
from lorabench.comfy.graph.roles import Choices, find_roles

SMALL = {"raw_set": "some_set", "train": "{steps: 5, batch_size: 2}", "baseline": "False"}
WEIGHTS = (0.2, 0.4, 0.6, 0.8, 0.9, 1.0)


def main() -> None:
    """Print both wall times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="cells = 6 weights x seeds")
    seeds = range(1, parser.parse_args().seeds + 1)
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder, "project"))
        project.add_set()
        state = project.root / "server.json"
        url = start_server(project, state)
        try:
            project.snakemake(**SMALL, comfy_url=url, weights="0.5", seeds="0")
            looped = loop(project, url, seeds)
            swept = sweep(project, url, seeds)
        finally:
            stop_server(state)
    cells = len(WEIGHTS) * len(seeds)
    print(f"{cells} cells, tight client loop   {looped:7.1f} s  {looped / cells:6.3f} s a cell")
    print(f"{cells} cells, snakemake           {swept:7.1f} s  {swept / cells:6.3f} s a cell")
    print(f"snakemake / loop            {swept / looped:7.2f}")


def start_server(project: Project, state: Path) -> str:
    """Start one embedded server for both."""
    options = ServerOptions(
        models_dir=project.root / "models",
        loras_dir=project.root / "models" / "loras",
        output_dir=project.root / "output",
    )
    return ensure_server(state, options)


def loop(project: Project, url: str, seeds: range) -> float:
    """Render every cell through one client, two in flight, and return the seconds."""
    graph = workflow.load(project.root / "config" / "workflows" / "drawnworld_lora_bench.json")
    roles = find_roles(graph, Choices())
    (lora,) = (project.root / "models" / "loras").glob("*.safetensors")
    client = Client(url)

    def render(weight: float, seed: int) -> None:
        cell = Cell(lora=lora.name, weight=weight, seed=seed, prefix=f"loop/w{weight}/seed{seed}")
        client.render(patch(graph, roles, cell), roles.save, 1)

    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda cell: render(*cell), [(w, s) for w in WEIGHTS for s in seeds]))
    return time.perf_counter() - start


def sweep(project: Project, url: str, seeds: range) -> float:
    """Render the same cells through the workflow, and return the seconds."""
    config = {
        **SMALL,
        "comfy_url": url,
        "weights": ",".join(map(str, WEIGHTS)),
        "seeds": ",".join(map(str, seeds)),
    }
    start = time.perf_counter()
    subprocess.run(
        project.command("--until", "bench_image", **config),
        cwd=project.root,
        env=project.environment(),
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
