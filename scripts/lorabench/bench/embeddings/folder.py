"""Load an embedding from a folder with transformers: CLIP, SigLIP, DINO and similar models."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors import SafetensorError
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from lorabench.bench.embeddings.vectors import Embedding
from lorabench.errors import UserError

transformers_logging.disable_progress_bar()
transformers_logging.set_verbosity_error()

_LOCAL = {"local_files_only": True, "trust_remote_code": False}
_FAULTS = (
    *(OSError, ValueError, KeyError, AttributeError, RuntimeError, ImportError, TypeError),
    SafetensorError,
)
_POOLER = "pooler."
_VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", "spiece.model", "tokenizer.model")


def load_folder(folder: Path, device: str) -> Embedding:
    """Load model, image processor and, if it reads texts, tokenizer; raises `UserError`."""
    processor = image_processor(folder)
    try:
        model, found = AutoModel.from_pretrained(
            folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **_LOCAL
        )
    except _FAULTS as error:
        raise UserError(
            f"{folder}: transformers cannot load its model ({_first_line(error)}); it takes "
            "config.json and model.safetensors"
        ) from None
    missing = set(found["missing_keys"])
    if lost := sorted(key for key in missing if not key.startswith(_POOLER)):
        raise UserError(
            f"{folder}: model.safetensors lacks {len(lost)} weights of the model that config.json "
            f"lists, such as {lost[0]}; copy the folder again"
        )
    model.to(device).eval().requires_grad_(False)
    if hasattr(model, "get_image_features"):
        return PicturesAndTexts(model, processor, _tokenizer(folder))
    return Pictures(model, processor, pooled=not missing)


def image_processor(folder: Path) -> Any:
    """Load what prepares pictures for the model in a folder; raises `UserError`."""
    try:
        # Without torchvision, which nothing else here needs.
        return AutoImageProcessor.from_pretrained(folder, backend="pil", **_LOCAL)
    except _FAULTS as error:
        raise UserError(
            f"{folder}: has no usable image processor (preprocessor_config.json: "
            f"{_first_line(error)}); take an embedding of pictures: CLIP, SigLIP or DINO"
        ) from None


class Pictures:
    """A model of pictures only, such as DINO: its pooled output, or else its class token."""

    def __init__(self, model: Any, processor: Any, pooled: bool) -> None:
        """Take a transformers model and image processor; `pooled`: its pooler has its weights."""
        self._model, self._processor, self._pooled = model, processor, pooled

    @torch.no_grad()
    def images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Return the vectors of RGB pictures, float32 [n, d], each of length 1."""
        found = self._model(**self._prepared(images))
        pooled = getattr(found, "pooler_output", None) if self._pooled else None
        vectors = found.last_hidden_state[:, 0] if pooled is None else pooled
        return _unit(vectors)

    def texts(self, texts: Sequence[str]) -> np.ndarray | None:
        """Return None: it reads no texts."""

    def _prepared(self, images: Sequence[Image.Image]) -> Any:
        return self._processor(list(images), return_tensors="pt").to(self._model.device)


class PicturesAndTexts(Pictures):
    """A model that puts pictures and texts in one space: CLIP, SigLIP."""

    def __init__(self, model: Any, processor: Any, tokenizer: Any | None) -> None:
        """Take a transformers model, image processor and, if there is one, tokenizer."""
        super().__init__(model, processor, pooled=True)
        self._tokenizer = tokenizer

    @torch.no_grad()
    def images(self, images: Sequence[Image.Image]) -> np.ndarray:
        """Return the vectors of RGB pictures, float32 [n, d], each of length 1."""
        return _unit(_projected(self._model.get_image_features(**self._prepared(images))))

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> np.ndarray | None:
        """Return the vectors of texts; None if the folder has no tokenizer."""
        if self._tokenizer is None:
            return None
        length = self._model.config.text_config.max_position_embeddings
        # All at full length, as SigLIP was trained; CLIP stops at the end token.
        tokens = self._tokenizer(
            list(texts),
            padding="max_length",
            truncation=True,
            max_length=length,
            return_tensors="pt",
        )
        return _unit(_projected(self._model.get_text_features(**tokens.to(self._model.device))))


def _tokenizer(folder: Path) -> Any | None:
    # Without a vocabulary, transformers invents one, in which all words are unknown.
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        return None
    try:
        return AutoTokenizer.from_pretrained(folder, **_LOCAL)
    except _FAULTS:
        return None


def _projected(found: Any) -> torch.Tensor:
    return found if isinstance(found, torch.Tensor) else found.pooler_output


def _unit(vectors: torch.Tensor) -> np.ndarray:
    return F.normalize(vectors.flatten(1), dim=1).cpu().numpy()


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
