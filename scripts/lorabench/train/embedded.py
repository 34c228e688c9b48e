"""Train a LoRA with diffusers and PEFT, from a normalized set to a checked file."""

import logging
import math
import time
from pathlib import Path

import numpy as np
import torch

from lorabench import cli
from lorabench.base import checkpoint, model
from lorabench.errors import UserError
from lorabench.lora import file as lora_file
from lorabench.settings.models import TrainSettings
from lorabench.text import phrases
from lorabench.train import data, divergence, history, network, optimizers, state
from lorabench.train.learner import Learner, batches_of
from lorabench.train.metadata import describe

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
    epochs = batches_of(total - 1, settings).stop // pictures.batches_per_epoch
    validated_every = pictures.validated_every(epochs)
    _introduce(pictures, learner, total, f"{device} in {str(dtype)[6:]}")
    saved = state.StateFile(output, state.purpose(pictures, base_model, device))
    first, seconds, rows = _resume(saved, learner, total)
    begin = time.monotonic() - seconds

    def write(path: Path, step: int) -> None:
        facts = describe(base, pictures, path.stem, step, total, time.monotonic() - begin)
        lora_file.save(path, network.to_kohya(learner.lora, settings.alpha), facts)

    output.parent.mkdir(parents=True, exist_ok=True)
    log_file = output.with_name("train_log.csv")
    settings = pictures.keeping(keep, epochs).settings
    watch = divergence.Watch(settings, learner.loss_of_nothing, output.parent)
    history.write(log_file, rows)
    bar = cli.bar(total=total, initial=first, desc="training", unit="step")
    try:
        for step in range(first, total):
            loss = learner.step(step, total, rows, watch)
            seconds = time.monotonic() - begin
            epoch = batches_of(step, settings)[0] // pictures.batches_per_epoch + 1
            due = epochs_ended(step, pictures, validated_every) or step + 1 == total
            measured = learner.validation_loss() if validated_every and due else None
            rows.append(history.Row(step + 1, epoch, loss, learner.lr, seconds, measured, device))
            bar.set_postfix(loss=f"{np.mean([row.loss for row in rows[-50:]]):.4f}", refresh=False)
            bar.update()
            ended = epochs_ended(step, pictures, settings.save_every_epochs)
            if ended and step + 1 < total:
                write(output.with_name(f"{output.stem}-{ended:06d}.safetensors"), step + 1)
            done = [tuple(row) for row in rows]
            if saved.save_if_due(step=step + 1, seconds=seconds, rows=done, **learner.state()):
                history.write(log_file, rows)
    finally:
        bar.close()  # before what is said of an error
        history.write(log_file, rows)

    history.draw(rows, output.with_name("loss.png"), output.stem)
    write(output, total)
    saved.remove()


def _introduce(pictures: data.TrainingSet, learner: Learner, total: int, where: str) -> None:
    settings = pictures.settings
    log.info(
        "%s in %s, %d modules of rank %d, %d steps of %d on %s",
        *(pictures.count, phrases.count(len(pictures.buckets), "size")),
        *(len(learner.lora), settings.rank, total),
        *(settings.batch_size * settings.gradient_accumulation, where),
    )


def _resume(
    saved: state.StateFile, learner: Learner, total: int
) -> tuple[int, float, list[history.Row]]:
    """Continue a training that was stopped; return its steps, seconds and rows so far."""
    found = saved.load()
    if not found:
        return 0, 0.0, []
    learner.restore(found)
    log.info("continuing after step %d of %d", found["step"], total)
    return found["step"], found["seconds"], [history.Row(*row) for row in found["rows"]]


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


def epochs_ended(step: int, pictures: data.TrainingSet, every: int) -> int:
    """Return the number of epochs done if `step` ended one of each `every`, else 0."""
    if not every:
        return 0
    batches = batches_of(step, pictures.settings)
    before, after = (n // pictures.batches_per_epoch for n in (batches.start, batches.stop))
    return after if after // every > before // every else 0
