"""Check, name and load the embedding in the settings.

Nothing here imports torch or numpy: each parse of the workflow checks the setting.
"""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

from lorabench.bench.embeddings.vectors import CCIP, PREPARED, Embedding
from lorabench.errors import UserError

BASE = "base"
"""In place of a folder: the features of the base model."""
_ALLOWED = (
    "give the folder of a CLIP, SigLIP or DINO model, with its config.json, that of a CCIP, with "
    f"its {CCIP}, or `{BASE}` for the base model's own features"
)


def name(where: str) -> str:
    """Return the prefix of an embedding's columns, from its folder's name."""
    if where == BASE:
        return BASE
    path = weights(where)
    folder = path.parent if path.name == CCIP else path  # not what a link in it leads to
    called = folder.resolve().name.removesuffix(".onnx")
    return re.sub(r"\W+", "_", called.lower()).strip("_") or "embedding"


def weights(where: str) -> Path:
    """Return the ONNX file that is meant, or else the folder of the model."""
    folder = Path(where)
    is_ccip = (folder / CCIP).is_file() and not (folder / "config.json").is_file()
    return folder / CCIP if is_ccip else folder


def check(where: str) -> None:
    """Raise `UserError` if `where` is neither the base model nor a model that can be loaded."""
    path = weights(where)
    if where == BASE or (path / "config.json").is_file():
        return
    if path.suffix == ".onnx" and path.is_file():
        _check_onnx(path)
        return
    fault = f"has no config.json and no {CCIP}" if path.is_dir() else "is not a folder or ONNX file"
    raise UserError(f"{where} {fault}; {_ALLOWED}")


def _check_onnx(path: Path) -> None:
    if path.name != CCIP and not (path.parent / PREPARED).is_file():
        raise UserError(
            f"{path}: which size and colours it takes is not known, for it has no {PREPARED} "
            f"beside it; {_ALLOWED}"
        )
    if find_spec("onnxruntime") is None:
        raise UserError(
            f"{path}: needs ONNX Runtime, which is not installed: `uv sync --extra onnx`, or `pip "
            f"install onnxruntime` in the environment that runs this ({sys.prefix})"
        )


def load(where: str, base_model: Path, device: str) -> Embedding:
    """Load an embedding, perhaps `base_model`, to a torch device; raises `UserError`."""
    check(where)
    if where == BASE:
        from lorabench.bench.embeddings.base import load_base

        return load_base(base_model, device)
    if (path := weights(where)).suffix == ".onnx":
        from lorabench.bench.embeddings.onnx import load_onnx

        return load_onnx(path)
    from lorabench.bench.embeddings.folder import load_folder

    return load_folder(Path(where), device)
