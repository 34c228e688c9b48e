"""Make the optimizer of a training."""

import importlib
import importlib.util

import torch

from lorabench.errors import UserError
from lorabench.settings.models import TrainSettings
from lorabench.train import network


def make(lora: network.Network, settings: TrainSettings, device: str) -> torch.optim.Optimizer:
    """Return the optimizer for a LoRA, with a group for each learning rate.

    Raises `UserError` as `check`.
    """
    rates = ((network.UNET, settings.unet_lr), (network.TEXT, settings.text_encoder_lr))
    groups = [
        {"params": network.weights(lora, part), "peak_lr": rate} for part, rate in rates if rate
    ]
    if settings.optimizer_type == "AdamW8bit":
        check(settings, device)
        bitsandbytes = importlib.import_module("bitsandbytes")  # installed by those who want it
        return bitsandbytes.optim.AdamW8bit(groups, weight_decay=settings.weight_decay)
    # One operation for all weights, where PyTorch would do a dozen for each.
    return torch.optim.AdamW(groups, weight_decay=settings.weight_decay, fused=device == "cpu")


def check(settings: TrainSettings, device: str) -> None:
    """Raise `UserError` if the optimizer cannot run on the device, before anything is encoded."""
    if settings.optimizer_type != "AdamW8bit":
        return
    if device != "cuda":
        raise UserError(
            "optimizer_type: AdamW8bit runs on CUDA alone, and this training is on the CPU; take "
            "AdamW."
        )
    if importlib.util.find_spec("bitsandbytes") is None:
        raise UserError(
            "optimizer_type: AdamW8bit needs the package bitsandbytes, which is not installed; "
            "`uv pip install bitsandbytes` in this environment, or take AdamW."
        )
