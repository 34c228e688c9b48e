"""What Snakemake has noted of the files of a run, to be kept in the bucket beside them.

By its notes it sees that a file was made with another prompt or other pictures. On a machine
without them, it would take the file as it is.
"""

import gzip
import json
import os
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from lorabench import files

FOLDER = Path(".snakemake/metadata")


def packed(folders: Iterable[str]) -> bytes | None:
    """Return the notes on what lies below these addresses, if there are any."""
    found = {
        path.relative_to(FOLDER).as_posix(): (path.stat().st_mtime, path.read_text("utf-8"))
        for _, path in _below(tuple(folders))
        if _is_whole(path)
    }
    return gzip.compress(json.dumps(found).encode()) if found else None


def times(folder: str) -> dict[str, float]:
    """Return when a note was made, by the address below this one that it is on."""
    return {address: path.stat().st_mtime for address, path in _below((folder,))}


def unpack(data: bytes) -> None:
    """Put notes among those here; newer ones stay."""
    FOLDER.with_name("incomplete").mkdir(parents=True, exist_ok=True)  # else they count as old
    for name, (time, text) in json.loads(gzip.decompress(data)).items():
        path = FOLDER / name
        if ".." not in path.parts and not (path.exists() and path.stat().st_mtime >= time):
            files.write_text(path, text)
            os.utime(path, (time, time))


def _below(folders: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    for path in FOLDER.rglob("*"):
        if path.is_file() and (address := _address(path)).startswith(folders):
            yield address, path


def _is_whole(path: Path) -> bool:
    """Whether Snakemake does not write a note just now; it does so in place."""
    with suppress(ValueError):
        json.loads(path.read_text("utf-8"))
        return True
    return False


def _address(path: Path) -> str:
    """Return what a note is on; Snakemake cuts long names into folders that begin with @."""
    name = "".join(part.removeprefix("@") for part in path.relative_to(FOLDER).parts)
    try:
        return urlsafe_b64decode(name).decode()
    except ValueError:
        return ""
