"""An embedding as a setting: what it is called, and what it is loaded from.

Nothing here imports torch or numpy: each parse of the workflow checks the setting.
"""

import re
from pathlib import Path

from lorabench.bench.embeddings.vectors import Embedding
from lorabench.errors import UserError

BASE = "base"
"""Instead of a folder: the features of the base model itself."""
_ALLOWED = (
    "give the folder of a CLIP, SigLIP or DINO model, with its config.json, or "
    f"`{BASE}` for the base model's own features"
)


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
    """Load an embedding to a torch device, `base_model` if that is meant; raises `UserError`."""
    check(where)
    if where == BASE:
        from lorabench.bench.embeddings.base import load_base

        return load_base(base_model, device)
    from lorabench.bench.embeddings.folder import load_folder

    return load_folder(Path(where), device)
