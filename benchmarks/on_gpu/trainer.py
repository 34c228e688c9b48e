"""A training in a process of its own, which can be killed and whose memory is its own.

The last line that it prints is JSON: what a step took of the embedded trainer and of a bare loop.
"""

import argparse
import csv
import json
import os
import signal
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from peft import LoraConfig, inject_adapter_in_model

from lorabench.settings.models import TrainSettings
from lorabench.train.embedded import hardware, train
from lorabench.train.state import StateFile

WARM_UP = 4
"""Steps that are not timed: the first ones choose kernels and save the state."""
LAYERS = ("to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2")
"""The layers of the UNet that kohya's LoRA changes, and the embedded trainer's."""


class Cost(NamedTuple):
    """The median seconds of a step, and the memory on the card at its peak in GB, if it is one."""

    seconds: float
    gigabytes: float | None


def trained(data: Path, base: Path, output: Path, settings: TrainSettings) -> Cost:
    """Train with the embedded trainer, and return what it took."""
    _forget_peak()
    train(data, base, output, settings)
    with output.with_name("train_log.csv").open() as file:
        clock = [float(row["seconds"]) for row in csv.DictReader(file)]
    return Cost(_median_step(clock), _peak())


def looped(base: Path, settings: TrainSettings, size: int) -> Cost:
    """Take as many steps in a bare diffusers + PEFT loop on random latents of `size` px.

    It has no data, text encoder, log or state: what it takes, every trainer takes.
    """
    device, dtype = hardware(settings)
    _forget_peak()
    unet = _bare_unet(base, settings, device, dtype)
    weights = [weight for weight in unet.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=settings.unet_lr)
    scaler = torch.amp.GradScaler(device, enabled=dtype == torch.float16)
    shape = (settings.batch_size, unet.config.in_channels, size // 8, size // 8)
    latents = torch.randn(shape, device=device)
    told = _random_text(unet, settings.batch_size, device)
    clock = []
    for _ in range(settings.steps or 0):
        timesteps = torch.randint(0, 1000, shape[:1], device=device)
        with torch.autocast(device, dtype, enabled=dtype != torch.float32):
            prediction = unet(latents, timesteps, **told).sample
            loss = torch.nn.functional.mse_loss(prediction.float(), latents)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        loss.item()  # waits for the card
        clock.append(time.perf_counter())
    return Cost(_median_step(clock), _peak())


def _bare_unet(base: Path, settings: TrainSettings, device: str, dtype: torch.dtype) -> Any:
    unet = UNet2DConditionModel.from_pretrained(base / "unet", torch_dtype=dtype).to(device)
    unet.requires_grad_(False)
    if settings.gradient_checkpointing:
        unet.enable_gradient_checkpointing()
    unet.train()
    # pyrefly: ignore[bad-argument-type] (peft takes any number)
    config = LoraConfig(r=settings.rank, lora_alpha=settings.alpha, target_modules=list(LAYERS))
    inject_adapter_in_model(config, unet)
    for weight in unet.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
    return unet


def _random_text(unet: Any, batch: int, device: str) -> dict[str, Any]:
    """Return what the UNet is given of the captions, and for SDXL of the sizes."""
    config = unet.config
    text = torch.randn(batch, 77, config.cross_attention_dim, device=device)
    told: dict[str, Any] = {"encoder_hidden_states": text}
    if config.addition_embed_type == "text_time":
        sizes = 6
        pooled = config.projection_class_embeddings_input_dim - sizes * (
            config.addition_time_embed_dim
        )
        told["added_cond_kwargs"] = {
            "text_embeds": torch.randn(batch, pooled, device=device),
            "time_ids": torch.full((batch, sizes), 512.0, device=device),
        }
    return told


def _median_step(clock: Sequence[float]) -> float:
    """Return the median difference of times, the first steps left out."""
    steps = [after - before for before, after in pairwise(clock)]
    return statistics.median(steps[WARM_UP:])


def _forget_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak() -> float | None:
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    return peak / 1e9 or None


def _be_killed_after(steps: int) -> None:
    """Have this process killed, as by a machine that goes down, once so many steps are done."""
    save_if_due = StateFile.save_if_due

    def save(self: StateFile, **state: Any) -> bool:
        done = save_if_due(self, **state)
        if state["step"] == steps:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    setattr(StateFile, "save_if_due", save)  # noqa: B010 (a type checker forbids the other way)


def main(arguments: argparse.Namespace) -> None:
    """Train, then run the bare loop if its size is given; print what both took."""
    settings = TrainSettings.model_validate_json(arguments.settings)
    if arguments.exact:
        torch.use_deterministic_algorithms(True)
    if arguments.killed_after:
        _be_killed_after(arguments.killed_after)
    costs = [trained(arguments.data, arguments.base, arguments.output, settings)]
    if arguments.bare:
        costs.append(looped(arguments.base, settings, arguments.bare))
    print(json.dumps(costs))


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    for name in ("data", "base", "output"):
        add(f"--{name}", type=Path, required=True)
    add("--settings", required=True, metavar="JSON")
    add("--exact", action="store_true", help="take the kernels that give the same bits again")
    add("--killed-after", type=int, metavar="STEPS")
    add("--bare", type=int, metavar="PIXELS", help="then run the bare loop on such pictures")
    return parser


if __name__ == "__main__":
    import logging

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(parser().parse_args())
