"""Read the header of a safetensors file: what all that read such files rely on.

The safetensors library decides, because a ComfyUI opens files with it: what it refuses would fail
at the first picture. Only metadata that are no texts are let pass. Nothing here imports torch.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from lorabench.base import file_kinds
from lorabench.errors import UserError

LARGEST = 2**24
"""Bytes of a header: a checkpoint has half a million, metadata with the tags of a large set have
twelve million. As JSON in memory, each may become forty. The library's own limit is 100 million."""

Tensors = dict[str, dict[str, Any]]
"""A tensor's name -> its "dtype", "shape" and "data_offsets"."""


def read(path: Path) -> tuple[Tensors, dict[str, str]]:
    """Return the tensors and the metadata, converted to texts, of the safetensors file at `path`.

    Raises `UserError`: the file is cut short, damaged, or of another format.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > size - 8:
                raise ValueError("the header is cut short")
            if length > LARGEST:
                raise ValueError(f"its header has {length} bytes, and may have {LARGEST}")
            tensors = dict(json.loads(file.read(length).decode()))
        metadata = tensors.pop("__metadata__", None)
        if not is_standard(path):
            _check(tensors, size - 8 - length)
    except (OSError, ValueError, TypeError, RecursionError, SafetensorError) as error:
        raise UserError(_what_else(path, error)) from None
    said = metadata if isinstance(metadata, dict) else {}
    return tensors, {_text(key): _text(value) for key, value in said.items()}


def is_standard(path: Path) -> bool:
    """Return whether the safetensors library, and so a ComfyUI, opens the file."""
    try:
        with safe_open(path, "numpy"):
            return True
    except SafetensorError:
        return False


def written(tensors: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> bytes:
    """Return the header that a file with these tensors begins with; raises `ValueError`."""
    extra = {} if metadata is None else {"__metadata__": dict(metadata)}
    text = json.dumps({**extra, **tensors}, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def end(data: bytes) -> int:
    """Return where the header ends in `data`, the beginning of such a file."""
    return 8 + int.from_bytes(data[:8], "little")


def _check(tensors: Mapping[str, Any], size: int) -> None:
    """Raise `SafetensorError` for tensors that are not those of `size` bytes of numbers."""
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        head = written(tensors)
        file.write(head)
        file.truncate(len(head) + size)  # a hole, which takes no room
        file.flush()
        with safe_open(file.name, "numpy"):
            pass


def _text(value: object) -> str:
    """Return a value as a text that can be written: JSON may hold halves of letters."""
    return str(value).encode(errors="replace").decode()


def _what_else(path: Path, error: Exception) -> str:
    kind = file_kinds.by_first_bytes(path) if path.is_file() else None
    if kind:
        return f"{path}: not a .safetensors file but {kind}"
    return f"{path}: not a whole .safetensors file ({error}); copy or download it again."
