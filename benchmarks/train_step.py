"""Seconds per training step: our trainer against a bare diffusers + PEFT loop, same shapes.

    uv run python -m benchmarks.train_step

The bare loop has no data, log, state or loss weighting: what it takes, every trainer takes.
"""

import csv
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))


from lorabench.base import model
from lorabench.base.stable_diffusion import BUNDLED
from lorabench.dataset import raw as raw_sets
from lorabench.dataset.normalize import normalize_set
from lorabench.settings.models import PreprocessSettings, TrainSettings
from lorabench.settings.validation import validate
from lorabench.train import network
from lorabench.train.embedded import train
from tests.project import ROOT, make_project

ROUNDS = 3
STEPS = 60
WARM_UP = 10
BASE = ROOT / "models" / "checkpoints" / "drawnworld"


def main() -> None:
    """Print the median seconds per step of both, in turn, and the median of their ratios."""
    # The UNet's LoRA alone: the bare loop has no text encoder.
    given = {**BUNDLED.preset["train"], "steps": STEPS, "text_encoder_lr": 0}
    settings = validate(TrainSettings, given)
    shape = f"batch {settings.batch_size}, rank {settings.rank}, 128 px, {settings.threads} threads"
    print(f"{shape}: seconds a step\nlorabench  bare diffusers + PEFT loop  ratio")
    ratios = []
    for _ in range(ROUNDS):
        ours, bare = trained(settings), looped(settings)
        ratios.append(ours / bare)
        print(f"{ours:9.3f}  {bare:26.3f}  {ratios[-1]:5.2f}", flush=True)
    print(f"median of the ratios: {statistics.median(ratios):.2f}")


def trained(settings: TrainSettings) -> float:
    """Return the median step of a real training."""
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder, "project"))
        raw = project.add_set(pictures=settings.batch_size)
        preprocess = validate(PreprocessSettings, BUNDLED.preset["preprocess"])
        data = project.root / "set"
        normalize_set(raw_sets.read(raw), data, preprocess, project.root / "store")
        output = project.root / "train" / "lora.safetensors"
        train(data, BASE, output, settings)
        with output.with_name("train_log.csv").open() as file:
            clock = [float(row["seconds"]) for row in csv.DictReader(file)]
    return median_step(clock)


def looped(settings: TrainSettings) -> float:
    """Return the median step of the bare loop."""
    torch.set_num_threads(settings.threads)
    sd = model.load(BASE, "cpu", torch.float32)
    lora = network.inject(sd, settings)
    for layer in lora.values():
        peft: Any = type(layer).__base__  # ours derives from it
        layer.__class__ = peft
    weights = network.weights(lora)
    optimizer = torch.optim.AdamW(weights, lr=settings.unet_lr)
    batch = settings.batch_size
    latents = torch.randn(batch, sd.unet.config.in_channels, 16, 16)
    text = torch.randn(batch, 77, sd.unet.config.cross_attention_dim)
    clock = []
    for _ in range(STEPS):
        timesteps = torch.randint(0, 1000, (batch,))
        prediction = sd.unet(latents, timesteps, text).sample
        torch.nn.functional.mse_loss(prediction, latents).backward()
        optimizer.step()
        optimizer.zero_grad()
        clock.append(time.perf_counter())
    return median_step(clock)


def median_step(clock: list[float]) -> float:
    """Return the median difference of times, the first steps left out."""
    steps = [after - before for before, after in pairwise(clock)]
    return statistics.median(steps[WARM_UP:])


if __name__ == "__main__":
    main()
