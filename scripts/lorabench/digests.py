"""Digest files, models and JSON-like content; files are remembered."""

import hashlib
import json
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Any

from lorabench import files

_MODEL_SUFFIXES = frozenset({".safetensors", ".json", ".txt"})


class Digests:
    """File digests remembered by path, size and mtime, so that large files are read once.

    Parsing only reads the memory; a job writes it (`save`).
    """

    def __init__(self, memory: Path) -> None:
        """Read the file `memory`; if it is missing or broken, start with nothing."""
        self._path = memory
        self._known: dict[str, list[Any]] = {}
        with suppress(OSError, ValueError, AttributeError, RecursionError):
            known = json.loads(memory.read_text(encoding="utf-8")).items()
            self._known = {path: stamp for path, stamp in known if _is_sound(stamp)}

    def of(self, path: Path) -> str:
        """Return the hex SHA-256 of a file."""
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns]
        known: list[Any] | None = self._known.get(str(path))
        if not known or known[:2] != stamp:
            known = [*stamp, files.sha256(path)]
            self._known[str(path)] = known
        return known[2]

    def remember(self, path: Path) -> None:
        """Digest a file, or every file of a folder."""
        for file in [path] if path.is_file() else files.walk(path):
            if file.is_file():
                self.of(file)

    def save(self) -> None:
        """Write the memory, whole or not at all."""
        files.write_text(self._path, json.dumps(self._known))


def _is_sound(stamp: Any) -> bool:
    """Return whether this is a size, a time and a digest."""
    return isinstance(stamp, list) and list(map(type, stamp)) == [int, int, str]


def model_digest(path: Path, digests: Digests) -> str:
    """Return the digest of a checkpoint: of the file, or of a folder's weights and configs."""
    if path.is_file():
        return digests.of(path)
    parts = sorted(p for p in path.rglob("*") if p.suffix in _MODEL_SUFFIXES and p.is_file())
    return digest({name_within(part, path): digests.of(part) for part in parts})


def digest(content: Any) -> str:
    """Return the hex SHA-256 of JSON-like content, independent of the order of its keys."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def name_within(path: Path, root: Path) -> str:
    """Name a file within `root`, the same on file systems that spell Unicode differently."""
    return unicodedata.normalize("NFC", path.relative_to(root).as_posix())
