"""The last log lines, for `/internal/logs/raw`."""

import logging
from collections import deque
from datetime import datetime

from lorabench.text.plain import Formatter

CAPACITY = 1000


class LogBuffer(logging.Handler):
    """Keeps the last lines as {"t": ISO time, "m": text}."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(logging.INFO)
        self.setFormatter(Formatter())
        self._entries: deque[dict[str, str]] = deque(maxlen=CAPACITY)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self._entries.append({"t": datetime.now().isoformat(), "m": self.format(record) + "\n"})

    def lines(self) -> list[dict[str, str]]:
        """Return the kept lines, oldest first."""
        self.acquire()
        try:
            return list(self._entries)
        finally:
            self.release()
