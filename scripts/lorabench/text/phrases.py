"""Texts with numbers in them: in English, `1 picture was` and `2 pictures were`."""

import string
from collections.abc import Collection, Sequence
from typing import Any, Literal

Language = Literal["en", "ja"]


Texts = tuple[str, str]
"""What is said, in English and in Japanese."""


class _Phrases(string.Formatter):
    """Formats as `str.format` does, and chooses a word: `{n:one|many}`, `{n:none|one|many}`."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if "|" not in format_spec:
            return super().format_field(value, format_spec)
        *none, one, many = format_spec.split("|")
        return one if value == 1 or str(value) == "1" else none[0] if none and not value else many


def fill(text: str, **values: Any) -> str:
    """Return a text with its values; the first of two words where the number is 1."""
    return _Phrases().vformat(text, (), values)


def say(texts: Texts, language: Language = "en", /, **values: Any) -> str:
    """Return a text in one of the languages, with its values as `fill` sets them."""
    return fill(texts[language == "ja"], **values)


def listed(words: Sequence[str], language: Language = "en") -> str:
    """Return some words as a list in a sentence: `a, b and c`."""
    if language == "ja":
        return "、".join(words)
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def few(words: Sequence[str], most: int) -> str:
    """Return the first of some words, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def indented(lines: Sequence[str], most: int = 10) -> str:
    """Return the first of some lines, indented, and how many more there are."""
    more = [f"and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join(f"  {line}" for line in [*lines[:most], *more])


def count(number: int, thing: str) -> str:
    """Return a number of things whose plural ends in s."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def count_weights(weights: Collection[float]) -> str:
    """Return how many weights there are; at weight 0 the LoRA is not there."""
    number = len(set(weights) - {0})
    if 0 not in weights:
        return count(number, "weight")
    return f"({count(number, 'weight')} + no LoRA)" if number else "no LoRA"
