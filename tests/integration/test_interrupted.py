"""Ctrl-C at a terminal, and signals without one: the workflow ends soon, with a word, not more."""

import os
import pty
import re
import select
import signal
import time

import psutil
import pytest

from tests.project import SMALL

NOISE = ("Traceback", "RuleException", "KeyboardInterrupt", "Error in rule", "error: ")
PATIENCE = 300


def ended(project, when, act):
    """Run the workflow at a terminal; `act` on its process and terminal `when` that is shown.

    Returns its exit status, what it has shown, and which of its processes live on.
    """
    config = {**SMALL, "train": "{steps: 5000, batch_size: 2, rank: 4}"}
    pid, terminal = pty.fork()
    if not pid:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # the tests may run in the background
        os.chdir(project.root)
        command = project.command(**config)
        os.execv(command[0], command)
    shown, begun, family = "", time.monotonic(), None
    while True:
        assert time.monotonic() - begun < PATIENCE, shown
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 65536).decode(errors="replace")
            except OSError:  # the terminal's other end is closed
                break
        if family is None and re.search(when, shown):
            family = psutil.Process(pid).children(recursive=True)
            act(pid, terminal)
    _, status = os.waitpid(pid, 0)
    _, alive = psutil.wait_procs(family, timeout=5)
    return os.waitstatus_to_exitcode(status), shown, alive


def ctrl_c(pid, terminal):
    os.write(terminal, b"\x03")


def ctrl_c_twice(pid, terminal):
    ctrl_c(pid, terminal)
    time.sleep(0.2)
    ctrl_c(pid, terminal)


def sigterm(pid, terminal):
    os.kill(pid, signal.SIGTERM)  # the workflow alone hears it


@pytest.mark.parametrize(
    ("when", "act"),
    [
        (r"Normalizing", ctrl_c),
        (r"Training", ctrl_c_twice),  # its program does not listen yet
        (r"training: .*loss", ctrl_c),
        (r"training: .*loss", sigterm),
    ],
)
def test_it_stops_soon_and_says_so(project, when, act):
    project.add_set()
    status, shown, alive = ended(project, when, act)
    assert status == 130
    assert shown.count("Stopped; the same command goes on.") == 1
    assert [word for word in NOISE if word in shown] == []
    assert alive == []
    assert not list((project.root / ".snakemake" / "locks").glob("*"))
