"""What Snakemake has noted of the files of a run, to be kept in the bucket beside them.

By its notes it sees that a file was made with another prompt or other pictures. On a machine
without them, it would take the file as it is.
"""

import gzip
import json
import os
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from pathlib import Path

from lorabench import files

FOLDER = Path(".snakemake/metadata")


def packed(folders: Iterable[str]) -> bytes | None:
    """Return the notes on what lies below these addresses, if there are any."""
    below = tuple(folders)
    found = {
        path.relative_to(FOLDER).as_posix(): (path.stat().st_mtime, path.read_text("utf-8"))
        for path in FOLDER.rglob("*")
        if path.is_file() and _address(path).startswith(below)
    }
    return gzip.compress(json.dumps(found).encode()) if found else None


def unpack(data: bytes) -> None:
    """Put notes among those here; newer ones stay."""
    FOLDER.with_name("incomplete").mkdir(parents=True, exist_ok=True)  # else they count as old
    for name, (time, text) in json.loads(gzip.decompress(data)).items():
        path = FOLDER / name
        if ".." not in path.parts and not (path.exists() and path.stat().st_mtime >= time):
            files.write_text(path, text)
            os.utime(path, (time, time))


def _address(path: Path) -> str:
    """Return what a note is on; Snakemake cuts long names into folders that begin with @."""
    name = "".join(part.removeprefix("@") for part in path.relative_to(FOLDER).parts)
    try:
        return urlsafe_b64decode(name).decode()
    except ValueError:
        return ""
