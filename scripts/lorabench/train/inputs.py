"""The inputs of the UNet: latents of the pictures, features of the captions.

Networks that have done their part leave the card, and the memory, before the training begins.
"""

import logging
from collections.abc import Iterable

import torch

from lorabench import cli
from lorabench.base import conditions
from lorabench.base.conditions import Text
from lorabench.base.model import StableDiffusion
from lorabench.errors import UserError
from lorabench.settings.models import TrainSettings
from lorabench.train.data import Batch, Picture, TrainingSet

log = logging.getLogger(__name__)

_NOWHERE = "meta"
"""PyTorch's device without memory: what goes there is freed."""


class Latents:
    """Latents of a batch; each picture is encoded only once unless `cache_latents` is off."""

    def __init__(self, model: StableDiffusion, pictures: TrainingSet, device: str) -> None:
        """Encode every picture, and its mirror image if the settings have flips.

        The autoencoder runs in float32: SDXL's and some of SD1.x overflow in half precision.
        """
        self._model = model
        self._cache: dict[tuple[Picture, bool], torch.Tensor] = {}
        model.vae.to(device, torch.float32)
        if not pictures.settings.cache_latents:
            return
        generator = torch.Generator().manual_seed(pictures.settings.seed)
        sides = (False, True) if pictures.settings.flip else (False,)
        todo = [(picture, mirrored) for picture in pictures.all for mirrored in sides]
        for picture, mirrored in cli.bar(todo, desc="latents", unit="picture", leave=False):
            self._cache[picture, mirrored] = self._encode(picture, mirrored, generator).cpu()
        model.vae.to(_NOWHERE)

    def __call__(self, batch: Batch, generator: torch.Generator) -> torch.Tensor:
        """Return the latents [N, C, h, w] of a batch on the UNet's device."""
        latents = [
            self._cache[picture, mirrored]
            if self._cache
            else self._encode(picture, mirrored, generator)
            for picture, mirrored in zip(batch.pictures, batch.mirrored, strict=True)
        ]
        return torch.cat(latents).to(self._model.unet.device)

    def _encode(self, picture: Picture, mirrored: bool, generator: torch.Generator) -> torch.Tensor:
        try:
            pixels = picture.pixels(mirrored)
        except OSError as error:
            raise UserError(f"{picture.path}: unreadable ({error}); normalize again.") from None
        return self._model.encode(torch.from_numpy(pixels)[None], generator)


class Captions:
    """Text features of captions; encoded only once if neither they nor the encoder change."""

    def __init__(self, model: StableDiffusion, pictures: TrainingSet, device: str) -> None:
        """Encode every caption if once is enough, and report how many are too long."""
        self._model = model
        self._device = device
        self._settings: TrainSettings = pictures.settings
        self._cache: dict[str, Text] = {}
        _check_clip_skip(model, self._settings.clip_skip)
        captions = sorted({picture.caption for picture in pictures.all})
        self._report_long(captions)
        _move(model.text_encoders, device)
        if not (self._settings.text_encoder_lr or self._settings.shuffle_caption):
            # One by one: the features of a caption must not depend on its neighbours.
            self._cache = {
                caption: self._encode([caption]).to("cpu") for caption in ["", *captions]
            }
            _move(model.text_encoders, _NOWHERE)

    def __call__(self, captions: list[str]) -> Text:
        """Return the features of a batch; with gradients if the text encoders are trained."""
        if self._cache:
            return conditions.joined([self._cache[caption] for caption in captions]).to(
                self._device
            )
        return self._encode(captions)

    def _encode(self, captions: list[str]) -> Text:
        with torch.set_grad_enabled(bool(self._settings.text_encoder_lr)):
            return self._model.encode_text(captions, self._settings.clip_skip)

    def _report_long(self, captions: list[str]) -> None:
        limit = self._model.text_encoders[0].config.max_position_embeddings
        tokens = self._model.tokenizer(captions).input_ids
        if long := sum(len(one) > limit for one in tokens):
            log.warning(
                "%d of %d captions are longer than %d tokens; their ends are not trained.",
                long,
                len(captions),
                limit - 2,
            )


def _move(networks: Iterable[torch.nn.Module], device: str) -> None:
    for network in networks:
        network.to(device)


def _check_clip_skip(model: StableDiffusion, skip: int) -> None:
    layers = model.text_encoders[0].config.num_hidden_layers
    if skip > layers:
        raise UserError(
            f"clip_skip: {skip}, but this base model's text encoder has {layers} layers; allowed "
            f"are 1 to {layers}."
        )
    if len(model.text_encoders) > 1 and skip > conditions.SDXL_LAYER:
        raise UserError(
            f"clip_skip: {skip}, but SDXL is always trained on the last layer but one; allowed are "
            f"1 and {conditions.SDXL_LAYER}, which both mean that."
        )
