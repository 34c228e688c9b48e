"""Locks of killed workflows are removed, those of living ones are not."""

import subprocess
import sys
from pathlib import Path

import pytest

from lorabench.errors import UserError
from lorabench.workflow.older import locks

RUN = Path("runs", "mine")
SET = Path("datasets", "normalized", "style", "a-01234567")


@pytest.fixture
def locked(tmp_path, monkeypatch):
    """A working directory that is locked for the run `mine`; returns the calls of unlock."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".snakemake" / "locks"
    folder.mkdir(parents=True)
    (folder / "0.input.lock").write_text("datasets/raw/style/a/0.png\n")
    (folder / "0.output.lock").write_text("runs/mine/run.yaml\nruns/mine/bench/sweep.yaml\n")
    return []


@pytest.fixture
def living(tmp_path):
    """Start a program named like Snakemake in a folder."""
    started = []

    def start(name, cwd):
        program = tmp_path / name
        program.write_text("print(flush=True); import time; time.sleep(60)")
        process = subprocess.Popen([sys.executable, program], cwd=cwd, stdout=subprocess.PIPE)
        process.stdout.readline()
        started.append(process)
        return process.pid

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def unlocks(run, calls):
    locks.clear(run, SET, lambda: calls.append(run))
    return bool(calls)


def test_a_lock_that_nobody_holds_is_removed(locked):
    assert unlocks(RUN, locked)


def test_without_a_lock_nothing_is_done(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert not unlocks(RUN, [])


def test_a_living_workflow_is_named(locked, living, tmp_path):
    pid = living("snakemake", tmp_path)
    with pytest.raises(UserError, match=rf"runs/mine is locked.*\(process {pid}\)"):
        unlocks(RUN, locked)
    assert locked == []


def test_another_run_goes_on_beside_a_living_one(locked, living, tmp_path):
    living("snakemake", tmp_path)
    assert not unlocks(Path("runs", "min"), locked)


@pytest.mark.parametrize(("kind", "busy"), [("output", True), ("input", False)])
def test_a_set_that_another_run_makes_is_waited_for(locked, living, tmp_path, kind, busy):
    living("snakemake", tmp_path)
    (tmp_path / ".snakemake" / "locks" / f"1.{kind}.lock").write_text(f"{SET}/images\n")
    other = Path("runs", "other")
    if busy:
        with pytest.raises(UserError, match=r"a-01234567 is locked.*wait for it"):
            unlocks(other, locked)
    else:
        assert not unlocks(other, locked)


def test_workflows_elsewhere_and_other_programs_do_not_count(locked, living, tmp_path):
    living("snakemake", "/")
    living("other.py", tmp_path)
    assert unlocks(RUN, locked)


def test_a_workflow_that_python_was_given_options_for_is_one():
    command = ["/venv/bin/python3", "-I", "-X", "utf8", "-m", "snakemake", "--cores", "1"]
    assert locks._is_snakemake(command)
    assert not locks._is_snakemake(["/venv/bin/python3", "-m", "pytest"])
