"""End this program with the workflow that started it, and run jobs on the workflow's Python.

A killed workflow cannot end its jobs, and a training that continued alone would write into the
files of its successor.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_VARIABLE = "LORABENCH_WORKFLOW"
_SLURM_JOB = "SLURM_JOB_ID"
_EVERY_SECONDS = 0.5
_PATIENCE = 20
"""Seconds until programs that a dead workflow has left are killed."""


def announce() -> None:
    """Mark this process as the workflow of the programs that it starts."""
    os.environ[_VARIABLE] = name(os.getpid())


def lend_python() -> None:
    """Make this process's Python the `python` of the programs that it starts.

    If Snakemake was started by its path, the PATH has another Python, or none.
    """
    folder = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])


def host() -> str:
    """Return this machine's name."""
    return socket.gethostname()


def place() -> str:
    """Return what tells this machine, or a Slurm job's part of it, from others on a shared disk."""
    node = os.environ.get("SLURMD_NODENAME") or host()
    return "-".join(filter(None, [node, os.environ.get(_SLURM_JOB)]))


def name(pid: int) -> str:
    """Return what tells a workflow on this machine from all others in its folder."""
    return f"{host()}.{pid}"


def workflow() -> str:
    """Return the name of the workflow that this process is, or is of; empty without one."""
    return os.environ.get(_VARIABLE, "")


def workflow_pid() -> int | None:
    """Return the workflow's process id; None without one and for one on another host."""
    there, _, pid = workflow().rpartition(".")
    return int(pid) if there == host() and pid.isdecimal() else None


def end_with_workflow() -> None:
    """End this process by SIGTERM when the workflow that started it, if one did, is gone."""
    pid = workflow_pid()
    if pid:
        end_with(pid)


def end_with(pid: int) -> None:
    """End this process by SIGTERM when process `pid` is gone."""
    threading.Thread(target=_watch, args=(pid,), daemon=True).start()


def end_programs_of(pid: int) -> None:
    """End the programs in this folder that a workflow, which is dead, has left here.

    They would write into the files of its successor. Those of another Slurm job are Slurm's to end.
    """
    import psutil  # a cell, which imports this module, has no need of it

    def left() -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                found = process.environ()
                of_it = found.get(_VARIABLE) == name(pid)
                of_it &= found.get(_SLURM_JOB) == os.environ.get(_SLURM_JOB)
                if of_it and process.pid != os.getpid() and process.cwd() == str(Path.cwd()):
                    yield process

    programs = list(left())
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in programs:
            with suppress(psutil.Error):
                process.send_signal(number)
        _, programs = psutil.wait_procs(programs, timeout=_PATIENCE)


def is_there(pid: int) -> bool:
    """Return whether there is a process of this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True


def _watch(pid: int) -> None:
    while is_there(pid):
        time.sleep(_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
