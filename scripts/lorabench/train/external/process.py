"""Run a training as a process with a supervisor, read its lines, and end all of it."""

import os
import re
import signal
import subprocess
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from lorabench.train.external import supervisor
from lorabench.train.external.installation import Installation

_BREAK = re.compile(rb"[\r\n]+")

Program = subprocess.Popen[bytes]


@contextmanager
def started(installation: Installation, command: Sequence[str]) -> Generator[Program]:
    """Start the Python program `command` where the tool is; on leaving, nothing of it is left.

    `supervisor` runs it, and ends it when the pipe from here breaks. So it ends with this process,
    even if that is killed, and in a container as well.
    """
    source = Path(supervisor.__file__).read_text(encoding="utf-8")
    program = subprocess.Popen(
        installation.command("-c", source, *command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches it through us alone
    )
    assert program.stdin  # a pipe
    try:
        with suppress(BrokenPipeError):
            program.stdin.write(f"{supervisor.READY}\n".encode())
            program.stdin.flush()
        yield program
    finally:
        _end(program)


def lines(stream: IO[bytes]) -> Iterator[str]:
    """Yield the lines of `stream`, including each state of a progress bar.

    A state of tqdm begins with a carriage return and ends with a bracket; waiting for the next
    carriage return would be a step late.
    """
    rest = b""
    while chunk := os.read(stream.fileno(), 1 << 16):
        *whole, rest = _BREAK.split(rest + chunk)
        if rest.rstrip().endswith(b"]"):
            whole, rest = [*whole, rest], b""
        yield from (line.decode(errors="replace") for line in whole if line.strip())
    if rest.strip():
        yield rest.decode(errors="replace")


def _end(program: Program) -> None:
    assert program.stdin and program.stdout  # pipes
    with suppress(BrokenPipeError):
        program.stdin.close()
    try:
        program.wait(supervisor.GRACE_SECONDS + 5)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()
    program.stdout.close()
