"""Start the embedded server of a workflow at the first cell, then share it."""

import json
import logging
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorabench import files
from lorabench.comfy.client.http import Failure, Session
from lorabench.errors import UserError

log = logging.getLogger(__name__)

PROGRAM = Path(__file__).parents[3] / "comfy_server.py"


@dataclass(frozen=True)
class ServerOptions:
    """How to start `comfy_server.py`; see its `--help`."""

    models_dir: Path = Path("models")
    loras_dir: Path = Path("models/loras")
    output_dir: Path = Path("output")
    checkpoints: tuple[Path, ...] = ()
    threads: int = 1
    device: str = "auto"
    dtype: str = "auto"
    idle_timeout: float = 600  # seconds without a prompt after which the server ends itself
    parent_pid: int | None = None  # the server ends when this process is gone

    def arguments(self) -> list[str]:
        """Return the command line; an equal one means a server that can be shared."""
        pairs = [
            ("--models-dir", self.models_dir),
            ("--loras-dir", self.loras_dir),
            ("--output-dir", self.output_dir),
            *(("--checkpoint", path) for path in self.checkpoints),
            ("--threads", self.threads),
            ("--device", self.device),
            ("--dtype", self.dtype),
            ("--idle-timeout", self.idle_timeout),
        ]
        if self.parent_pid:
            pairs.append(("--parent-pid", self.parent_pid))
        return [str(part) for pair in pairs for part in pair]


def ensure_server(state_file: Path, options: ServerOptions, patience: float = 300) -> str:
    """Return the URL of a running embedded server with these options; start one if needed.

    The server writes its `url` and `pid` to `state_file`; beside it lie its lock, its log and its
    arguments. A server with other arguments is replaced, so two workflows at once need two state
    files. Raises `UserError` with the end of its log if it does not start in `patience` seconds.
    """
    state_file.parent.mkdir(parents=True, exist_ok=True)
    arguments = options.arguments()
    record = state_file.with_suffix(".arguments")
    with _lock(state_file):
        state = _read_state(state_file)
        if state and _read(record) == arguments and _answers(state["url"]):
            return state["url"]
        _stop(state_file)
        files.write_text(record, json.dumps(arguments))
        return _start(state_file, arguments, patience)


def stop_server(state_file: Path) -> bool:
    """End the server of `state_file`; return whether there was one."""
    if not state_file.exists():
        return False
    with _lock(state_file):
        return _stop(state_file)


def _start(state_file: Path, arguments: list[str], patience: float) -> str:
    log_file = state_file.with_suffix(".log")
    command = [sys.executable, str(PROGRAM), "--port", "0", *arguments]
    command += ["--state-file", str(state_file)]
    with log_file.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # it outlives Ctrl-C and this cell
        )
    log.info("starting the embedded server (log: %s)", log_file)
    deadline = time.monotonic() + patience
    try:
        while process.poll() is None and time.monotonic() < deadline:
            state = _read_state(state_file)
            if state and state["pid"] == process.pid and _answers(state["url"]):
                log.debug("the embedded server listens at %s", state["url"])
                return state["url"]
            time.sleep(0.1)
    except BaseException:
        process.kill()
        raise
    status = process.poll()
    process.kill()
    what = f"did not answer within {patience:.0f} s" if status is None else f"ended ({status})"
    raise UserError(f"the embedded server {what}; its log {log_file} ends:\n{_tail(log_file)}")


def _stop(state_file: Path) -> bool:
    """End the process of `state_file` and wait for it, if it is still one of our servers."""
    import psutil  # needed once per workflow, not once per picture

    state = _read_state(state_file)
    state_file.unlink(missing_ok=True)
    if not state:
        return False
    try:
        process = psutil.Process(state["pid"])
        if not any(Path(part).name == PROGRAM.name for part in process.cmdline()):
            return False  # another program has this number now
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(10)
    except psutil.NoSuchProcess:
        return False
    return True


def _answers(url: str) -> bool:
    try:
        answer = Session({}, {}).request("GET", f"{url}/system_stats", timeout=(2, 30))
    except Failure:
        return False
    return answer.ok


def _read_state(path: Path) -> dict[str, Any] | None:
    """Return a server's state; None if another program wrote the file."""
    state = _read(path)
    known = isinstance(state, dict) and isinstance(state.get("url"), str)
    return state if known and type(state.get("pid")) is int and state["pid"] > 0 else None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _lock(state_file: Path) -> AbstractContextManager[object]:
    return files.locked(state_file.with_suffix(".lock"))


def _tail(path: Path, lines: int = 20) -> str:
    text = path.read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:]) or "(it is empty)"
