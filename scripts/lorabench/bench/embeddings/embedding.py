"""Check, name and load the embedding in the settings.

Nothing here imports torch or numpy: each parse of the workflow checks the setting.
"""

import re
from pathlib import Path

from lorabench.bench.embeddings.vectors import Embedding
from lorabench.errors import UserError

BASE = "base"
"""In place of a folder: the features of the base model."""
_ALLOWED = (
    "give the folder of a CLIP, SigLIP or DINO model, with its config.json, or "
    f"`{BASE}` for the base model's own features"
)


def name(where: str) -> str:
    """Return the prefix of an embedding's columns, from its folder's name."""
    if where == BASE:
        return BASE
    return re.sub(r"\W+", "_", Path(where).resolve().name.lower()).strip("_") or "embedding"


def check(where: str) -> None:
    """Raise `UserError` if `where` is neither the base model nor a folder with a model."""
    folder = Path(where)
    if where == BASE or (folder / "config.json").is_file():
        return
    fault = "has no config.json" if folder.is_dir() else "is not a folder"
    raise UserError(f"{where} {fault}; {_ALLOWED}")


def load(where: str, base_model: Path, device: str) -> Embedding:
    """Load an embedding, perhaps `base_model`, to a torch device; raises `UserError`."""
    check(where)
    if where == BASE:
        from lorabench.bench.embeddings.base import load_base

        return load_base(base_model, device)
    from lorabench.bench.embeddings.folder import load_folder

    return load_folder(Path(where), device)
