"""Trains a LoRA with diffusers and PEFT, from a normalized set to a checked file."""

import logging
import math
import time
from pathlib import Path

import numpy as np
import torch

from lorabench import checkpoint, cli, lora_file, model
from lorabench.config import TrainSettings
from lorabench.errors import UserError
from lorabench.train import data, diffusion, history, network, schedule, state
from lorabench.train.inputs import Captions, Latents
from lorabench.train.metadata import describe

log = logging.getLogger(__name__)

# To predict nothing costs a loss of about 1; from ten times that no training comes back.
EXPLODED = 10.0
LOST, LOST_AFTER = 1.0, 20
"""A mean loss over so many steps that is worse than to predict nothing: the LoRA is destroyed."""


def train(folder: Path, base_model: Path, output: Path, settings: TrainSettings) -> None:
    """Train a LoRA on the normalized set in `folder` and write it to `output`.

    Beside it appear `train_log.csv`, `loss.png` and, every `save_every_epochs`,
    `<stem>-<epoch>.safetensors`. A training that was killed goes on from its last state and ends
    with the tensors of an uninterrupted one: all randomness is a function of the seed and the
    number of the batch. On CPU two runs are equal to the bit, given equal settings.

    Raises:
        UserError: the set or the base model cannot be trained on, or the training diverged.
    """
    torch.set_num_threads(settings.threads)
    device, dtype = hardware(settings)

    # What is learnt from, and by what.
    pictures = data.read_set(folder, settings)
    base = checkpoint.inspect(base_model)
    sd = model.load(base_model, device, dtype)
    latents, captions = Latents(sd, pictures), Captions(sd, pictures)
    torch.manual_seed(settings.seed)  # the down matrices begin random
    lora = network.inject(sd, settings)
    weights = network.weights(lora)
    if settings.gradient_checkpointing:
        _checkpoint_gradients(sd)
    optimizer = torch.optim.AdamW(
        [
            {"params": network.weights(lora, part), "peak_lr": rate}
            for part, rate in (
                (network.UNET, settings.unet_lr),
                (network.TEXT, settings.text_encoder_lr),
            )
            if rate
        ],
        weight_decay=settings.weight_decay,
    )
    scaler = torch.amp.GradScaler(device, enabled=dtype == torch.float16)
    total = count_steps(pictures, settings)
    log.info(
        "%d pictures in %d sizes, %d modules of rank %d, %d steps of %d on %s in %s",
        *(len(pictures.pictures), len(pictures.buckets), len(lora), settings.rank, total),
        *(settings.batch_size * settings.gradient_accumulation, device, str(dtype)[6:]),
    )

    # Where an earlier run of the same training was stopped, if one was.
    saved = state.StateFile(output, state.purpose(pictures, base_model, device))
    first, seconds, rows = 0, 0.0, []
    if found := saved.load():
        first, seconds = found["step"], found["seconds"]
        rows = [history.Row(*row) for row in found["rows"]]
        _restore(weights, found["weights"])
        optimizer.load_state_dict(found["optimizer"])
        scaler.load_state_dict(found["scaler"])
        log.info("going on after step %d of %d", first, total)
    output.parent.mkdir(parents=True, exist_ok=True)
    course = history.History(output.with_name("train_log.csv"), rows)
    begin = time.monotonic() - seconds

    def write(path: Path, step: int) -> None:
        facts = describe(base, pictures, path.stem, step, total, time.monotonic() - begin)
        lora_file.save(path, network.to_kohya(lora, settings.alpha), facts)

    bar = cli.bar(total=total, initial=first, desc="training", unit="step")
    for step in range(first, total):
        factor = schedule.factor(step, total, settings)
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor

        loss = 0.0
        for number in batches_of(step, settings):
            batch = pictures.batch(number)
            generator = torch.Generator().manual_seed(noise_seed(settings.seed, number))
            encoded = latents(batch, generator)
            with torch.autocast(device, dtype, enabled=dtype != torch.float32):
                condition = captions(batch.captions)
                part = diffusion.loss(sd, encoded, condition, generator, settings)
            part = part / settings.gradient_accumulation
            loss += part.item()
            check(loss, course.rows, settings)
            scaler.scale(part).backward()

        scaler.unscale_(optimizer)
        if settings.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(weights, settings.max_grad_norm)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()

        epoch = batches_of(step, settings)[0] // pictures.batches_per_epoch + 1
        lr = optimizer.param_groups[0]["lr"]
        seconds = time.monotonic() - begin
        course.add(history.Row(step + 1, epoch, loss, lr, seconds))
        bar.set_postfix(loss=f"{np.mean([row.loss for row in course.rows[-50:]]):.4f}", refresh=0)
        bar.update()

        ended = epochs_ended(step, pictures, settings)
        if ended and step + 1 < total:
            write(output.with_name(f"{output.stem}-{ended:06d}.safetensors"), step + 1)
        saved.save_if_due(
            step=step + 1,
            seconds=seconds,
            rows=[tuple(row) for row in course.rows],
            weights=[weight.data for weight in weights],
            optimizer=optimizer.state_dict(),
            scaler=scaler.state_dict(),
        )
    bar.close()
    course.close()

    history.draw(course.rows, output.with_name("loss.png"), output.stem)
    write(output, total)
    saved.remove()


def hardware(settings: TrainSettings) -> tuple[str, torch.dtype]:
    """Return the device and the dtype of the model's arithmetic; the LoRA itself is float32.

    Raises:
        UserError: the machine lacks what the settings ask for.
    """
    cuda = torch.cuda.is_available()
    if settings.device == "cuda" and not cuda:
        raise UserError("device: cuda, but PyTorch finds no CUDA here; allowed are auto and cpu.")
    device = "cuda" if cuda and settings.device != "cpu" else "cpu"
    if settings.precision == "fp16" and device == "cpu":
        raise UserError("precision: fp16 does not train on a CPU; allowed are auto, fp32 and bf16.")
    auto = "fp32" if device == "cpu" else "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    name = auto if settings.precision == "auto" else settings.precision
    return device, {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[name]


def count_steps(pictures: data.TrainingSet, settings: TrainSettings) -> int:
    """Return the number of optimizer steps: those configured, or enough for all epochs."""
    if settings.steps:
        return settings.steps
    batches = settings.epochs * pictures.batches_per_epoch
    return math.ceil(batches / settings.gradient_accumulation)


def batches_of(step: int, settings: TrainSettings) -> range:
    """Return the numbers of the batches that make up optimizer step `step`, from 0."""
    return range(step * settings.gradient_accumulation, (step + 1) * settings.gradient_accumulation)


def epochs_ended(step: int, pictures: data.TrainingSet, settings: TrainSettings) -> int:
    """Return the number of epochs done if `step` ended one that is to be kept, else 0."""
    if not settings.save_every_epochs:
        return 0
    batches = batches_of(step, settings)
    before, after = (n // pictures.batches_per_epoch for n in (batches.start, batches.stop))
    due = after // settings.save_every_epochs > before // settings.save_every_epochs
    return after if due else 0


def noise_seed(seed: int, batch: int) -> int:
    """Return the seed of a batch's noise and timesteps, unlike that of any other batch."""
    return int(np.random.SeedSequence([seed, batch]).generate_state(1, np.uint64)[0])


def check(loss: float, before: list[history.Row], settings: TrainSettings) -> None:
    """Raise `UserError` with the likely settings to change if the loss says it is lost.

    It says the losses of the last steps too: Snakemake deletes the log of a failed training.
    """
    latest = [*(row.loss for row in before[1 - LOST_AFTER :]), loss]
    lost = len(latest) == LOST_AFTER and np.mean(latest) > LOST
    if math.isfinite(loss) and loss < EXPLODED and not lost:
        return
    rates = f"unet_lr (now {settings.unet_lr:g})"
    if settings.text_encoder_lr:
        rates += f" and text_encoder_lr (now {settings.text_encoder_lr:g})"
    precision = (
        f", precision fp32 (now {settings.precision})" if settings.precision != "fp32" else ""
    )
    step = before[-1].step + 1 if before else 1
    course = ", ".join(f"{row.loss:.3g}" for row in before[-10:]) or "nothing"
    raise UserError(
        f"the training diverged: at step {step} the loss is {loss:g}, after {course}. "
        f"Lower {rates} to a tenth; else try warmup_steps 50 (now {settings.warmup_steps}), "
        f"max_grad_norm 1 (now {settings.max_grad_norm:g}){precision}."
    )


def _restore(weights: list[torch.nn.Parameter], found: list[torch.Tensor]) -> None:
    for weight, tensor in zip(weights, found, strict=True):
        weight.data.copy_(tensor)


def _checkpoint_gradients(sd: model.StableDiffusion) -> None:
    # Both work in training mode only; neither model has a dropout that this would switch on.
    sd.unet.enable_gradient_checkpointing()
    sd.text_encoder.activation_checkpointing_enable()
    sd.unet.train()
    sd.text_encoder.train()
