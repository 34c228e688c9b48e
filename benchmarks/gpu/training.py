"""Check and measure the embedded trainer, beside a bare diffusers + PEFT loop."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from benchmarks.gpu.ledger import Ledger
from benchmarks.gpu.place import Place
from benchmarks.gpu.shapes import Shape
from benchmarks.gpu.trainer import WARM_UP, Cost
from lorabench.lora.file import UP
from lorabench.settings.models import TrainSettings
from tests.project import ROOT
from tests.training import make_set

PICTURES = 4
STEPS = WARM_UP + 9
INTERRUPTED = 3
"""Steps after which a training is killed, of twice as many."""


def measure(place: Place, ledger: Ledger, shape: Shape, size: int, precision: str) -> None:
    """Measure a step and the memory of both, the LoRA in the UNet alone.

    A text encoder that is trained, as SD1.5's is by default, would be no part of the bare loop.
    """
    changes = {"steps": STEPS, "precision": precision, "text_encoder_lr": 0.0}
    settings = _settings(place, shape, **changes)
    output = place.folder / "measured" / "lora.safetensors"
    done = _train(place, shape, size, settings, output, "--bare", str(size))
    shutil.rmtree(output.parent)
    ours, bare = (Cost(*cost) for cost in json.loads(done.stdout.splitlines()[-1]))
    what = f"{shape.name}, training, {size} px, batch {settings.batch_size}, {precision}"
    if settings.gradient_checkpointing:
        what += ", gradient checkpointing"
    ledger.figure(f"{what}: a step", "s", ours.seconds, bare.seconds)
    if ours.gigabytes and bare.gigabytes:
        ledger.figure(f"{what}: memory at its peak", "GB", ours.gigabytes, bare.gigabytes)


def resume(place: Place, ledger: Ledger, shape: Shape, precision: str) -> None:
    """Check that a training killed on its way gives the tensors of one that was not.

    Both take PyTorch's deterministic kernels: without them, attention on a card adds up gradients
    in any order, and no two trainings are equal.
    """
    settings = _settings(place, shape, steps=2 * INTERRUPTED, precision=precision)
    outputs = [place.folder / name / "lora.safetensors" for name in ("whole", "killed")]
    _train(place, shape, shape.small, settings, outputs[0], "--exact")
    killed = ("--exact", "--killed-after", str(INTERRUPTED))
    _train(place, shape, shape.small, settings, outputs[1], *killed, status=-signal.SIGKILL)
    again = _train(place, shape, shape.small, settings, outputs[1], "--exact")
    whole, resumed = map(load_file, outputs)
    for output in outputs:
        shutil.rmtree(output.parent)
    what = f"{shape.name}, training, {precision}, killed after {INTERRUPTED} steps: "
    going_on = "continuing after step" in again.stderr
    ledger.check(f"{what}it goes on", going_on, "it began again")
    learnt = any(whole[key].any() for key in whole if UP in key)  # else equal tensors say nothing
    different = sum(not np.array_equal(whole[key], resumed[key]) for key in whole)
    otherwise = f"{different} of {len(whole)} tensors differ" if learnt else "nothing was learnt"
    alike = learnt and not different
    ledger.check(f"{what}the tensors of an uninterrupted one", alike, otherwise)


def _settings(place: Place, shape: Shape, **changes: Any) -> TrainSettings:
    return shape.settings(device=place.device, threads=place.threads, **changes)


def _environment() -> dict[str, str]:
    """Return what a trainer finds this package with, and what makes cuBLAS repeat its bits."""
    paths = filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))
    return {"PYTHONPATH": os.pathsep.join(paths), "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


def _train(
    place: Place,
    shape: Shape,
    size: int,
    settings: TrainSettings,
    output: Path,
    *options: str,
    status: int = 0,
) -> subprocess.CompletedProcess[str]:
    """Run the trainer; raise `RuntimeError` if it does not end with this exit status."""
    data = place.folder / f"{size} px"
    if not data.is_dir():
        make_set(data, [(size, size)] * PICTURES)
    given = {"data": data, "base": place.base(shape), "output": output}
    words = ["--settings", settings.model_dump_json()]
    words += [str(word) for name, path in given.items() for word in (f"--{name}", path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu.trainer", *words, *options],
        cwd=place.folder,
        env={**os.environ, **_environment()},
        capture_output=True,
        text=True,
    )
    if done.returncode != status:
        end = " ".join(done.stderr.split()[-60:])
        raise RuntimeError(f"the trainer ended with {done.returncode}: {end}")
    return done
