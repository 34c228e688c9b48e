"""Read kohya's folders, `10_sks girl`: repeats, and the caption of pictures without one.

A folder may begin with a number for other reasons (`2024_holiday`, `512_crops`). So numbers are
repeats only if every picture of the set lies in such a folder, with a number up to `MOST`.
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

MOST = 200
"""The largest number that is taken for repeats."""

RULE = f"repeats are meant where every picture lies in a folder <1 to {MOST}>_<words>"

RESULTS = frozenset({"log", "model"})
"""The folders beside `img` where kohya's GUI puts results, including samples."""

_NAME = re.compile(r"([1-9]\d*)_\s*(\S.*)")
_NUMBERED = re.compile(r"\d+([_ ]|$)")


class Folder(NamedTuple):
    """A folder that names the repeats and the words of its pictures."""

    name: str
    repeats: int
    words: str


NONE = Folder("", 1, "")
"""The folder of a picture that counts once and gets no words from its place."""


def find(names: Iterable[str]) -> dict[str, Folder]:
    """Return each picture's folder by its name in the set; none where `RULE` does not hold."""
    folders = {name: _folder(name) for name in names}
    return {} if NONE in folders.values() else folders


def projects(names: Iterable[str]) -> set[str]:
    """Return the folders that hold a project of kohya's GUI: an `img` with kohya's folders."""
    parents = (parent for name in names for parent in PurePosixPath(name).parents)
    return {
        str(parent.parent.parent)
        for parent in parents
        if parent.parent.name == "img" and named(parent.name) != NONE
    }


def named(name: str) -> Folder:
    """Return the repeats and words in the name of a folder, `NONE` if there are none."""
    match = _NAME.fullmatch(name)
    if match and int(match[1]) <= MOST:
        return Folder(name, int(match[1]), match[2].strip())
    return NONE


def numbered(names: Iterable[str]) -> list[str]:
    """Return the folders of pictures that have a number at the beginning of their names."""
    parts = (part for name in names for part in PurePosixPath(name).parts[:-1])
    return sorted({part for part in parts if _NUMBERED.match(part)})


def _folder(name: str) -> Folder:
    """Return the outermost folder above a picture that is named as kohya's are."""
    above = map(named, PurePosixPath(name).parts[:-1])
    return next((folder for folder in above if folder != NONE), NONE)
