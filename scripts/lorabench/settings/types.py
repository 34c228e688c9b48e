"""The types of settings, in all their spellings."""

import os
import re
import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from lorabench.settings.size import sides
from lorabench.text import syntax


def split(value: Any) -> Any:
    """Turn `0.4,0.6`, `0.4 0.6` and `[0.4, 0.6]` into a list without empty items."""
    if isinstance(value, str):
        parts = value.strip("[] ").split(",")
        value = [word for part in parts for word in part.split() or [""]]
    values = value if isinstance(value, list | tuple) else [value]
    if all(one in (None, "") for one in values):
        raise ValueError("is empty; give one value or more")
    if any(one in (None, "") for one in values):
        raise ValueError("has an empty item, two commas in a row or one at an end")
    if any(isinstance(one, bool) for one in values):
        raise ValueError("True and False are no numbers")
    return values


def decimal_points(value: Any) -> Any:
    """Refuse `0,4` as weights: that is 0.4 where commas are decimal signs, but reads as 0 and 4."""
    text = value.strip() if isinstance(value, str) else ""
    if _DECIMAL_COMMAS.fullmatch(text) and _NO_WEIGHT.search(text):
        meant = ",".join(re.split(r"[;\s,]+", re.sub(r"(\d),(\d+)", r"\1.\2", text)))
        raise ValueError(
            f"a comma separates weights, a point begins the decimals: write weights={meant}, or "
            f"weights=[{text}] if whole numbers are meant"
        )
    return value


def _text(value: Any) -> Any:
    """Turn a number back into its text; the command line makes numbers of digits."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _prompts(value: Any) -> Any:
    """Take a file or a list of prompts; to YAML, `dog: a dog` without quotes is a mapping."""
    several = isinstance(value, list | tuple)
    prompts = [_text(one) for one in (value if several else [value])]
    if not all(isinstance(one, str) for one in prompts):
        raise ValueError(
            "should be a file or a list of texts; put each in quotes, as in "
            """'prompts=["a cat", "dog: a green dog"]'"""
        )
    return tuple(prompts) if several else from_home(prompts[0])


def _off(value: Any) -> Any:
    """Turn YAML's False back into the word off."""
    return "off" if value is False else value


def _two_decimals(weight: float) -> float:
    if weight != round(weight, 2):
        raise ValueError("at most two decimals, because file names carry the weight as 0.40")
    return weight + 0.0  # -0.0 and 0.0 are one weight


def _no_list(size: Any) -> Any:
    """Refuse `[832, 1216]` as a size, with how to write it."""
    if isinstance(size, list | tuple):
        meant = "x".join(map(str, size)) if len(size) == 2 else "832x1216"
        raise ValueError(f"write size: {meant}")
    return size


def _size(size: str) -> str:
    return "x".join(map(str, sides(size)))


def from_home(path: str) -> str:
    """Return `path` with `~` written out; raises `ValueError` for what no file can be called."""
    if "\0" in path or len(path.encode(errors="replace")) > _PATH_BYTES:
        raise ValueError(f"is no path: at most {_PATH_BYTES} bytes, and no NUL")
    if path != path.encode(errors="replace").decode():
        raise ValueError("is no path that can be recorded: it is not UTF-8")
    if any(len(part.encode(errors="replace")) > _PART_BYTES for part in path.split("/")):
        raise ValueError(f"has a name in it of more than {_PART_BYTES} bytes, which no file has")
    return os.path.expanduser(path)  # noqa: PTH111 (a Path fails where there is no such user)


def as_name(text: str) -> str:
    """Return a `Name` as near to `text` as can be, with room for a digest behind it.

    >>> as_name("{ink}/v3 ")
    '_ink__v3'
    """
    fit = _NOT_IN_NAMES.sub("_", unicodedata.normalize("NFC", text).strip())
    return fit.encode(errors="replace")[: _NAME_BYTES - _DIGEST_BYTES].decode(errors="ignore")


def _epochs(value: Any) -> Any:
    """Take `last`, `all`, or the numbers of epochs, ascending."""
    if value in ("last", "all"):
        return value
    try:
        found = [int(str(one)) for one in split(value)]
    except ValueError:
        raise ValueError("should be last, all, or numbers of epochs such as 4,8,12") from None
    if min(found) < 1:
        raise ValueError("epochs are counted from 1")
    return unique(tuple(found))


def _places(value: Any) -> Any:
    """Take one file, folder or pattern, or a list of them."""
    if value is None:
        return None
    several = isinstance(value, list | tuple)
    places = list(value) if several else str(_text(value)).split(",")
    if not all(isinstance(one, str) for one in places) or isinstance(value, bool | dict):
        raise ValueError("should be a file, a folder, a pattern, or a list of files")
    found = tuple(map(from_home, places))
    return found if several else ",".join(found)


def unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values in order, each once."""
    return tuple(sorted(set(values)))


def _short(name: str) -> str:
    """Refuse what would make file names that no file system takes: they hold two names."""
    size = len(name.encode())
    if size > _NAME_BYTES:
        raise ValueError(
            f"is too long for the names of files: at most {_NAME_BYTES} bytes, not {size} "
            "(a letter has one, a Japanese one three)"
        )
    return name


_DECIMAL_COMMAS = re.compile(r"0,\d+([;\s]+\d,\d+)*|(0,\d+,)+0,\d+")
_NO_WEIGHT = re.compile(r",([4-9]|\d\d)")  # nobody renders at 4 and more
_NAME_BYTES, _DIGEST_BYTES = 100, 9
_NOT_IN_NAMES = re.compile(r"^[.-]|[/\\{}\x00-\x1f\x7f-\x9f]")
_PART_BYTES, _PATH_BYTES = 255, 4095  # what Linux takes
_NAME = r"^[^/\\\s.{}-][^/\\{}\x00-\x1f\x7f-\x9f]*$"
COLOUR = r"^#[0-9a-fA-F]{6}$"
ALLOWED = {
    _NAME: "should be a name without / \\ { } that begins with no dot, no space and no -",
    COLOUR: "should be # and six hex digits, such as #ffffff",
}
"""Patterns in plain words."""

Text = Annotated[str, BeforeValidator(_text)]
Trigger = Annotated[Text, AfterValidator(syntax.plain)]
Name = Annotated[Text, Field(pattern=_NAME), AfterValidator(_short)]
LocalPath = Annotated[Text, AfterValidator(from_home)]
Places = Annotated[str | tuple[str, ...], BeforeValidator(_places)]
Epochs = Annotated[Literal["last", "all"] | tuple[int, ...], BeforeValidator(_epochs)]
Size = Annotated[Text, BeforeValidator(_no_list), AfterValidator(_size)]
Weight = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False), AfterValidator(_two_decimals)]
Seed = Annotated[int, Field(ge=0, lt=2**64)]
Prompts = Annotated[str | tuple[str, ...], BeforeValidator(_prompts)]
Searching = Annotated[Literal["off", "auto"], BeforeValidator(_off)]
Probing = Annotated[Literal["full", "quick", "off"], BeforeValidator(_off)]
