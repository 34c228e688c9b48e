"""Tell the two files apart that a training of Wan 2.2 makes: one for each of its models.

One model draws while there is much noise, the other from there on. Trainers, and people, put
`high_noise` and `low_noise` into the names, `HighNoise` and `LowNoise`, or `high` and `low`.
"""

import re
from pathlib import Path
from typing import Literal

Side = Literal["high", "low"]

SIDES: tuple[Side, Side] = ("high", "low")
"""In the order of sampling."""

_MARKS = (
    re.compile(r"(?P<side>high|low)[-_. ]?noise", re.IGNORECASE),
    re.compile(r"(?<![^-_. ])(?P<side>high|low)(?![^-_. ])", re.IGNORECASE),
)
_EDGES = "-_. "


def side(stem: str) -> Side | None:
    """Return which model a name says it is for; None if it does not."""
    found = _mark(stem)
    if not found:
        return None
    return "high" if found["side"].lower() == "high" else "low"


def partner(path: Path) -> Path | None:
    """Return where the other file of a pair lies, beside this one; None for a name of no side."""
    found = _mark(path.stem)
    if not found:
        return None
    start, end = found.span("side")
    other = _like("low" if side(path.stem) == "high" else "high", found["side"])
    return path.with_stem(path.stem[:start] + other + path.stem[end:])


def title(stem: str) -> str:
    """Return what the files of a pair have in common, such as `ink-000004`.

    A name that is nothing but its mark stays as it is.
    """
    found = _mark(stem)
    if not found:
        return stem
    before, after = stem[: found.start()], stem[found.end() :]
    if before and after and before[-1] in _EDGES and after[0] in _EDGES:
        before = before[:-1]
    return (before + after).strip(_EDGES) or stem


def _mark(stem: str) -> re.Match[str] | None:
    """Return the last mark in a name, with `noise` if any has it."""
    return next((list(one.finditer(stem))[-1] for one in _MARKS if one.search(stem)), None)


def _like(word: str, model: str) -> str:
    """Return a word with the capitals of another."""
    if model.isupper():
        return word.upper()
    return word.capitalize() if model[0].isupper() else word
