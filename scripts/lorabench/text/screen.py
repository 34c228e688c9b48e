"""The workflow's part of the terminal: lines, and below them one bar that moves.

Away from a terminal (a log file, CI) a bar is a line every half a minute.
"""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

from lorabench.text.plain import plain

DRAWN = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_inv_fmt}{postfix}]"
PLAIN = "{desc}: {percentage:3.0f}% {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
EVERY_SECONDS = 30
_REDRAWN = 0.1
_ERASE = "\r\x1b[K"


@dataclass
class Bar:
    """How far something is; `total` is None if unknown."""

    name: str
    begun: float
    done: float = 0
    total: float | None = None
    rate: float | None = None
    """Units per second; None while unknown."""
    unit: str = ""
    note: str = ""
    said: float = 0
    """When a line was last printed for it."""

    def text(self, now: float, width: int | None, plain: bool) -> str:
        """Return it as one line, at the time `now`."""
        from tqdm import tqdm  # 40 ms that a call with nothing to do need not spend

        elapsed = max(0.0, now - self.begun)
        if not self.total:
            return f"{self.name} [{tqdm.format_interval(elapsed)}]"
        # Of None tqdm would make the mean since the beginning, in which things were loaded first.
        rate = self.rate if self.rate or self.done >= self.total else 0
        return tqdm.format_meter(
            **{"n": self.done, "total": self.total, "elapsed": elapsed, "rate": rate},
            **{"prefix": self.name, "unit": self.unit, "postfix": self.note or None},
            **{"ncols": width, "bar_format": PLAIN if plain else DRAWN},
        )


class Screen:
    """The only writer to the terminal; may be called from several threads."""

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Write to `stream`, standard error unless given."""
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._clock = clock
        self._bars: dict[str, Bar] = {}
        self._drawn = 0.0
        self._lock = threading.RLock()

    def line(self, text: str = "") -> None:
        """Write lines that stay, above the bar."""
        with self._lock:
            self._write(f"{_ERASE if self._terminal else ''}{plain(text)}\n")
            self._draw()

    def bar(
        self,
        key: str,
        name: str,
        seconds: float | None = None,
        *,
        done: float = 0,
        total: float | None = None,
        rate: float | None = None,
        unit: str = "",
        note: str = "",
    ) -> None:
        """Show a bar, or how far it has come since; it began `seconds` ago, or when first shown."""
        with self._lock:
            now = self._clock()
            before = self._bars.get(key) or Bar(name, now, said=now)
            begun = before.begun if seconds is None else now - seconds
            self._bars[key] = Bar(name, begun, done, total, rate, unit, note, before.said)
            self.tick()

    def over(self, key: str, leave: bool = True) -> None:
        """Take a bar away; `leave` its last state as a line."""
        with self._lock:
            bar = self._bars.pop(key, None)
            if bar and leave and bar.total:
                self.line(self._text(bar))
            elif self._terminal:
                self._write(_ERASE)
                self._draw()

    def clear(self) -> None:
        """Take all bars away."""
        with self._lock:
            for key in list(self._bars):
                self.over(key, leave=False)

    def tick(self) -> None:
        """Let the time go on: draw the bar again, or say how far it is."""
        with self._lock:
            now = self._clock()
            if self._terminal:
                if now - self._drawn >= _REDRAWN:
                    self._draw()
                return
            bar = self._current()
            if bar and now - bar.said >= EVERY_SECONDS:
                bar.said = now
                self._write(f"{self._text(bar)}\n")

    def _current(self) -> Bar | None:
        """Return the bar to show: the oldest that has an end, else the oldest."""
        bars = list(self._bars.values())
        return next((bar for bar in bars if bar.total), bars[0] if bars else None)

    def _draw(self) -> None:
        bar = self._current()
        if self._terminal and bar:
            self._drawn = self._clock()
            self._write(f"{_ERASE}{self._text(bar)}")

    def _text(self, bar: Bar) -> str:
        width = shutil.get_terminal_size().columns - 1 if self._terminal else None
        return plain(bar.text(self._clock(), width, not self._terminal))[:width]

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):  # the terminal is gone; the work goes on
            self._stream.write(text)
            self._stream.flush()
