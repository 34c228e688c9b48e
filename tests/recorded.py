"""What the parsers of the real programs take, as recorded from them (tests/parsers/)."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "parsers"
SD_SCRIPTS = ("sd-scripts-0.10.1", "sd-scripts-0.11.1")
MUSUBI = "musubi-tuner-0.3.4"
_TYPES = {"text": str, "integer": int, "number": (int, float)}


@cache
def options(record: str, program: str) -> Mapping[str, str]:
    """Return the options of a program, `zimage_train_network.py`, and what each takes."""
    found = json.loads((FOLDER / f"{record}.json").read_text())
    return {**found["shared"], **found["programs"][program.removesuffix(".py")]}


def refused(record: str, program: str, given: Mapping[str, Any]) -> list[str]:
    """Return what such a config file has that the program's parser would not take."""
    known = options(record, program)
    return [
        f"{name}={value!r} ({known.get(name, 'unknown')})"
        for name, value in given.items()
        if name not in known or not _takes(known[name], value)
    ]


def on_command_line(words: Iterable[str]) -> dict[str, str]:
    """Return the options among words of a command line; those without a value are empty."""
    found = [word.removeprefix("--").partition("=") for word in words if word.startswith("--")]
    return {name: value for name, _, value in found}


def _takes(kind: str, value: Any) -> bool:
    name, _, choices = kind.partition(" of ")
    if name == "flag":
        return isinstance(value, bool)
    if name.endswith("s"):
        return isinstance(value, list)
    right = isinstance(value, _TYPES[name]) and not isinstance(value, bool)
    return right and (not choices or str(value) in choices.split("|"))
