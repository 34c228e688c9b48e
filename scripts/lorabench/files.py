"""Write files whole or not at all, and walk and digest them."""

import fcntl
import hashlib
import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

_OF_SYSTEMS = frozenset(
    {"__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information"}
)
"""Folders that macOS, NAS systems and Windows add to people's files."""


@contextmanager
def publish(path: Path) -> Generator[Path]:
    """Yield a temporary path beside `path`; on a clean exit it is flushed and renamed to `path`.

    The temporary name ends in `.tmp`, which is no result for Snakemake or ComfyUI. After an
    exception it is removed and `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


_LOOK = 0.02


@contextmanager
def locked(path: Path, patience: float = float("inf")) -> Generator[Callable[[], None]]:
    """Hold the lock of the file `path`; yield a function that lets it go early.

    After `patience` seconds the body runs without it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience
    with path.open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    break
                time.sleep(_LOOK)
        yield lambda: fcntl.flock(file, fcntl.LOCK_UN)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 under `path`, whole or not at all."""
    with publish(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` under `path`, whole or not at all."""
    with publish(path) as temporary:
        temporary.write_bytes(data)


def sha256(path: Path) -> str:
    """Return the hex SHA-256 of the file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def link(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, or a copy if a link is impossible."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def walk(folder: Path) -> Iterator[Path]:
    """Yield the files below `folder`, also through links to folders; each folder once.

    Folders come before links, so that a file has its own name, not a link's. Links that lead back
    up, hidden files and those of systems are left out. Raises `OSError` for an unreadable folder.
    """
    seen = {_identity(parent) for parent in folder.resolve().parents}
    folders, links = deque([folder]), deque()
    while folders or links:
        here = folders.popleft() if folders else links.popleft()
        if _identity(here) in seen:
            continue
        seen.add(_identity(here))
        with os.scandir(here) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = here / entry.name
                if entry.name.startswith(".") or entry.name in _OF_SYSTEMS:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif entry.is_symlink() and path.is_dir():
                    links.append(path)
                else:
                    yield path


def _identity(folder: Path) -> tuple[int, int]:
    stat = folder.stat()
    return stat.st_dev, stat.st_ino
