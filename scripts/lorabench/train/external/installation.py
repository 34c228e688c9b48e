"""Find a training program, start its parts there, and translate paths."""

import logging
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lorabench.errors import UserError
from lorabench.train.external import failures
from lorabench.train.external.tool import Settings, Tool

log = logging.getLogger(__name__)

PATIENCE = 300
"""Seconds for an answer: a first import of PyTorch from a slow or shared disk takes minutes."""
_VENVS = ("venv", ".venv")


@dataclass(frozen=True)
class Installation:
    """A `tool` as it is installed: `launcher` is the command prefix that starts a program there.

    `folder` and `python` are paths there; `paths` are (folder here, folder there), none if both
    are the same.
    """

    tool: Tool
    folder: str
    python: str
    launcher: tuple[str, ...]
    paths: tuple[tuple[Path, PurePosixPath], ...]
    accelerate: tuple[str, ...]

    def command(self, *arguments: str) -> list[str]:
        """Return the command that starts its Python with these arguments."""
        return [*self.launcher, self.python, *arguments]

    def script(self, name: str) -> str:
        """Return the path there of one of its programs."""
        return f"{self.folder}/{self.tool.programs}{name}"

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
            f"{path}: the container does not see this path; {self.tool.trainer}.paths gives it "
            f"{known}. Mount its folder too and add it there, such as "
            f"{self.tool.trainer}={{paths: {{/my/folder: /mounted/at}}}}."
        )

    def ask(self, *arguments: str) -> str:
        """Run its Python with these arguments and return what it wrote to standard output.

        Raises `UserError`: it could not be started, failed, or did not end within `PATIENCE`.
        """
        done = self._run(*arguments)
        if done.returncode:
            # Does the launcher itself fail?
            if self.launcher and (alone := self._run("-c", "")).returncode:
                raise failures.launcher(self.tool, self.launcher, alone.returncode, _output(alone))
            raise failures.explain(self.tool, done.returncode, _output(done))
        return done.stdout.decode(errors="replace")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = self.command(*arguments)
        try:
            return subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE
            )
        except OSError as error:
            raise failures.not_started(self.tool, command[0], error) from None
        except subprocess.TimeoutExpired:
            raise failures.no_answer(self.tool, self.command(), PATIENCE) from None


def in_docker(tool: Tool, settings: Settings) -> bool:
    """Whether Docker provides it: the settings name neither a launcher nor a folder."""
    return bool(tool.start) and not (settings.launcher or _named(tool, settings))


def check(tool: Tool, settings: Settings) -> None:
    """Raise `UserError` if a quick check does not find it."""
    _words(tool, "launcher", settings.launcher)
    if settings.launcher:
        return
    folder = _named(tool, settings)
    if not folder:
        if not in_docker(tool, settings) or not shutil.which("docker"):  # quick enough for a parse
            raise tool.nowhere()
    elif not Path(folder, tool.marker).is_file():
        says = "{} has no %(marker)s, so %(name)s is not there; set %(variable)s (or "
        says += "%(section)s: {{%(folder)s: …}}) to the folder that holds it."
        raise UserError(tool.says(says).format(folder))


def find(tool: Tool, settings: Settings, needed: Iterable[Path] = ()) -> Installation:
    """Return what the settings or the environment name, else Docker's.

    `needed` are a training's files and folders. Raises `UserError`: it is not there, or Docker
    cannot start it.
    """
    check(tool, settings)
    launcher, paths = _words(tool, "launcher", settings.launcher), settings.paths
    folder, python = _named(tool, settings), "python"
    if tool.start and in_docker(tool, settings):
        launcher, paths = tool.start(needed)
    elif not launcher:
        folder = str(Path(folder).absolute())
        python = _own_python(Path(folder))
    nearest_first = sorted(paths.items(), key=lambda pair: -len(_absolute(pair[0]).parts))
    return Installation(
        tool,
        (folder or tool.in_container).rstrip("/"),
        python,
        launcher,
        tuple((_absolute(here), PurePosixPath(there)) for here, there in nearest_first),
        _words(tool, "accelerate", settings.accelerate),
    )


def _named(tool: Tool, settings: Settings) -> str:
    return os.environ.get(tool.variable) or getattr(settings, tool.folder)


def _words(tool: Tool, key: str, text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UserError(
            f"{tool.trainer}.{key}: {text}: cannot be read as a command: {error}"
        ) from None


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
