"""Processor seconds per picture: the embedded server against a ComfyUI on this machine.

    uv run python -m benchmarks.comfyui http://127.0.0.1:8188 --models FOLDER \\
        --checkpoint NAME --lora NAME

Both read the folder FOLDER, which holds checkpoints/ and loras/. Start the ComfyUI anew, on a CPU
with one thread (OMP_NUM_THREADS=1): its processor time from its start to its first picture counts.
After that, the LoRA's weight changes with each picture, and the two render in turn.
"""

import argparse
import io
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))

from lorabench.comfy.client.client import Client
from lorabench.comfy.client.launch import ServerOptions, ensure_server, stop_server
from lorabench.comfy.graph import workflow
from lorabench.comfy.graph.graph import Graph

WORKFLOW = Path(__file__).parents[1] / "config" / "workflows" / "sd15_lora_bench.json"


class Server:
    """A server and its process."""

    def __init__(self, name: str, url: str) -> None:
        """Find the process that listens at `url`."""
        self.name, self._client = name, Client(url)
        port = urlsplit(url).port
        listening: Any = psutil.net_connections("tcp4")
        (pid,) = {
            one.pid
            for one in listening
            if one.status == psutil.CONN_LISTEN and one.laddr.port == port
        }
        self._process = psutil.Process(pid)

    def seconds(self) -> float:
        """Return the processor time of the process since its start."""
        times = self._process.cpu_times()
        return times.user + times.system

    def draw(self, graph: Graph) -> tuple[float, np.ndarray]:
        """Return the processor time that a picture took, and its pixels."""
        before = self.seconds()
        (data,) = self._client.render(graph, _node(graph, "SaveImage"), 1)
        return self.seconds() - before, np.asarray(Image.open(io.BytesIO(data)), np.float64)


def main(arguments: argparse.Namespace) -> None:
    """Print the processor time of both, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        state, models = Path(folder, "server.json"), arguments.models
        options = ServerOptions(models, models / "loras", Path(folder, "output"), device="cpu")
        theirs = Server("ComfyUI", arguments.url)
        try:
            ours = Server("embedded", ensure_server(state, options))
            compare(theirs, ours, arguments)
        finally:
            stop_server(state)


def compare(theirs: Server, ours: Server, arguments: argparse.Namespace) -> None:
    """Render the first picture on each, then each size in turn."""
    graph = workflow.load(WORKFLOW)
    graph[_node(graph, "CheckpointLoaderSimple")]["inputs"]["ckpt_name"] = arguments.checkpoint
    graph[_node(graph, "LoraLoader")]["inputs"]["lora_name"] = arguments.lora
    graph[_node(graph, "KSampler")]["inputs"]["steps"] = arguments.steps
    seed, servers = 0, (theirs, ours)
    for size in [None, *arguments.sizes]:
        side = size or min(arguments.sizes)
        graph[_node(graph, "EmptyLatentImage")]["inputs"].update(width=side, height=side)
        taken: dict[Server, list[float]] = {server: [] for server in servers}
        alike = []
        for _ in range(arguments.pictures if size else 1):
            seed += 1
            graph[_node(graph, "KSampler")]["inputs"]["seed"] = seed
            strengths = dict.fromkeys(("strength_model", "strength_clip"), 0.4 + 0.01 * seed)
            graph[_node(graph, "LoraLoader")]["inputs"].update(strengths)
            pixels = []
            for server in servers:
                seconds, drawn = server.draw(graph)
                taken[server].append(seconds if size else server.seconds())
                pixels.append(drawn)
            alike.append(np.square(pixels[0] - pixels[1]).mean())
        what = f"{size} px, {arguments.steps} steps" if size else "from the start to a picture"
        theirs_took, ours_took = (statistics.median(taken[server]) for server in servers)
        noise = 10 * np.log10(255**2 / max(max(alike), 1e-9))
        print(
            f"{what:28} ComfyUI {theirs_took:6.2f} s, embedded {ours_took:6.2f} s, "
            f"ratio {ours_took / theirs_took:.2f}; alike to {noise:.0f} dB"
        )


def _node(graph: Graph, kind: str) -> str:
    (name,) = (name for name, node in graph.items() if node["class_type"] == kind)
    return name


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("url", help="of the ComfyUI")
    add("--models", type=Path, required=True, metavar="FOLDER")
    add("--checkpoint", required=True, metavar="NAME")
    add("--lora", required=True, metavar="NAME")
    add("--sizes", type=int, nargs="+", default=[64, 128], metavar="PIXELS")
    add("--steps", type=int, default=20)
    add("--pictures", type=int, default=3, help="of each size")
    return parser


if __name__ == "__main__":
    main(parser().parse_args())
