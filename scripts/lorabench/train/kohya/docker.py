"""Run kohya's sd-scripts in a container that Docker starts for each training, without `up`.

This is the default without a checkout or a launcher. The container sees the folders that the
compose file mounts, and the targets of links that lead out of them.
"""

import json
import logging
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lorabench.errors import UserError
from lorabench.train.external import failures

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[4]
FILE = ROOT / "kohya-docker" / "docker-compose.yml"
SERVICE = "kohya"
FOLDERS = {"datasets": "/dataset", "models": "/models", "output": "/output", "runs": "/runs"}
"""The folders that the compose file mounts, and where; a test compares the two."""

WAYS = (
    "There are three ways to train with it (see docs/kohya.md):\n"
    "  Docker with Compose and an NVIDIA card: the container starts by itself, nothing to set\n"
    "  SD_SCRIPTS_DIR=/path/to/sd-scripts: a checkout on this machine\n"
    "  kohya: {launcher: …} in config/config.yaml: a command that starts programs in a container"
)

_LINKED = "/linked"
_PATIENCE = 60
_IS_PROGRESS = re.compile(r"Downloading|Extracting|Waiting|Verifying|Download complete|fs layer")


def check() -> None:
    """Raise `UserError` unless Docker answers and has Compose."""
    _info()
    _ask("compose", "version")


def start(needed: Iterable[Path]) -> tuple[tuple[str, ...], dict[Path, str]]:
    """Return the command prefix that starts a program in a new container, and the paths there.

    A first container starts and ends at once. It fetches the image, and separates Docker's
    complaints about the image, the card and the folders from those of sd-scripts.

    `needed` are the training's files and folders. Raises `UserError`: Docker does not answer, or
    cannot start the container.
    """
    check()
    hidden = [path for path in needed if not _is_mounted(path)]
    linked = {path: f"{_LINKED}/{number}/{path.name}" for number, path in enumerate(hidden)}
    volumes = [f"--volume={path.resolve()}:{there}" for path, there in linked.items()]
    launcher = (
        *("env", f"PUID={_user(_info())}", "docker", "compose", "-f", str(FILE)),
        *("run", "--rm", "-T", *volumes, SERVICE),
    )
    _try_out(launcher)
    return launcher, {ROOT / here: there for here, there in FOLDERS.items()} | linked


def _is_mounted(path: Path) -> bool:
    """Whether the container sees a path under its name; links may lead out of its folders."""
    named = Path(os.path.abspath(path))  # noqa: PTH100 (links stay)
    above = [ROOT / here for here in FOLDERS if named.is_relative_to(ROOT / here)]
    return any(path.resolve().is_relative_to(folder.resolve()) for folder in above)


def _user(info: dict[str, Any]) -> str:
    """Return the container's user whose files are ours; 0 if Docker runs without root."""
    if own := os.environ.get("PUID"):
        return own
    docker = any("rootless" in option for option in info.get("SecurityOptions") or [])
    podman = info.get("host", {}).get("security", {}).get("rootless", False)
    return "0" if docker or podman else str(os.getuid())


def _info() -> dict[str, Any]:
    try:
        return json.loads(_ask("info", "--format", "{{json .}}"))
    except ValueError:
        return {}  # an odd version; starting the container reports what it lacks


def _ask(*words: str) -> str:
    command = ["docker", *words]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE
        )
    except OSError as error:
        raise _failed([f"docker cannot be started: {error.strerror}"]) from None
    except subprocess.TimeoutExpired:
        raise _failed([f"docker {words[0]}: no answer in {_PATIENCE} s"]) from None
    if done.returncode:
        raise _failed(done.stderr.splitlines())
    return done.stdout


def _try_out(launcher: Sequence[str]) -> None:
    said = []
    command = [*launcher, "python", "-c", ""]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as program:
        assert program.stderr  # a pipe
        for line in filter(None, map(str.strip, program.stderr)):
            if _IS_PROGRESS.search(line):
                continue
            said.append(line)
            log.log(logging.INFO if "Pull" in line else logging.DEBUG, "docker: %s", line)
    if program.returncode:
        raise _failed(said)


def _failed(output: Sequence[str]) -> UserError:
    """Return the message for a Docker that wrote `output` and did not start a container."""
    what = "trainer=kohya: Docker cannot start the container of sd-scripts:"
    return failures.not_begun(what, output, WAYS)
