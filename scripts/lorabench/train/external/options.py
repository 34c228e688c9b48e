"""Options of a training program that a user adds to the pipeline's settings (`kohya_args`)."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lorabench.errors import UserError
from lorabench.train.external.installation import Installation

_OPTION = re.compile(r"(?<![\w-])--(\w+)")


def check_owned(given: Iterable[str], owned: Mapping[str, str]) -> None:
    """Raise `UserError` for an option that the pipeline itself gives, by those `owned`."""
    found = [f"train.kohya_args: {name}: {owned[name]}" for name in given if name in owned]
    if found:
        raise UserError("\n".join(found))


def known(installation: Installation, program: str) -> frozenset[str]:
    """Return the options that the installed program lists in its `--help`."""
    return frozenset(_OPTION.findall(installation.ask(installation.script(program), "--help")))


def check_known(
    name: str, given: Iterable[str], ours: Iterable[str], known: frozenset[str], needed: str
) -> None:
    """Raise `UserError` if the program `name` lacks an option, which it might ignore in silence.

    `given` are the user's options; `ours` are the pipeline's, which an older version than `needed`
    may lack.
    """
    unknown = [_unknown(name, option, known) for option in given if option not in known]
    if unknown:
        raise UserError("\n".join(unknown))
    missing = sorted(set(ours) - known)
    if missing:
        raise UserError(
            f"this {name} does not know {', '.join(missing)}: it is too old; take version {needed} "
            "or newer."
        )


def as_arguments(given: Mapping[str, Any]) -> list[str]:
    """Write options as arguments: True makes a flag; False and None leave an option out."""
    arguments: list[str] = []
    for name, value in given.items():
        if value is True:
            arguments.append(f"--{name}")
        elif isinstance(value, list):
            arguments += [f"--{name}", *map(str, value)]
        elif value is not False and value is not None:
            arguments.append(f"--{name}={value}")
    return arguments


def _unknown(name: str, option: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(option, sorted(known), 1)
    hint = f"did you mean {near[0]}?" if near else "its --help lists them."
    return f"train.kohya_args: {option}: {name} has no such option; {hint}"
