"""Files that programs leave for each other, and the message for one that cannot be read."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lorabench.errors import UserError

DELETE = "delete it, and the command of the run makes it anew"


@contextmanager
def reading(path: Path, what: str, remedy: str = DELETE) -> Generator[None]:
    """Raise `UserError` for anything wrong with a file that should be `what`."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: not {what} ({error.strerror})") from None
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: not {what} ({_said(error)}); {remedy}") from None


def known(content: Any, path: Path, newest: int) -> Any:
    """Return what a file holds; raise `UserError` if its format is later than `newest`."""
    number = content.get("format") if isinstance(content, dict) else None
    if isinstance(number, int) and number > newest:
        raise UserError(
            f"{path}: was written by a newer lorabench (format {number}; this one reads up to "
            f"{newest}); update this one"
        )
    return content


def _said(error: Any) -> str:
    """Return an error in a line; of pydantic's, which this module is too light for, the first."""
    if not hasattr(error, "errors"):
        return " ".join(str(error).split())
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
