"""Start a program, and end all of it when the program at the other end of standard input is gone.

That Python gets this file as text (`python -c`), perhaps in a container, so it imports only the
standard library. Standard input breaks however the other side ends: by a kill, by a lost
connection.
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
    _signal(program.pid, signal.SIGKILL)  # a launcher that is ended leaves its trainer behind
    return status if status >= 0 else 128 - status


def _follow_lifeline(group: int) -> None:
    sys.stdin.read()
    _end(group)


def _end(group: int) -> None:
    _signal(group, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _in_background(function: Callable[[int], None], group: int) -> None:
    threading.Thread(target=function, args=(group,), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
