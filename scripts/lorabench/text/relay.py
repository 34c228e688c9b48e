"""From the jobs' programs to the workflow's screen, as datagrams on a socket.

One process writes to the terminal: bars of several jobs at a time would overwrite each other.
A program without a workflow, or on another machine, writes to its own standard error.
"""

import json
import logging
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_VARIABLE = "LORABENCH_SCREEN"
_LARGEST = 65536
_TICK = 0.25

Message = Mapping[str, Any]


class Sender(logging.Handler):
    """A log handler that sends the project's own messages to the workflow's screen."""

    def __init__(self, address: str, log: Path | None) -> None:
        """Send to `address`; `log` is where the program writes all of its messages."""
        super().__init__()
        self._log = log and str(log)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(1)
        self._socket.connect(address)
        self.addFilter(logging.Filter("lorabench"))  # what libraries say is in the log

    def emit(self, record: logging.LogRecord) -> None:
        """Send one message."""
        self.send({"text": self.format(record), "level": record.levelno, "log": self._log})

    def send(self, message: Message) -> None:
        """Send a message; where nobody listens any more, the workflow has ended."""
        with suppress(OSError):
            self._socket.send(json.dumps(message).encode()[:_LARGEST])


class Receiver:
    """Takes in what the jobs' programs send, in a thread of its own."""

    def __init__(self, take: Callable[[Message], None], tick: Callable[[], None]) -> None:
        """Call `take` with each message, and `tick` several times a second."""
        self._take, self._tick = take, tick
        self._folder = Path(tempfile.mkdtemp(prefix="lorabench-"))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._folder / "screen"))
        self._socket.settimeout(_TICK)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        os.environ[_VARIABLE] = str(self._folder / "screen")

    def close(self) -> None:
        """Take in what is on its way, and end."""
        os.environ.pop(_VARIABLE, None)
        self._over.set()
        self._thread.join()
        self._socket.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _listen(self) -> None:
        while True:
            try:
                self._take(json.loads(self._socket.recv(_LARGEST)))
            except TimeoutError:
                if self._over.is_set():
                    return
            except ValueError:  # cut short
                continue
            self._tick()


def sender(log: Path | None) -> Sender | None:
    """Return the way to the workflow's screen; None without one.

    It is for this program alone: what it starts (a server that outlives it) has its own log.
    """
    address = os.environ.pop(_VARIABLE, None)
    with suppress(OSError):
        return Sender(address, log) if address else None
    return None
