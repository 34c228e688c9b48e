"""Snakemake's options of this call that the next one needs, too: where jobs run, and files lie."""

import os
import shlex
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from lorabench.errors import UserError

_LENT = "LORABENCH_OPTIONS"
_PROFILE = "--workflow-profile"
_KEPT = (  # no keys: they must not be written anywhere
    _PROFILE, "--container-image", "--default-storage-provider", "--default-storage-prefix",
    "--storage-s3-endpoint-url", "--storage-s3-region",
)  # fmt: skip
_ON_THIS_MACHINE = "--cores 1"


def check(arguments: Sequence[str]) -> None:
    """Raise `UserError` for a profile that is not there: Snakemake would go on without it."""
    for option, value in _given(arguments):
        if option == _PROFILE and value != "none" and not Path(value).is_dir():
            known = sorted(map(str, Path("profiles").glob("*/")))
            near = get_close_matches(value.rstrip("/"), known, 1)
            instead = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise UserError(f"{_PROFILE}: there is no folder {value}; {instead}")


def lend(arguments: Sequence[str]) -> None:
    """Give the options to all that show a command: this process and the jobs on this machine."""
    kept = [word for option, value in _given(arguments) for word in (option, value)]
    os.environ[_LENT] = shlex.join(kept)


def snakemake() -> str:
    """Return the beginning of a command that works where this call does."""
    options = os.environ.get(_LENT, "")
    if _PROFILE not in options:  # a profile of a cluster has its own number of jobs
        options = f"{_ON_THIS_MACHINE} {options}".strip()
    return f"uv run snakemake {options}"


def _given(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield those of the options, with their values, that are given and hold no login."""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        option, equals, value = word.partition("=")
        if option in _KEPT and "@" not in (found := value if equals else following):
            yield option, found
