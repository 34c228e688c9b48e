"""Text from users and files as Markdown that shows it, and neither formats nor runs it."""

import re

_MARKS = re.compile(r"[\\`*\[\]<>|~$&]|(?<!\w)_|_(?!\w)")


def text(value: object) -> str:
    r"""Return a value as text on one line, also in a table.

    >>> text("<b>ink_v3</b> | *new*")
    '\\<b\\>ink_v3\\</b\\> \\| \\*new\\*'
    """
    return _MARKS.sub(r"\\\g<0>", _line(value))


def code(value: object) -> str:
    r"""Return a value as a code span on one line, also in a table.

    >>> code("a `quoted` | word")
    '``a `quoted` \\| word``'
    """
    line = _line(value)
    longest = max(map(len, re.findall("`+", line)), default=0)
    edge = " " if line.startswith("`") or line.endswith("`") else ""
    fence = "`" * (longest + 1)
    return f"{fence}{edge}{line.replace('|', chr(92) + '|')}{edge}{fence}"


def _line(value: object) -> str:
    words = str(value).split()
    return "".join(letter for letter in " ".join(words) if letter.isprintable())
