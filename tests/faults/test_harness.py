"""What the watch over a program finds: without this, a trial without faults says nothing."""

import sys
import time
from pathlib import Path

import pytest

from lorabench.errors import UserError
from tests.faults import harness


def refuse(folder):
    raise UserError("that is wrong")


def fail(folder):
    raise ValueError("a fault of ours")


def fail_quietly(folder):
    return 70


def print_a_traceback(folder):
    try:
        fail(folder)
    except ValueError:
        import traceback

        traceback.print_exc()
    return 1


def hang(folder):
    time.sleep(60)


def take_memory(folder):
    # Nearly all that a child may take: meanwhile the system may take cold pages away.
    return len(b"x" * (190 * 2**20)) and None


def write_outside(folder):
    (folder.parent / f"{folder.name}.outside").touch()


def write_inside(folder):
    (folder / "inside").mkdir(exist_ok=True)


def run_a_program(folder):
    import subprocess

    subprocess.run(["true"])


def end(folder):
    sys.exit("usage: …")


@pytest.mark.parametrize(
    ("attempt", "kind"),
    [
        (lambda folder: None, "passed"),
        (write_inside, "passed"),
        (refuse, "refused"),
        (fail, "traceback"),
        (fail_quietly, "traceback"),
        (print_a_traceback, "traceback"),
        (hang, "hang"),
        (take_memory, "memory"),
        (write_outside, "outside"),
        (run_a_program, "outside"),
    ],
)
def test_what_a_program_does_is_found(tmp_path, attempt, kind):
    folder = tmp_path / "folder"
    folder.mkdir()
    trial = harness.Trial(
        "x",
        lambda folder, cases, seed: ((str(number), number) for number in range(cases)),
        lambda folder, case: attempt(folder) if case == 1 else None,
        seconds=1,
        megabytes=100,
    )
    found = harness.run(trial, 3, 0, folder)
    assert [one.kind for one in found] == ["passed", kind, "passed"]
    assert Path.cwd() != folder, "the child alone works there"
