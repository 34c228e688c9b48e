"""Text from files and servers, as it may stand on a terminal and in a log."""

import logging
import re

_ACTS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and new line: ANSI's escapes
    "\u200e\u200f\u202a-\u202e\u2066-\u2069"  # which turn the direction of what follows
    "\ud800-\udfff]"  # of file names that are no UTF-8, which no log can hold
)


def plain(text: str) -> str:
    r"""Return a text with all that would act on a terminal written out.

    >>> plain("\x1b[2J")
    '\\x1b[2J'
    """
    return _ACTS.sub(lambda found: ascii(found[0])[1:-1], text)


class Formatter(logging.Formatter):
    """Formats log records as plain text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's text."""
        return plain(super().format(record))
