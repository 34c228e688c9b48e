"""Name the files that are most likely meant, where one is not there."""

import difflib
from collections.abc import Iterable
from pathlib import PurePath

_SHOWN = 3
_ALIKE = 0.5
"""How similar two stems must be, from 0 to 1: all files of a folder have the same few suffixes."""


def there(name: str, files: Iterable[str]) -> str:
    """Return those of the names of `files` that are like `name`, as the end of a message.

    Empty where none is.

    >>> there("flux1dev.safetensors", ["ae.safetensors", "flux1-dev.safetensors"])
    '; nearest there: flux1-dev.safetensors'
    """
    by_stem = {PurePath(file).stem: file for file in files}
    near = difflib.get_close_matches(PurePath(name).stem, by_stem, _SHOWN, _ALIKE)
    return f"; nearest there: {', '.join(by_stem[one] for one in near)}" if near else ""
