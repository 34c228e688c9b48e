"""English that agrees with its numbers: `1 picture was`, `2 pictures were`."""

import string
from typing import Any


class _Phrases(string.Formatter):
    """Formats as `str.format` does, and chooses between two words: `{n} {n:picture|pictures}`."""

    def format_field(self, value: Any, format_spec: str) -> str:
        one, bar, many = format_spec.partition("|")
        if not bar:
            return super().format_field(value, format_spec)
        return one if value == 1 or str(value) == "1" else many


def fill(text: str, **values: Any) -> str:
    """Return a text with its values; the first of two words where the number is 1."""
    return _Phrases().vformat(text, (), values)


def count(number: int, thing: str) -> str:
    """Return a number of things whose plural ends in s."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
