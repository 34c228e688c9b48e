"""Files that programs leave for each other, and the message for one that cannot be read."""

import csv
import io
import math
from collections.abc import Collection, Container, Generator, Mapping
from contextlib import contextmanager, suppress
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
    except RecursionError:
        raise UserError(f"{path}: not {what} (it is nested too deeply); {remedy}") from None
    except (ValueError, TypeError, KeyError, AttributeError, csv.Error) as error:
        raise UserError(f"{path}: not {what} ({_said(error)}); {remedy}") from None


def table(
    path: Path,
    what: str,
    needed: Collection[str],
    texts: Collection[str] | None = None,
    remedy: str = DELETE,
    *,
    grows: bool = False,
) -> list[dict[str, str]]:
    """Return the rows of a CSV file with a header; raise `UserError` with the line that is wrong.

    Each row has to have a field for each column. What is not among `texts` is a number, and may be
    empty if it is not `needed`; without `texts`, anything may stand in all columns. Of a file that
    `grows`, a last line without its end is left out: its program is still writing, or was killed.
    """
    with reading(path, what, remedy):
        text = path.read_bytes().decode("utf-8", "replace" if texts is None else "strict")
        if grows:
            text = text[: text.rfind("\n") + 1]
        elif texts is not None and text and not text.endswith("\n"):
            raise ValueError("its last line has no end: the file is cut short")
        lines = csv.reader(io.StringIO(text, newline=""))
        header = next(lines, [])
        if lacking := [name for name in needed if name not in header]:
            raise ValueError(f"it has no column {', '.join(lacking)}")
        if len(set(header)) < len(header):
            raise ValueError("two of its columns have one name")
        rows = []
        for fields in filter(None, lines):
            if len(fields) != len(header):
                found = f"{len(fields)} fields, and there are {len(header)} columns"
                raise ValueError(f"line {lines.line_num} has {found}")
            row = dict(zip(header, fields, strict=True))
            if texts is not None:
                _check_numbers(row, lines.line_num, needed, texts)
            rows.append(row)
        return rows


def _check_numbers(
    row: Mapping[str, str], line: int, needed: Container[str], texts: Container[str]
) -> None:
    for name, field in row.items():
        if name in texts:
            continue
        number = _number(field) if field else math.nan
        if number is None or (name in needed and not math.isfinite(number)):
            raise ValueError(f"line {line}: {name} should be a number, not {field[:40]!r}")


def _number(text: str) -> float | None:
    with suppress(ValueError):
        return float(text) if text.isascii() and "_" not in text else None
    return None


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
