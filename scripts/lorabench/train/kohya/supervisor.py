"""Starts a program and ends all of it when whoever asked for it is gone.

It runs where sd-scripts runs, in a container too, given to that Python as text (`python -c`): so
it is one file and imports nothing but the standard library. Its standard input is a lifeline that
no end of the other side can fail to cut: not a kill, not a lost connection.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

READY = "go"
NO_LIFELINE = 97
GRACE_SECONDS = 10.0


def main(command: list[str]) -> int:
    """Run the Python program `command` in a process group of its own; return its exit status."""
    if sys.stdin.readline().strip() != READY:
        return NO_LIFELINE
    program = subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
    )
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: _in_background(_end, program.pid))
    _in_background(_follow_lifeline, program.pid)
    status = program.wait()
    _tell(program.pid, signal.SIGKILL)  # a launcher that is ended leaves its trainer behind
    return status if status >= 0 else 128 - status


def _follow_lifeline(group: int) -> None:
    sys.stdin.read()
    _end(group)


def _end(group: int) -> None:
    _tell(group, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    _tell(group, signal.SIGKILL)


def _tell(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _in_background(function: Callable[[int], None], group: int) -> None:
    threading.Thread(target=function, args=(group,), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
