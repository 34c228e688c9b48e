"""What the config and the command line of sd-scripts and of musubi-tuner have in common."""

from typing import Any

from lorabench.train.external.hardware import Hardware
from lorabench.train.external.installation import Installation
from lorabench.train.external.options import as_arguments
from lorabench.train.external.training import Training

Toml = dict[str, Any]

CONFIG, DATASET = "config.toml", "dataset.toml"
"""The names of the two files, in the training's folder."""


def config(training: Training, installation: Installation, hardware: Hardware) -> Toml:
    """Return the options that both have by the same names; None for what is not given."""
    settings = training.settings
    warms_up = settings.scheduler == "constant" and settings.warmup_steps
    return {
        **{name: installation.seen(path) for name, path in training.models.items()},
        "output_dir": installation.seen(training.folder),
        "network_module": training.by.network_module,
        "network_dim": settings.rank,
        "network_alpha": settings.alpha,
        "optimizer_type": settings.optimizer_type,
        "optimizer_args": [f"weight_decay={settings.weight_decay}"],
        "lr_scheduler": "constant_with_warmup" if warms_up else settings.scheduler,
        "lr_warmup_steps": settings.warmup_steps,
        "lr_scheduler_num_cycles": settings.restarts,
        "max_train_steps": training.steps,
        "gradient_accumulation_steps": settings.gradient_accumulation,
        "gradient_checkpointing": settings.gradient_checkpointing,
        "max_grad_norm": settings.max_grad_norm,
        # Another number of workers draws other random numbers, and the cores limit it. Without
        # any, the first batch of an epoch depends on the epoch before, which a resumed training
        # has not had; a worker begins each epoch as if it were the first.
        "max_data_loader_n_workers": 1,
        "mixed_precision": hardware.mixed_precision,
        "sdpa": True,
        "save_precision": "fp16",
        "save_every_n_epochs": training.save_every,
        "save_last_n_epochs": None if training.kept_epochs else 1,
        "save_state": True,
        "save_last_n_epochs_state": 1,
    }


def launched(training: Training, installation: Installation, hardware: Hardware) -> list[str]:
    """Return the arguments of Python by which accelerate starts the program that trains."""
    launch = {
        "num_processes": 1,
        "num_machines": 1,
        "mixed_precision": hardware.mixed_precision,
        "dynamo_backend": "no",
        "num_cpu_threads_per_process": training.settings.threads,
    }
    return [
        *("-m", "accelerate.commands.launch"),
        *(["--cpu"] if hardware.device == "cpu" else []),
        *as_arguments(launch),
        *installation.accelerate,
        installation.script(training.by.program),
    ]
