"""Write files whole or not at all, and walk and digest them."""

import fcntl
import hashlib
import os
import re
import shutil
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lorabench import parent

_OF_SYSTEMS = frozenset(
    {"__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information"}
)
"""Folders that macOS, NAS systems and Windows add to people's files."""


def _place() -> str:
    """Return this machine in four digits, and the container in which process numbers count."""
    container = Path("/proc/self/ns/pid")
    inside = container.stat().st_ino if container.exists() else ""
    return hashlib.sha256(f"{os.uname().nodename} {inside}".encode()).hexdigest()[:4]


_HOST = _place()
_UNFINISHED = re.compile(rf"\.(\d+)-([0-9a-f]{{{len(_HOST)}}})\.tmp$")
_FORSAKEN = 24 * 3600
"""Seconds after which nobody writes a file any more, on whatever machine."""


@contextmanager
def publish(path: Path, flush: bool = True) -> Generator[Path]:
    """Yield a temporary path beside `path`; on a clean exit it is flushed and renamed to `path`.

    The temporary name ends in `.tmp`, which is no result for Snakemake or ComfyUI. After an
    exception it is removed and `path` stays as it was. Without `flush`, the caller flushes all.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{_HOST}.tmp")
    with naming(path):
        try:
            yield temporary
            if flush:
                with temporary.open("rb") as file:
                    os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: Path) -> Generator[None]:
    """Add `path` to an error that names no file: writing does not say where a disk is full."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise


def remove_left(folder: Path) -> None:
    """Remove what killed programs have left below `folder`: unfinished files without a writer."""
    for path in folder.rglob(".*.tmp"):
        if (found := _UNFINISHED.search(path.name)) and _has_no_writer(path, *found.groups()):
            path.unlink(missing_ok=True)


def _has_no_writer(path: Path, pid: str, host: str) -> bool:
    if host == _HOST:
        return not parent.is_there(int(pid))
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime > _FORSAKEN
    return False


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


_OUTDATED = 1.0
"""A time of change that is before that of anything."""


def outdate(path: Path) -> None:
    """Mark a file, if it is there, as to be made again: by its date."""
    if path.exists():
        os.utime(path, (_OUTDATED, _OUTDATED))


def is_outdated(path: Path) -> bool:
    """Return whether `outdate` has marked the file."""
    return path.exists() and path.stat().st_mtime == _OUTDATED


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
