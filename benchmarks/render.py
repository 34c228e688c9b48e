"""Seconds per picture: the embedded server over HTTP against a diffusers pipeline in process.

    uv run python -m benchmarks.render

Both draw 128-px pictures on the bundled base: 20 steps of DPM++ 2M, CFG 1.5, in turn.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))


from lorabench.base import model
from lorabench.base.stable_diffusion import BUNDLED
from lorabench.comfy.client.client import Client
from lorabench.comfy.client.launch import ServerOptions, ensure_server, stop_server
from lorabench.comfy.graph import workflow
from tests.project import ROOT

PICTURES = 12
WARM_UP = 2
BASE = ROOT / "models" / "checkpoints" / "drawnworld"
WORKFLOW = ROOT / "config" / "workflows" / "drawnworld_lora_bench.json"
THREADS = BUNDLED.preset["bench"]["threads"]


def main() -> None:
    """Print the median seconds per picture of both, and their ratio."""
    with served() as by_server:
        piped, drawn = median_seconds(pipeline(), by_server)
    print(f"128 px, 20 steps, CFG 1.5, {THREADS} threads")
    print(f"diffusers pipeline, in process  {piped:6.3f} s a picture")
    print(f"embedded server, over HTTP      {drawn:6.3f} s a picture")
    print(f"server / pipeline               {drawn / piped:6.2f}")


@contextmanager
def served() -> Generator[Callable[[int], None]]:
    """Yield what renders a seed through the server, without a LoRA."""
    graph = workflow.load(WORKFLOW)
    graph = {key: node for key, node in graph.items() if node["class_type"] != "LoraLoader"}
    (loader,) = [k for k, node in graph.items() if node["class_type"] == "CheckpointLoaderSimple"]
    (sampler,) = [key for key, node in graph.items() if node["class_type"] == "KSampler"]
    (save,) = [key for key, node in graph.items() if node["class_type"] == "SaveImage"]
    for node in graph.values():
        for name, slot in (("model", 0), ("clip", 1)):
            if name in node["inputs"]:
                node["inputs"][name] = [loader, slot]

    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder, "server.json")
        options = ServerOptions(
            models_dir=ROOT / "models", output_dir=Path(folder, "output"), threads=THREADS
        )
        client = Client(ensure_server(state, options))

        def draw(seed: int) -> None:
            graph[sampler]["inputs"]["seed"] = seed
            client.render(graph, save, 1)

        try:
            yield draw
        finally:
            stop_server(state)


def pipeline() -> Callable[[int], None]:
    """Return what renders a seed through the pipeline."""
    torch.set_num_threads(THREADS)
    sd = model.load(BASE, "cpu", torch.float32)
    pipe = StableDiffusionPipeline(
        vae=sd.vae,
        text_encoder=sd.text_encoders[0],
        tokenizer=sd.tokenizer,
        unet=sd.unet,
        scheduler=DPMSolverMultistepScheduler.from_pretrained(BASE, subfolder="scheduler"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)

    def draw(seed: int) -> None:
        pipe(
            "a red cat on a blue background",
            num_inference_steps=20,
            guidance_scale=1.5,
            height=128,
            width=128,
            generator=torch.Generator().manual_seed(seed),
        )

    return draw


def median_seconds(*draws: Callable[[int], None]) -> list[float]:
    """Return each one's median wall time over seeds, drawn in turn, the first ones left out."""
    taken: list[list[float]] = [[] for _ in draws]
    for seed in range(WARM_UP + PICTURES):
        for draw, times in zip(draws, taken, strict=True):
            start = time.perf_counter()
            draw(seed)
            times.append(time.perf_counter() - start)
    return [statistics.median(times[WARM_UP:]) for times in taken]


if __name__ == "__main__":
    main()
