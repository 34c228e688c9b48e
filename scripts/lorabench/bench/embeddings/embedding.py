"""Pictures and texts as vectors: what an embedding is, how it is named, and where it comes from.

Nothing here imports torch or numpy: each parse of the workflow checks the setting.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lorabench.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

BASE = "base"
"""Instead of a folder: the features of the base model itself."""
_ALLOWED = (
    "give the folder of a CLIP, SigLIP or DINO model, with its config.json, or "
    f"`{BASE}` for the base model's own features"
)


class Embedding(Protocol):
    """A model that gives pictures, and perhaps texts, a place on the unit sphere."""

    def images(self, images: "Sequence[Image.Image]") -> "np.ndarray":
        """Return the vectors of RGB pictures of one size, float32 [n, d], each of length 1."""
        ...

    def texts(self, texts: Sequence[str]) -> "np.ndarray | None":
        """Return the vectors of texts, float32 [n, d] of length 1; None: it reads no texts."""
        ...


def name(where: str) -> str:
    """Return what the columns of an embedding begin with: its folder's name, fit for that."""
    if where == BASE:
        return BASE
    return re.sub(r"\W+", "_", Path(where).resolve().name.lower()).strip("_") or "embedding"


def check(where: str) -> None:
    """Raise `UserError` if `where` is neither the base model nor a folder with a model."""
    folder = Path(where)
    if where == BASE or (folder / "config.json").is_file():
        return
    fault = "has no config.json" if folder.is_dir() else "is no folder"
    raise UserError(f"{where} {fault}; {_ALLOWED}")


def load(where: str, base_model: Path, device: str) -> Embedding:
    """Load an embedding to a torch device; `base_model` is read where that is asked for.

    Raises:
        UserError: there is no model, or none that can be used.
    """
    check(where)
    if where == BASE:
        from lorabench.bench.embeddings.base import load_base

        return load_base(base_model, device)
    from lorabench.bench.embeddings.folder import load_folder

    return load_folder(Path(where), device)
