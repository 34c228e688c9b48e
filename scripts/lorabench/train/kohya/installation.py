"""Find sd-scripts, start programs there, and translate paths."""

import logging
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lorabench.errors import UserError
from lorabench.settings.models import KohyaSettings
from lorabench.train.kohya import docker, failures

log = logging.getLogger(__name__)

IN_CONTAINER = "/app/sd-scripts"
PATIENCE = 300
"""Seconds for an answer: a first import of PyTorch from a slow or shared disk takes minutes."""
_VENVS = ("venv", ".venv")


@dataclass(frozen=True)
class Installation:
    """An sd-scripts: `launcher` is the command prefix that starts a program where it is.

    `folder` and `python` are paths there; `paths` are (folder here, folder there), none if both
    are the same.
    """

    folder: str
    python: str
    launcher: tuple[str, ...]
    paths: tuple[tuple[Path, PurePosixPath], ...]
    accelerate: tuple[str, ...]

    def command(self, *arguments: str) -> list[str]:
        """Return the command that starts the Python of sd-scripts with these arguments."""
        return [*self.launcher, self.python, *arguments]

    def script(self, name: str) -> str:
        """Return the path there of one of its programs."""
        return f"{self.folder}/{name}"

    def seen(self, path: Path) -> str:
        """Return the path there of the local `path`; `UserError` if the container lacks it."""
        absolute = _absolute(path)
        if not self.paths:
            return str(absolute)
        for here, there in self.paths:
            if absolute.is_relative_to(here):
                return str(there / absolute.relative_to(here).as_posix())
        known = ", ".join(f"{here} as {there}" for here, there in self.paths)
        raise UserError(
            f"{path}: the container does not see this path; kohya.paths gives it {known}. Mount "
            "its folder too and add it there, such as kohya={paths: {/my/folder: /mounted/at}}."
        )

    def ask(self, *arguments: str) -> str:
        """Run its Python with these arguments and return what it wrote to standard output.

        Raises `UserError`: it could not be started, failed, or did not end within `PATIENCE`.
        """
        done = self._run(*arguments)
        if done.returncode:
            # Does the launcher itself fail?
            if self.launcher and (alone := self._run("-c", "")).returncode:
                raise failures.launcher(self.launcher, alone.returncode, _output(alone))
            raise failures.explain(done.returncode, _output(done))
        return done.stdout.decode(errors="replace")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = self.command(*arguments)
        try:
            return subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE
            )
        except OSError as error:
            raise failures.not_started(command[0], error) from None
        except subprocess.TimeoutExpired:
            raise failures.no_answer(self.command(), PATIENCE) from None


def in_docker(settings: KohyaSettings) -> bool:
    """Whether Docker provides sd-scripts: the settings name neither a launcher nor a folder."""
    return not (settings.launcher or _named(settings))


def check(settings: KohyaSettings) -> None:
    """Raise `UserError` if a quick check finds no sd-scripts."""
    _words("launcher", settings.launcher)
    if in_docker(settings):
        if not shutil.which("docker"):  # quick enough for a parse
            raise failures.no_sd_scripts()
    elif not settings.launcher and not Path(_named(settings), "train_network.py").is_file():
        raise UserError(
            f"{_named(settings)} has no train_network.py, so sd-scripts is not there; set "
            "SD_SCRIPTS_DIR (or kohya: {sd_scripts: …}) to the folder that holds it."
        )


def find(settings: KohyaSettings, needed: Iterable[Path] = ()) -> Installation:
    """Return the sd-scripts that the settings or SD_SCRIPTS_DIR name, else Docker's.

    `needed` are a training's files and folders. Raises `UserError`: it is not there, or Docker
    cannot start it.
    """
    check(settings)
    launcher, paths = _words("launcher", settings.launcher), settings.paths
    folder, python = _named(settings), "python"
    if in_docker(settings):
        launcher, paths = docker.start(needed)
    elif not launcher:
        folder = str(Path(folder).absolute())
        python = _own_python(Path(folder))
    nearest_first = sorted(paths.items(), key=lambda pair: -len(_absolute(pair[0]).parts))
    return Installation(
        (folder or IN_CONTAINER).rstrip("/"),
        python,
        launcher,
        tuple((_absolute(here), PurePosixPath(there)) for here, there in nearest_first),
        _words("accelerate", settings.accelerate),
    )


def _named(settings: KohyaSettings) -> str:
    return os.environ.get("SD_SCRIPTS_DIR") or settings.sd_scripts


def _words(key: str, text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UserError(f"kohya.{key}: {text}: cannot be read as a command: {error}") from None


def _output(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """Return a program's output in lines, and write it to the job's log."""
    lines = (done.stdout + done.stderr).decode(errors="replace").splitlines()
    for line in lines:
        log.debug("%s", line)
    return lines


def _own_python(folder: Path) -> str:
    """Return the Python of the environment in its folder, if there is one."""
    own = [folder / name / "bin" / "python" for name in _VENVS]
    return next((str(python) for python in own if python.exists()), "python")


def _absolute(path: Path | str) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 (.. goes, links stay: they are mounted too)
