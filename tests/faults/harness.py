"""Try a program on many bad inputs, in a process that is watched: for time, memory and writes.

A program here gives a name, a seeded list of cases and a function that tries one. Each case is
tried in a child process, one after the other, by the same function that a command line calls. What
it does with a bad input is one of

    passed     it took the input
    refused    it said what is wrong, as a `UserError` or a message of the command line
    traceback  any other exception, or the status 70: a fault of ours
    hang       no end after `seconds`
    memory     more than `megabytes` beyond what the process had before
    outside    it wrote, or deleted, outside of its folder
"""

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorabench.errors import UserError

FAULTS = ("traceback", "hang", "memory", "outside")
_WRITES = {
    **dict.fromkeys(("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod"), (0,)),
    **{"os.rename": (0, 1), "os.link": (1,), "os.symlink": (1,)},
}
"""Python's audit events of what changes the disk, and which of their arguments are paths."""


@dataclass(frozen=True)
class Outcome:
    """What became of one case."""

    name: str
    kind: str
    said: str = ""
    seconds: float = 0
    megabytes: float = 0


@dataclass
class Trial:
    """A kind of input, how to make cases of it, and what to try them on.

    `make` gets a folder, a number of cases and a seed, and yields each case's name with anything
    that can be pickled; `attempt` gets the folder and one of these. `prepare` is called once in
    each child, for what takes long.
    """

    what: str
    make: Callable[[Path, int, int], Iterator[tuple[str, Any]]]
    attempt: Callable[[Path, Any], Any]
    prepare: Callable[[Path], None] = lambda folder: None
    seconds: float = 20
    megabytes: float = 1500
    alone: bool = False
    """Whether each case has a child of its own, so that its memory is all counted."""


def run(trial: Trial, cases: int, seed: int, folder: Path) -> list[Outcome]:
    """Return what became of each case."""
    made = list(trial.make(folder, cases, seed))
    found: list[Outcome] = []
    while len(found) < len(made):
        end = len(found) + 1 if trial.alone else None
        found += _batch(trial, folder, made[len(found) : end])
    return found


def faults(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return those that no input should bring about."""
    return [one for one in outcomes if one.kind in FAULTS]


def main(trial: Trial, cases: int) -> int:
    """Run the trial as a program, which prints a row of a Markdown table; 1 for a fault."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--cases", type=int, default=cases, metavar="N", help=f"default: {cases}")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    parser.add_argument("--only", type=int, metavar="N", help="only the case of this number")
    parser.add_argument("--list", action="store_true", help="also print each case's outcome")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        began = time.monotonic()
        chosen = trial
        if arguments.only is not None:
            chosen = _only(trial, arguments.only)
        outcomes = run(chosen, arguments.cases, arguments.seed, Path(name).resolve())
        seconds = time.monotonic() - began
    if arguments.list:
        for one in outcomes:
            size = f"{one.seconds:.1f} s, {one.megabytes:.0f} MB"
            print(f"{one.name}: {one.kind}, {size}; {one.said.strip()[:300]}", file=sys.stderr)
    for said, number in Counter(one.said for one in faults(outcomes)).most_common():
        first = next(one for one in faults(outcomes) if one.said == said)
        print(f"{first.kind}, {number} times, first by {first.name}:\n{said}", file=sys.stderr)
    print(row(trial.what, outcomes, seconds))
    return 1 if faults(outcomes) else 0


def row(what: str, outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return the counts as a row of a Markdown table."""
    counts = Counter(one.kind for one in outcomes)
    slowest = max((one.seconds for one in outcomes), default=0)
    most = max((one.megabytes for one in outcomes), default=0)
    numbers = [counts[kind] for kind in ("passed", "refused", *FAULTS)]
    listed = " | ".join(map(str, [len(outcomes), *numbers]))
    return f"| {what} | {listed} | {slowest:.1f} s | {most:.0f} MB | {seconds:.0f} s |"


def _only(trial: Trial, number: int) -> Trial:
    def make(folder: Path, cases: int, seed: int) -> Iterator[tuple[str, Any]]:
        yield list(trial.make(folder, max(cases, number + 1), seed))[number]

    return Trial(**{**vars(trial), "make": make})


# ---------------------------------------------------------------- the child


def _batch(trial: Trial, folder: Path, cases: Sequence[tuple[str, Any]]) -> list[Outcome]:
    """Try cases in one child until they are done or one of them ends it."""
    here, there = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(
        target=_work, args=(trial, folder, cases, there)
    )
    child.start()
    there.close()
    found: list[Outcome] = []
    try:
        if not here.poll(300):
            raise RuntimeError(f"{trial.what}: the child did not start")
        here.recv()
        for name, _ in cases:
            if not here.poll(trial.seconds):
                found.append(Outcome(name, "hang", f"no end after {trial.seconds:g} s"))
                return found
            found.append(Outcome(name, **here.recv()))
    except EOFError:
        name = cases[len(found)][0]
        found.append(Outcome(name, "traceback", f"the process ended by itself ({child.exitcode})"))
    finally:
        child.kill()
        child.join()
    return found


def _work(trial: Trial, folder: Path, cases: Sequence[tuple[str, Any]], pipe: Any) -> None:
    os.environ |= {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    tempfile.tempdir = str(folder)
    sys.dont_write_bytecode = True
    os.chdir(folder)
    quiet = (folder / "said.txt").open("w+", encoding="utf-8", errors="replace")
    os.dup2(quiet.fileno(), 1)
    os.dup2(quiet.fileno(), 2)
    sys.stdout = sys.stderr = quiet
    trial.prepare(folder)
    written: list[str] = []
    sys.addaudithook(_watch(folder, written))
    # Twice of what is allowed, so that a case that needs more ends itself and not the machine.
    most = int(2 * trial.megabytes * 2**20) + _now("VmData") * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    pipe.send({})
    for _, case in cases:
        quiet.seek(0)
        quiet.truncate()
        written.clear()
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, began = _now("VmRSS"), time.monotonic()
        kind, said = _try(trial, folder, case)
        seconds, megabytes = time.monotonic() - began, (_now("VmHWM") - before) / 1024
        quiet.flush()
        if kind == "said":
            quiet.seek(0)
            kind, said = _of_status(said, quiet.read())
        if kind not in FAULTS and megabytes > trial.megabytes:
            kind, said = "memory", f"more than {trial.megabytes:g} MB"
        if outside := sorted(set(written)):
            kind, said = "outside", "\n".join(outside)
        pipe.send({"kind": kind, "said": said, "seconds": seconds, "megabytes": megabytes})
    pipe.close()


def _try(trial: Trial, folder: Path, case: Any) -> tuple[str, str]:
    try:
        status = trial.attempt(folder, case)
    except UserError as error:
        return "refused", str(error)
    except SystemExit as ended:
        return "said", str(ended.code or 0)
    except BaseException as error:
        return "traceback", "".join(traceback.format_exception(error)[-4:])
    return "said", str(status or 0)


def _of_status(status: str, said: str) -> tuple[str, str]:
    """Return what a status of a command line means, with what it said."""
    if "Traceback (most recent call last)" in said:
        return "traceback", said[said.index("Traceback (most") :][:3000]
    if status == "0":
        return "passed", said
    return ("refused" if status in ("1", "2") and said.strip() else "traceback"), said


def _now(field: str) -> int:
    """Return a number of kB in /proc/self/status."""
    text = Path("/proc/self/status").read_text()
    return int(text.partition(f"{field}:")[2].split()[0])


def _watch(folder: Path, written: list[str]) -> Callable[[str, tuple[Any, ...]], None]:
    root = os.path.realpath(folder)

    def is_inside(path: Any) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return True  # a file that is open already
        whole = Path(os.fsdecode(path)).absolute()
        whole = Path(os.path.realpath(whole.parent), whole.name)  # a link itself may lead anywhere
        return any(map(whole.is_relative_to, (root, "/dev", "/proc")))

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            flags = arguments[2] if isinstance(arguments[2], int) else 0
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and not is_inside(arguments[0]):
                written.append(f"open {arguments[0]!r}")
        elif event in _WRITES:
            for at in _WRITES[event]:
                if not is_inside(arguments[at]):
                    written.append(f"{event} {arguments[at]!r}")
        elif event in ("os.system", "os.exec", "subprocess.Popen"):
            written.append(f"{event} {arguments[:2]!r}")

    return hook
