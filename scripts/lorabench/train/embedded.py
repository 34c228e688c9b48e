"""Train a LoRA with diffusers and PEFT, from a normalized set to a checked file."""

import logging
import math
from pathlib import Path

import torch

from lorabench.base import checkpoint, model
from lorabench.errors import UserError
from lorabench.settings.models import TrainSettings
from lorabench.text import phrases
from lorabench.train import data, history, optimizers, state
from lorabench.train.course import Course
from lorabench.train.learner import Learner

log = logging.getLogger(__name__)


def train(
    folder: Path,
    base_model: Path,
    output: Path,
    settings: TrainSettings,
    reg: Path | None = None,
    keep: int = 0,
) -> None:
    """Train a LoRA on the normalized set in `folder` and write it to `output`.

    `reg` is the normalized set of regularization pictures, if there are any; `keep` is about how
    many epochs to keep where `save_every_epochs` says none.

    Also write `train_log.csv`, `loss.png` and, every `save_every_epochs`,
    `<stem>-<epoch>.safetensors`. A killed training continues from its last state and gives the
    tensors of an uninterrupted one, because its random numbers depend only on the seed and the
    batch. On a CPU, equal settings give equal bits. Raises `UserError`: the set or the base model
    cannot be trained on, or the training diverged.
    """
    torch.set_num_threads(settings.threads)
    device, dtype = hardware(settings)
    pictures = data.read_set(folder, settings, reg)
    base = checkpoint.inspect(base_model)
    optimizers.check(settings, device)
    learner = Learner(model.load(base_model, "cpu", dtype), pictures, device, dtype)
    total = count_steps(pictures, settings)
    _introduce(pictures, learner, total, f"{device} in {str(dtype)[6:]}")

    saved = state.StateFile(output, state.purpose(pictures, base_model, device))
    course = Course(learner, pictures, base, output, total, device, keep)
    course.resume(saved)
    course.run(saved)
    history.draw(course.rows, output.with_name("loss.png"), output.stem)
    course.write(output, total)
    saved.remove()


def _introduce(pictures: data.TrainingSet, learner: Learner, total: int, where: str) -> None:
    settings = pictures.settings
    log.info(
        "%s in %s, %d modules of rank %d, %d steps of %d on %s",
        *(pictures.count, phrases.count(len(pictures.buckets), "size")),
        *(len(learner.lora), settings.rank, total),
        *(settings.batch_size * settings.gradient_accumulation, where),
    )


def hardware(settings: TrainSettings) -> tuple[str, torch.dtype]:
    """Return the device and the model's dtype, or raise `UserError`; the LoRA itself is float32."""
    device = model.usable_device(settings.device)
    if settings.precision == "fp16" and device == "cpu":
        raise UserError("precision: fp16 does not train on a CPU; allowed are auto, fp32 and bf16.")
    auto = "fp32" if device == "cpu" else "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    name = auto if settings.precision == "auto" else settings.precision
    return device, {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[name]


def count_steps(pictures: data.TrainingSet, settings: TrainSettings) -> int:
    """Return the number of optimizer steps: those configured, or enough for all epochs."""
    if settings.steps:
        return settings.steps
    batches = (settings.epochs or 0) * pictures.batches_per_epoch  # one of the two is given
    return math.ceil(batches / settings.gradient_accumulation)
