"""One optimizer step of the embedded trainer: batches, loss, gradients, update."""

from typing import Any

import numpy as np
import torch

from lorabench.base import packed
from lorabench.base.model import StableDiffusion
from lorabench.settings.models import TrainSettings
from lorabench.train import diffusion, divergence, history, network, optimizers, schedule
from lorabench.train.data import Batch, TrainingSet
from lorabench.train.inputs import Captions, Latents

_LEVELS = 4
"""Timesteps at which the loss on a held-out picture is measured."""
_HELD_OUT = 0
"""The seed of their noise: that of the training is none of theirs, so trainings can be compared."""


class Learner:
    """A base model with a fresh LoRA, its pictures and its optimizer."""

    def __init__(
        self, sd: StableDiffusion, pictures: TrainingSet, device: str, dtype: torch.dtype
    ) -> None:
        """Encode the pictures and add the LoRA; the model, on the CPU, computes in `dtype`.

        Its networks go to the device one after the other: together with what encoding a picture
        takes, those of SDXL would not fit on a usual card.
        """
        self._sd, self._pictures, self._settings = sd, pictures, pictures.settings
        self._device, self._dtype = device, dtype
        self._latents = Latents(sd, pictures, device)
        self._captions = Captions(sd, pictures, device)
        sd.unet.to(device)
        torch.manual_seed(self._settings.seed)  # the down matrices begin random
        self.lora = network.inject(sd, self._settings)
        packed.pack(sd.unet)
        self._weights = network.weights(self.lora)
        if self._settings.gradient_checkpointing:
            _checkpoint_gradients(sd)
        self._optimizer = optimizers.make(self.lora, self._settings, device)
        self._scaler = torch.amp.GradScaler(device, enabled=dtype == torch.float16)

    @property
    def lr(self) -> float:
        """The last step's learning rate, that of the UNet if it is trained."""
        return self._optimizer.param_groups[0]["lr"]

    @property
    def loss_of_nothing(self) -> float:
        """The loss of a model that predicts nothing."""
        alphas = self._sd.alphas_cumprod.numpy()
        return divergence.loss_of_nothing(alphas, self._settings, self._sd.prediction)

    def step(
        self, step: int, total: int, before: list[history.Row], watch: divergence.Watch
    ) -> float:
        """Do the optimizer step `step` of `total`, from 0, after those `before`; return its loss.

        Raises `UserError`: the training diverged.
        """
        factor = schedule.factor(step, total, self._settings)
        for group in self._optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
        loss = 0.0
        for number in batches_of(step, self._settings):
            part = self._loss(number) / self._settings.gradient_accumulation
            loss += part.item()
            watch.check(loss, before)
            self._scaler.scale(part).backward()
        self._scaler.unscale_(self._optimizer)
        if self._settings.max_grad_norm:
            torch.nn.utils.clip_grad_norm_(self._weights, self._settings.max_grad_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad()
        return loss

    def state(self) -> dict[str, Any]:
        """Return everything that the steps have changed."""
        return {
            "weights": [weight.data for weight in self._weights],
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from the result of `state()`."""
        for weight, tensor in zip(self._weights, state["weights"], strict=True):
            weight.data.copy_(tensor)
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])

    def _loss(self, number: int) -> torch.Tensor:
        """Return the loss of the batch `number`, with its gradients."""
        batch = self._pictures.batch(number)
        generator = torch.Generator().manual_seed(_noise_seed(self._settings.seed, number))
        latents = self._latents(batch, generator)
        with torch.autocast(self._device, self._dtype, enabled=self._dtype != torch.float32):
            text = self._captions(batch.captions)
            losses = diffusion.losses(self._sd, latents, text, generator, self._settings)
        prior = self._settings.prior_loss_weight
        weights = [prior if picture.regularizes else 1.0 for picture in batch.pictures]
        return (losses * torch.tensor(weights, device=losses.device)).mean()

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Return the mean loss on the held-out pictures, under the same noise whenever it is asked.

        The timesteps are those that sd-scripts takes, evenly spaced.
        """
        total = len(self._sd.alphas_cumprod)
        timesteps = torch.arange(1, _LEVELS + 1) * total // (_LEVELS + 1)
        found = []
        for number, picture in enumerate(self._pictures.held_out):
            generator = torch.Generator().manual_seed(_noise_seed(_HELD_OUT, number))
            latents = self._latents(Batch([picture], [False], []), generator).repeat(
                _LEVELS, 1, 1, 1
            )
            with torch.autocast(self._device, self._dtype, enabled=self._dtype != torch.float32):
                text = self._captions([picture.caption] * _LEVELS)
                losses = diffusion.losses(
                    self._sd, latents, text, generator, self._settings, timesteps
                )
            found.append(losses.mean().item())
        return float(np.mean(found))


def batches_of(step: int, settings: TrainSettings) -> range:
    """Return the batches of optimizer step `step`, counted from 0."""
    return range(step * settings.gradient_accumulation, (step + 1) * settings.gradient_accumulation)


def _noise_seed(seed: int, batch: int) -> int:
    """Return the seed of a batch's noise and timesteps, unlike that of any other batch."""
    return int(np.random.SeedSequence([seed, batch]).generate_state(1, np.uint64)[0])


def _checkpoint_gradients(sd: StableDiffusion) -> None:
    # This needs training mode, which changes nothing else: no network has a dropout.
    sd.unet.enable_gradient_checkpointing()
    sd.unet.train()
    for encoder in sd.text_encoders:
        encoder.activation_checkpointing_enable()
        encoder.train()
