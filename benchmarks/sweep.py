"""What the pipeline costs per cell: a sweep against a tight client loop, on the same servers.

uv run python -m benchmarks.sweep
uv run python -m benchmarks.sweep --servers 1 1 1
uv run python -m benchmarks.sweep --servers 0.5 1 5

The servers are stand-ins that take a fixed time for each picture, so that the rest is our own cost,
not the machine's load. The loop has two requests in flight and one client; it is measured on each
server alone, before and after the sweep. `rendering` is from the first submission to the last
picture; what comes before and after it is Snakemake's start, our checks and its end.
"""

import argparse
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from lorabench.comfy.client.client import Client
from lorabench.comfy.graph import workflow
from lorabench.comfy.graph.patching import Cell, patch
from lorabench.comfy.graph.roles import Choices, find_roles
from tests.fake_comfy import FakeComfy, serving
from tests.loras import save_lora
from tests.project import Project, make_project

CONFIG = {"raw_set": "some_set", "skip_train": "True", "run_id": "mine", "baseline": "False"}
LORA = "runs/mine/train/style_some_set__mine.safetensors"
WEIGHTS = (0.2, 0.4, 0.6, 0.8, 0.9, 1.0)
IN_A_LOOP = 12
"""Cells of a loop: its rate is the same after few."""


class Paced(FakeComfy):
    """A stand-in for a ComfyUI that renders one prompt after the other, each in `seconds`."""

    def __init__(self, seconds: float) -> None:
        """Wait for prompts."""
        super().__init__()
        self.seconds = seconds
        self.begun: list[float] = []
        self.ended: list[float] = []
        self._waiting: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def submit(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Take a prompt and answer at once."""
        self.begun.append(time.perf_counter())
        self.pending.append(body["prompt_id"])
        self._waiting.put(body)
        return 200, {"prompt_id": body["prompt_id"], "number": 1, "node_errors": {}}

    def _work(self) -> None:
        while True:
            body = self._waiting.get()
            number = body["prompt_id"]
            if number not in self.pending:
                continue  # withdrawn
            self.running.append(number)
            self.pending.remove(number)
            until = time.perf_counter() + self.seconds
            while number in self.running and (rest := until - time.perf_counter()) > 0:
                time.sleep(min(rest, 0.05))
            if number in self.running:
                self.history[number] = self.run(body)
                self.running.remove(number)
                self.ended.append(time.perf_counter())


def main() -> None:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, default=10, help="cells = 6 weights x seeds (default: 10)")
    add("--servers", type=float, nargs="+", default=[0.85], help="seconds a picture, of each")
    arguments = parser.parse_args()
    seeds = range(arguments.seeds)
    cells = len(WEIGHTS) * len(seeds)
    with tempfile.TemporaryDirectory() as folder, paced(arguments.servers) as servers:
        project = make_project(Path(folder, "project"))
        project.add_set()
        lora = save_lora(project.root / LORA)
        for server in servers:
            server.has_models(project.root / "models")
        before = [loop(project, server, lora.name) for server in servers]
        whole, rendering = sweep(project, servers, seeds)
        drawn = [len(server.ended) for server in servers]
        after = [loop(project, server, lora.name) for server in servers]
    alone = [(one + other) / 2 for one, other in zip(before, after, strict=True)]
    together = 1 / sum(1 / seconds for seconds in alone)
    print("loop, each alone  ", ", ".join(f"{seconds:.3f} s a cell" for seconds in alone))
    print(f"loops, their sum  {together:8.3f} s a cell")
    print(f"sweep, rendering  {rendering / cells:8.3f} s a cell, {cells} cells")
    print(f"sweep, whole      {whole / cells:8.3f} s a cell; {whole - rendering:.1f} s beside it")
    print(f"rate, rendering   {together * cells / rendering:8.3f} of the sum of the loops")
    print(f"time, whole       {whole / cells / together:8.3f} of the loops'")
    print("pictures by server", *drawn)


@contextmanager
def paced(seconds: list[float]) -> Generator[list[Paced]]:
    """Yield running stand-ins."""
    with ExitStack() as stack:
        servers = [Paced(each) for each in seconds]
        for server in servers:
            stack.enter_context(serving(server))
        yield servers


def loop(project: Project, server: Paced, lora: str) -> float:
    """Render some cells through one client, two in flight, and return the seconds for each."""
    graph = workflow.load(project.root / "config" / "workflows" / "drawnworld_lora_bench.json")
    roles = find_roles(graph, Choices())
    client = Client(server.url)

    def render(number: int) -> None:
        cell = Cell(loras=(lora,), weight=0.5, seed=number, prefix=f"loop/{time.time()}/{number}")
        client.render(patch(graph, roles, cell), roles.save, 1)

    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(render, range(IN_A_LOOP)))
    return (time.perf_counter() - start) / IN_A_LOOP


def sweep(project: Project, servers: list[Paced], seeds: range) -> tuple[float, float]:
    """Render all cells through the workflow; return the seconds, and those of rendering alone."""
    for server in servers:
        server.begun.clear()
        server.ended.clear()
    config = {
        **CONFIG,
        "comfy_url": ",".join(server.url for server in servers),
        "weights": ",".join(map(str, WEIGHTS)),
        "seeds": ",".join(map(str, seeds)),
    }
    start = time.perf_counter()
    subprocess.run(
        project.command("--until", "bench_image", **config),
        cwd=project.root,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    whole = time.perf_counter() - start
    begun = min(min(server.begun, default=start + whole) for server in servers)
    return whole, max(max(server.ended, default=start) for server in servers) - begun


if __name__ == "__main__":
    main()
