"""Check and measure the embedded server, beside a diffusers pipeline."""

import io
import json
import os
import statistics
import time
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
)
from PIL import Image

from benchmarks.gpu.ledger import Ledger
from benchmarks.gpu.place import Place
from benchmarks.gpu.shapes import Shape
from lorabench.base import model
from lorabench.comfy.client.client import Client
from lorabench.comfy.client.launch import ServerOptions, ensure_server, stop_server
from lorabench.comfy.graph import workflow
from tests.project import ROOT

WEIGHT = 0.8
PICTURES = 5
STEPS = 25
GUIDANCE = 7.0

Draw = Callable[[int, float], np.ndarray]
"""Draws a seed with the LoRA at a weight, and returns the pixels."""


def check(place: Place, ledger: Ledger, shape: Shape, steps: int) -> None:
    """Draw the same pictures twice with the weight changed between; then measure in turn."""
    with served(place, shape, steps) as (draw, url):
        weights(ledger, shape.name, draw)
        size = f"{shape.name}, {shape.usual} px, {steps} steps"
        pipe = pipeline(place, shape, steps)
        ours, theirs = _median_seconds(lambda seed: draw(seed, WEIGHT), pipe)
        ledger.figure(f"{size}: a picture", "s", ours, theirs)
        changed = _median_seconds(lambda seed: draw(seed, WEIGHT + 0.01 * seed))[0]
        ledger.figure(f"{size}, another weight of the LoRA: a picture", "s", changed, theirs)
        if place.device == "cuda":
            ledger.figure(f"{size}: memory that the server holds", "GB", _held(url))


def weights(ledger: Ledger, name: str, draw: Draw) -> None:
    """Check what a change of the LoRA's weight does, and that it can be taken back."""
    # The server would not draw a picture again that it has just drawn: others come between.
    base, changed, base_again, changed_again = (draw(1, w) for w in (0, WEIGHT) * 2)
    ledger.check(f"{name}, server: a picture has colours", base.std() > 1, "it has one alone")
    differs = not np.array_equal(base, changed)
    ledger.check(f"{name}, server: the LoRA changes the picture", differs, "it does not")
    pairs = {"0": (base, base_again), str(WEIGHT): (changed, changed_again)}
    for weight, (before, after) in pairs.items():
        most = int(np.abs(before.astype(int) - after).max())
        what = f"{name}, server: weight {weight} again, the picture of before"
        ledger.check(what, most == 0, f"channels differ by up to {most} of 255")


@contextmanager
def served(place: Place, shape: Shape, steps: int) -> Generator[tuple[Draw, str]]:
    """Yield what draws through a server, and its URL."""
    graph = workflow.load(ROOT / "config" / "workflows" / shape.workflow)
    nodes = {node["class_type"]: (key, node["inputs"]) for key, node in graph.items()}
    nodes["CheckpointLoaderSimple"][1]["ckpt_name"] = place.base(shape).name
    nodes["LoraLoader"][1]["lora_name"] = place.lora(shape).name
    nodes["EmptyLatentImage"][1].update(width=shape.usual, height=shape.usual)
    nodes["KSampler"][1].update(steps=steps, cfg=GUIDANCE)
    output, state = place.folder / "output", place.folder / "server.json"
    options = ServerOptions(
        place.models,
        place.models / "loras",
        output,
        threads=place.threads,
        device=place.device,
        parent_pid=os.getpid(),
    )
    url = ensure_server(state, options)
    client = Client(url)

    def draw(seed: int, weight: float) -> np.ndarray:
        nodes["LoraLoader"][1].update(strength_model=weight, strength_clip=weight)
        nodes["KSampler"][1]["seed"] = seed
        (data,) = client.render(graph, nodes["SaveImage"][0], 1)
        return np.asarray(Image.open(io.BytesIO(data)))

    try:
        yield draw, url
    finally:
        stop_server(state)


def pipeline(place: Place, shape: Shape, steps: int) -> Callable[[int], object]:
    """Return what draws a seed with diffusers alone, without a LoRA; on a card in fp16."""
    dtype = torch.float16 if place.device == "cuda" else torch.float32
    torch.set_num_threads(place.threads)
    pipe = _pipe(place.base(shape), model.load(place.base(shape), place.device, dtype))
    pipe.set_progress_bar_config(disable=True)
    return lambda seed: pipe(
        "1girl, solo, upper body, looking at viewer, simple background",
        num_inference_steps=steps,
        guidance_scale=GUIDANCE,
        height=shape.usual,
        width=shape.usual,
        generator=torch.Generator().manual_seed(seed),
    )


def _pipe(base: Path, sd: model.StableDiffusion) -> Any:
    parts = {"vae": sd.vae, "unet": sd.unet, "tokenizer": sd.tokenizer}
    parts["text_encoder"] = sd.text_encoders[0]
    parts["scheduler"] = DPMSolverMultistepScheduler.from_pretrained(
        base, subfolder="scheduler", use_karras_sigmas=True, steps_offset=1
    )
    if len(sd.text_encoders) > 1:
        second = {"text_encoder_2": sd.text_encoders[1], "tokenizer_2": sd.tokenizer}
        return StableDiffusionXLPipeline(**parts, **second, add_watermarker=False)
    nothing = {"safety_checker": None, "feature_extractor": None}
    return StableDiffusionPipeline(**parts, **nothing, requires_safety_checker=False)


def _median_seconds(*draws: Callable[[int], object]) -> list[float]:
    """Return each one's median wall time over seeds, drawn in turn, the first left out."""
    taken: list[list[float]] = [[] for _ in draws]
    for seed in range(2, 3 + PICTURES):
        for draw, times in zip(draws, taken, strict=True):
            start = time.perf_counter()
            draw(seed)
            times.append(time.perf_counter() - start)
    return [statistics.median(times[1:]) for times in taken]


def _held(url: str) -> float:
    """Return how much memory the server has taken on its card, in GB."""
    with urllib.request.urlopen(f"{url}/system_stats", timeout=30) as answer:
        (device,) = json.load(answer)["devices"]
    return device["torch_vram_total"] / 1e9
