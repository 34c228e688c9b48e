"""Report a name that a server does not have."""

import difflib
from collections.abc import Sequence

SHOWN = 3
ALIKE = 0.4
"""How similar two names must be, from 0 to 1: names of files differ by whole words."""


def unlisted(name: str, value: str, known: Sequence[object] | None) -> str:
    """Return that a server has no `value` for the input `name`, and the nearest of `known`."""
    said = f"{name} {value!r} is not on the server"
    if known is None:
        return said
    names = [str(one) for one in known]
    if near := difflib.get_close_matches(value, names, n=SHOWN, cutoff=ALIKE):
        return f"{said}; nearest there: {', '.join(near)}"
    if names:
        return f"{said}; it has {', '.join(names[:SHOWN])}" + (" …" if len(names) > SHOWN else "")
    return f"{said}; it has none at all"
