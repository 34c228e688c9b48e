"""One call of Snakemake: how settings reach it, and how an interrupt does."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

_SNAKEMAKE = Path(".snakemake")
_CALLED = "LORABENCH_CALLED"
"""Set for a Snakemake that a command line of ours calls: that one says how to go on."""


@contextmanager
def command(config: Mapping[str, Any]) -> Generator[list[str]]:
    """Yield the start of a Snakemake command line with these settings; further words may follow.

    They stand in a file: `--config` takes `20260131_120000` for a number and reads a prompt as
    YAML. It is JSON, which Snakemake reads as it is, and lies where a cluster's jobs see it.
    """
    _SNAKEMAKE.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=_SNAKEMAKE, prefix="config.", suffix=".json"
    ) as file:
        json.dump(config, file, ensure_ascii=False)
        file.flush()
        # In this order: --configfile would take a target behind it for a second file.
        yield [sys.executable, "-m", "snakemake", "--configfile", file.name, "--cores", "all"]


def run(command: Sequence[str]) -> int:
    """Run a command in the foreground and return its exit status; a signal's is 128 more.

    SIGINT and SIGTERM end it as Ctrl-C does, jobs first; its status is waited for.
    """
    process: subprocess.Popen[bytes] | None = None
    told = False

    def pass_on(number: int, frame: FrameType | None) -> None:
        nonlocal told
        if process and (told or number != signal.SIGINT or not _typed()):
            _interrupt(process.pid)
        told = True

    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, pass_on) for number in signals}
    try:
        process = subprocess.Popen(command, env={**os.environ, _CALLED: "1"})
        if told:  # before its number was known
            _interrupt(process.pid)
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status


def way_on(condition: str = "") -> str:
    """Return how to go on with a run, as the end of a sentence; the caller's to say if it calls."""
    return "" if _CALLED in os.environ else f"; the same command goes on{condition}"


def _typed() -> bool:
    """Whether a Ctrl-C comes from the terminal, which gives it to all that runs there."""
    try:
        with Path("/dev/tty").open() as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def _interrupt(pid: int) -> None:
    """Send SIGINT to a process and to all that it has started."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in [*process.children(recursive=True), process]:
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGINT)
