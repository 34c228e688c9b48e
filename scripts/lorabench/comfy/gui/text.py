"""Change texts as ComfyUI's frontend does before it sends them."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n\r\u2028\u2029]*", re.DOTALL)
_ESCAPE = re.compile(r"\\([{}|])")
_FORBIDDEN = re.compile(r'[/?<>\\:*|"\x00-\x1F\x7F]')
_DATE_PART = re.compile(r"dd?|MM?|hh?|mm?|ss?|yyyy|yy")


def prompt_text(text: str) -> str:
    r"""Return a prompt without its comments (`/* … */`, `// …`) and the escapes `\{ \} \|`.

    Raises `ValueError` for `{a|b}`: the frontend chooses one at random each time.
    """
    text = _COMMENT.sub("", text)
    outside = re.sub(r"\\.", "", text, flags=re.DOTALL)
    if "{" in outside:
        raise ValueError(
            r"its text has choices in braces, and ComfyUI picks one at random each time;"
            r" write the words themselves, or \{ and \} for braces"
        )
    if outside.endswith("\\"):
        raise ValueError("its text ends with a backslash, and ComfyUI adds a word there")
    return _ESCAPE.sub(r"\1", text)


def file_name(text: str, look_up: Callable[[str, str], Any], now: datetime) -> str:
    """Return a SaveImage's prefix with `%Node.widget%` and `%date:yyyy-MM-dd%` filled in.

    `look_up(node, widget)` returns a value, or None for an unknown name, which stays, because the
    server fills in more.
    """

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        first, *others = name.split(".")
        if len(others) != 1:
            return (
                _date(first.removeprefix("date:"), now) if first.startswith("date:") else match[0]
            )
        value = look_up(first, *others)
        return match[0] if value is None else _FORBIDDEN.sub("_", _as_text(value))

    return re.sub(r"%([^%]+)%", fill, text)


def _date(form: str, now: datetime) -> str:
    parts = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}

    def fill(match: re.Match[str]) -> str:
        part = match[0]
        if part[0] == "y":
            return str(now.year)[-len(part) :]
        return str(parts[part[0]]).rjust(len(part), "0")

    return _DATE_PART.sub(fill, form)


def _as_text(value: Any) -> str:
    """Return a value as JavaScript writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
