"""Who works in this folder, and Snakemake's lock on it: that of a dead workflow is removed.

Each workflow keeps a file that says what it works on, and holds the system's lock of that file as
long as it lives. So a workflow that was killed is known for certain, whatever program has its
number now. On a disk that machines share, another machine's file is never taken for a dead one's.
"""

import atexit
import errno
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from io import TextIOWrapper
from pathlib import Path

import psutil

from lorabench import files, parent
from lorabench.run.plan import RunPlan

_LOCKS = Path(".snakemake", "locks")
_WORKFLOWS = Path(".snakemake", "workflows")
_OF_SNAKEMAKE = Path(".snakemake")
_ROOM = 2**18
"""Bytes that Snakemake's own files need at least."""
_LOCAL = frozenset(
    {"apfs", "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "hfs", "overlay", "tmpfs", "xfs"}
    | {"zfs"}
)
"""File systems that only one machine has."""
REMOVED = "The last call was killed; this one goes on from what that finished"
_UNLOCKS = "--unlock"
_LOOKS_ONLY = frozenset({"-n", "--dry-run", "--dryrun"})
_held: list[TextIOWrapper] = []


@dataclass(frozen=True)
class Workflow:
    """A workflow in this folder, or what is left of one."""

    path: Path
    runs: tuple[str, ...]
    """The folders of its runs."""
    sets: tuple[str, ...]
    """Those of its normalized sets, which runs share."""
    begun: bool
    """Whether it has Snakemake's lock and its jobs run; else it may yet be refused."""

    @classmethod
    def read(cls, path: Path) -> "Workflow":
        """Read its file; one that was killed while it wrote that has no lock yet."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(path, tuple(content["runs"]), tuple(content["sets"]), content["begun"])
        return cls(path, (), (), False)

    @property
    def host(self) -> str:
        """The machine that it runs on."""
        return self.path.name.rpartition(".")[0]

    @property
    def pid(self) -> int:
        """Its process there."""
        return int(self.path.name.rpartition(".")[2])

    @property
    def lives(self) -> bool:
        """Whether it runs, or may do so on another machine where the user does not unlock."""
        try:
            with self.path.open("r+") as file:
                flock(file, LOCK_EX | LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        elsewhere = self.host != parent.host() and not _is_local(_WORKFLOWS)
        return elsewhere and _UNLOCKS not in sys.argv


def enter(plans: Collection[RunPlan]) -> bool:
    """Announce this workflow, unless it only looks; return whether it has removed a lock.

    It removes those of dead workflows, after it has ended their programs that still run. Raises
    `OSError` for a full disk, and for another account's folder that this one would write in.
    """
    _check_disk(plans)
    _WORKFLOWS.mkdir(parents=True, exist_ok=True)
    with files.locked(_WORKFLOWS / ".lock"):
        living, dead = [], []
        for one in _others():
            (living if one.lives else dead).append(one)
        for one in dead:
            if one.host == parent.host():
                parent.end_programs_of(one.pid)
        removed = _remove_locks(living, dead)
        for one in dead:
            one.path.unlink(missing_ok=True)
        if not _held and not _LOOKS_ONLY & set(sys.argv):
            _announce(plans)
    return removed


def _check_disk(plans: Collection[RunPlan]) -> None:
    """Find a full disk and another account's folders before Snakemake ends in a traceback."""
    if _LOOKS_ONLY & set(sys.argv):
        return
    disk = os.statvfs(_OF_SNAKEMAKE if _OF_SNAKEMAKE.exists() else Path())
    if disk.f_bavail * disk.f_frsize < _ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(_OF_SNAKEMAKE))
    folders = [_OF_SNAKEMAKE, *_OF_SNAKEMAKE.glob("*/")]
    for root in map(Path, _runs(plans)):
        folders += [root, *root.glob("*/"), *root.glob("*/*/")]
    for folder in folders:
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def begin(plans: Collection[RunPlan]) -> str:
    """Announce that the jobs begin, unless another workflow's run on one of these runs.

    Return who that is, as `busy` does. Snakemake's own lock does not suffice: the end of any
    workflow in this folder removes that of all.
    """
    with files.locked(_WORKFLOWS / ".lock"):
        if other := busy(plans):
            return other
        for file in _held:
            _write(file, plans, begun=True)
    return ""


def is_gone(name: str) -> bool:
    """Whether no workflow of this name, but perhaps this one itself, is at work in this folder."""
    return all(one.path.name != name or not one.lives for one in _others())


def busy(plans: Iterable[RunPlan]) -> str:
    """Return whose jobs run on one of these runs, in words; empty if nobody's do."""
    mine = set(_runs(plans))
    for one in _others():
        if one.begun and mine & set(one.runs) and one.lives:
            return f"process {one.pid} on {one.host}"
    return ""


def _runs(plans: Iterable[RunPlan]) -> list[str]:
    folders = [plan.paths.root for plan in plans]
    folders += [plan.comparison.root for plan in plans if plan.comparison]
    return list(dict.fromkeys(map(str, folders)))


def _announce(plans: Collection[RunPlan]) -> None:
    path = _WORKFLOWS / parent.name(os.getpid())
    file = path.open("w", encoding="utf-8")
    flock(file, LOCK_EX)
    _write(file, plans, begun=False)
    _held.append(file)
    atexit.register(path.unlink, missing_ok=True)


def _write(file: TextIOWrapper, plans: Collection[RunPlan], begun: bool) -> None:
    sets = {str(one.folder) for plan in plans for one in plan.sets}
    file.seek(0)
    json.dump({"begun": begun, "runs": _runs(plans), "sets": sorted(sets)}, file)
    file.truncate()
    file.flush()


def _others() -> Iterator[Workflow]:
    """Yield the workflows in this folder but this one."""
    mine = {file.name for file in _held}
    for path in sorted(_WORKFLOWS.glob("*.*")):
        if path.name[0] != "." and path.suffix[1:].isdecimal() and str(path) not in mine:
            yield Workflow.read(path)


def _remove_locks(living: Collection[Workflow], dead: Collection[Workflow]) -> bool:
    """Remove those of Snakemake's lock files that no living workflow has written."""
    removed = False
    theirs = [folder for one in living for folder in one.runs]
    left = [folder for one in dead for folder in (*one.runs, *one.sets)]
    for lock in sorted(_LOCKS.glob("*.lock")):
        named = [Path(line) for line in lock.read_text(encoding="utf-8").splitlines()]

        def names(folders: Collection[str], named: Collection[Path] = named) -> bool:
            return any(path.is_relative_to(folder) for path in named for folder in folders)

        # Without a file of its workflow, it is of an earlier version, or the file was deleted.
        if not names(theirs) and (names(left) or (not living and _nobody_is_here())):
            lock.unlink(missing_ok=True)
            removed = True
    return removed


def _nobody_is_here() -> bool:
    """Whether no other process can be a Snakemake that works in this folder."""
    # Where another user's process works is not for all to see.
    return _is_local(_LOCKS) and not any(
        _is_snakemake(process.info["cmdline"] or [])
        and process.info["cwd"] in (None, str(Path.cwd()))
        for process in psutil.process_iter(["cmdline", "cwd"])
        if process.pid != os.getpid()
    )


def _is_snakemake(command: list[str]) -> bool:
    """Tell `python -m snakemake …` and `python …/bin/snakemake …`, options of python's between."""
    program, *words = [Path(word).name for word in command] or [""]
    return program.startswith("python") and "snakemake" in words


def _is_local(folder: Path) -> bool:
    """Whether no other machine can write in the folder."""
    above = [folder.resolve(), *folder.resolve().parents]
    kinds = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    return next((kinds[str(one)] for one in above if str(one) in kinds), "") in _LOCAL
