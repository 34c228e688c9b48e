"""Snakemake's lock on a working directory: whether anybody still holds it."""

from collections.abc import Callable
from pathlib import Path

import psutil

from lorabench.errors import UserError

_LOCKS = Path(".snakemake", "locks")


def clear(run: Path, normalized: Path, unlock: Callable[[], None]) -> None:
    """Call `unlock` if the lock on this working directory was left by a killed workflow.

    Several runs may be at work side by side, and one lock serves them all: it stays while any of
    them lives. Raises `UserError`: a living workflow may be at work on the run in the folder `run`,
    or is making the set in the folder `normalized`, which another run may share.
    """
    if not _locked("*"):
        return
    living = _workflows_here()
    if not living:
        unlock()
        return
    pids = " and ".join(map(str, living))
    for folder, kind in ((run, "*"), (normalized, "*.output")):
        if any(path.is_relative_to(folder) for path in _locked(kind)):
            raise UserError(
                f"{folder} is locked, and a workflow is at work in this folder (process {pids}); "
                "wait for it, or end it, and type the same command again"
            )


def _locked(kind: str) -> list[Path]:
    """Return what the locks name; their kind is *.input or *.output."""
    files = _LOCKS.glob(f"{kind}.lock")
    return [Path(path) for file in files for path in file.read_text().splitlines()]


def _workflows_here() -> list[int]:
    """Return the living Snakemake processes that work in this directory, or may do so."""
    # Where another user's process works is not for all to see.
    return [
        process.pid
        for process in psutil.process_iter(["cmdline", "cwd"])
        if _is_snakemake(process.info["cmdline"] or [])
        and process.info["cwd"] in (None, str(Path.cwd()))
    ]


def _is_snakemake(command: list[str]) -> bool:
    """Tell `python -m snakemake …` and `python …/bin/snakemake …`, options of python's between."""
    program, *words = [Path(word).name for word in command] or [""]
    return program.startswith("python") and "snakemake" in words
