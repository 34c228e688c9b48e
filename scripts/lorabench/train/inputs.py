"""The inputs of the UNet: latents of the pictures, features of the captions."""

import logging
from typing import Any

import torch

from lorabench import cli
from lorabench.base.model import StableDiffusion
from lorabench.errors import UserError
from lorabench.settings.models import TrainSettings
from lorabench.train.data import Batch, Picture, TrainingSet

log = logging.getLogger(__name__)


class Latents:
    """Latents of a batch; each picture is encoded only once unless `cache_latents` is off."""

    def __init__(self, model: StableDiffusion, pictures: TrainingSet) -> None:
        """Encode every picture, and its mirror image if the settings have flips.

        The autoencoder runs in float32: some of SD1.x overflow in half precision.
        """
        self._model = model
        self._cache: dict[tuple[Picture, bool], torch.Tensor] = {}
        model.vae.to(torch.float32)
        if not pictures.settings.cache_latents:
            return
        generator = torch.Generator().manual_seed(pictures.settings.seed)
        sides = (False, True) if pictures.settings.flip else (False,)
        todo = [(picture, mirrored) for picture in pictures.all for mirrored in sides]
        for picture, mirrored in cli.bar(todo, desc="latents", unit="picture", leave=False):
            self._cache[picture, mirrored] = self._encode(picture, mirrored, generator).cpu()
        model.vae.to("cpu")

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

    def __init__(self, model: StableDiffusion, pictures: TrainingSet) -> None:
        """Encode every caption if once is enough, and report how many are too long."""
        self._model = model
        self._settings: TrainSettings = pictures.settings
        self._cache: dict[str, torch.Tensor] = {}
        layers = model.text_encoder.config.num_hidden_layers
        if self._settings.clip_skip > layers:
            raise UserError(
                f"clip_skip: {self._settings.clip_skip}, but this base model's text encoder has "
                f"{layers} layers; allowed are 1 to {layers}."
            )
        captions = sorted({picture.caption for picture in pictures.all})
        self._report_long(captions)
        if not (self._settings.text_encoder_lr or self._settings.shuffle_caption):
            # One by one: the features of a caption must not depend on its neighbours.
            self._cache = {caption: self._encode([caption]) for caption in ["", *captions]}

    def __call__(self, captions: list[str]) -> torch.Tensor:
        """Return the features [N, L, D]; with gradients if the text encoder is trained."""
        if self._cache:
            return torch.cat([self._cache[caption] for caption in captions])
        return self._encode(captions)

    def _encode(self, captions: list[str]) -> torch.Tensor:
        encoder, skip = self._model.text_encoder, self._settings.clip_skip
        tokens = self._model.tokenizer(
            captions,
            padding="max_length",
            truncation=True,
            max_length=encoder.config.max_position_embeddings,
            return_tensors="pt",
        ).input_ids.to(encoder.device)
        with torch.set_grad_enabled(bool(self._settings.text_encoder_lr)):
            if skip == 1:
                return encoder(tokens).last_hidden_state
            states = encoder(tokens, output_hidden_states=True).hidden_states
            inner: Any = getattr(encoder, "text_model", encoder)
            return inner.final_layer_norm(states[-skip])

    def _report_long(self, captions: list[str]) -> None:
        limit = self._model.text_encoder.config.max_position_embeddings
        tokens = self._model.tokenizer(captions).input_ids
        if long := sum(len(one) > limit for one in tokens):
            log.warning(
                "%d of %d captions are longer than %d tokens; their ends are not trained.",
                long,
                len(captions),
                limit - 2,
            )
