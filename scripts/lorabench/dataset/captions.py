"""Read the caption files of a raw set: `cat.txt` or `cat.caption` beside `cat.png`."""

import codecs
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from lorabench.base import file_kinds
from lorabench.errors import UserError
from lorabench.text.phrases import indented

SUFFIXES = frozenset({".txt", ".caption"})

# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def is_caption(path: Path) -> bool:
    """Return whether a file is named as a caption."""
    return path.suffix.lower() in SUFFIXES


def stem(path: Path) -> str:
    """Return the path that a picture and its caption share, in one spelling of Unicode."""
    return unicodedata.normalize("NFC", str(path.with_suffix("")))


def by_stem(paths: Iterable[Path], pictures: Iterable[Path]) -> dict[str, Path]:
    """Return the caption files of pictures by their stem; `UserError` if one has two."""
    wanted = set(map(stem, pictures))
    found = defaultdict(list)
    for path in paths:
        if (key := stem(path)) in wanted:
            found[key].append(path)
    double = [files for files in found.values() if len(files) > 1]
    if double:
        raise UserError(
            "a picture can have one caption, and these have two; move one of each out of the set:\n"
            + indented([" and ".join(map(str, files)) for files in double])
        )
    return {key: files[0] for key, files in found.items()}


def read(paths: Mapping[str, Path]) -> dict[str, str]:
    """Return the texts of caption files, each on one line; `UserError` for a file without text."""
    texts: dict[str, str] = {}
    broken = []
    for key, path in paths.items():
        if path.exists() and not path.is_file():  # reading a pipe would wait for ever
            broken.append(f"{path}: is not a file")
            continue
        try:
            texts[key] = _one_line(_decoded(path.read_bytes()))
        except OSError as error:
            broken.append(f"{path}: {error.strerror}")
        except ValueError as error:
            broken.append(f"{path}: {error}")
    if broken:
        raise UserError(f"captions must be UTF-8 text; save these as UTF-8:\n{indented(broken)}")
    return texts


def _decoded(data: bytes) -> str:
    """Return a caption's text; raises `ValueError` with the likely content of another file."""
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(f"is not UTF-8; it may be {file_kinds.likely_encoding(data)}") from None
    if text.lstrip().startswith("-----BEGIN "):
        raise ValueError("is a key or certificate, or a link to one, not a caption")
    if "\0" in text:
        raise ValueError("has NUL bytes (it may be UTF-16 without a byte order mark)")
    return text


def _one_line(text: str) -> str:
    """Join the lines of a caption: kohya's trainer reads the first one only."""
    return ", ".join(filter(None, (line.strip().rstrip(",") for line in text.splitlines())))
