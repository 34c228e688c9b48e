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
from pathlib import Path

_VARIABLE = "LORABENCH_WORKFLOW"
_EVERY_SECONDS = 0.5


def announce() -> None:
    """Mark this process as the workflow of the programs that it starts."""
    os.environ[_VARIABLE] = f"{socket.gethostname()}:{os.getpid()}"


def lend_python() -> None:
    """Make this process's Python the `python` of the programs that it starts.

    If Snakemake was started by its path, the PATH has another Python, or none.
    """
    folder = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])


def place() -> str:
    """Return what tells this machine, or a Slurm job's part of it, from others on a shared disk."""
    node = os.environ.get("SLURMD_NODENAME") or socket.gethostname()
    return "-".join(filter(None, [node, os.environ.get("SLURM_JOB_ID")]))


def workflow_pid() -> int | None:
    """Return the workflow's process id; None without one and for one on another host."""
    host, _, pid = os.environ.get(_VARIABLE, "").rpartition(":")
    return int(pid) if host == socket.gethostname() and pid.isdecimal() else None


def end_with_workflow() -> None:
    """End this process by SIGTERM when the workflow that started it, if one did, is gone."""
    pid = workflow_pid()
    if pid:
        end_with(pid)


def end_with(pid: int) -> None:
    """End this process by SIGTERM when process `pid` is gone."""
    threading.Thread(target=_watch, args=(pid,), daemon=True).start()


def _watch(pid: int) -> None:
    while _is_there(pid):
        time.sleep(_EVERY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True
