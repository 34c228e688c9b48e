"""What the programs of this folder are given: it is there, or a clear error says what is not."""

import argparse
from pathlib import Path

from lorabench.errors import UserError


def present(path: Path, what: str) -> Path:
    """Return `path`, a file that shows that `what` is where it should be.

    Raises:
        UserError: it is not there.
    """
    if not path.is_file():
        raise UserError(
            f"{path}: there is no such file, so this is not {what}; give another path, "
            "or make it first (base_model/Snakefile says how)."
        )
    return path


def positive(text: str) -> int:
    """Return the whole number in `text`, for argparse; it is 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: should be 1 or more")
    return number
