"""Locks of dead workflows are removed, those of living ones never."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lorabench import layout, parent
from lorabench.workflow import locks

SET = "datasets/normalized/style/a-00000000"
PROGRAM = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
sys.path[:0] = [{root!r} + "/scripts", {root!r}]
from tests.unit.workflow.test_locks import plan
from lorabench.workflow import locks
locks.enter([plan({run!r})])
locks.begin([plan({run!r})])
print(flush=True)
time.sleep(60)
"""
ROOT = str(Path(__file__).parents[3])


def plan(run):
    paths = layout.RunLayout("style", "a", run, "0" * 8)
    return SimpleNamespace(
        paths=paths, comparison=None, sets=[SimpleNamespace(folder=paths.normalized)]
    )


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(locks, "_held", [])
    monkeypatch.setattr(sys, "argv", ["snakemake"])
    yield
    for file in locks._held:
        file.close()


@pytest.fixture
def at_work():
    """Start a workflow on a run; kill it for a dead one."""
    started = []

    def start(run):
        code = PROGRAM.format(root=ROOT, run=run)
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        process.stdout.readline()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def lock(number, *paths):
    folder = Path(".snakemake/locks")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number}.output.lock"
    path.write_text("\n".join(paths) + "\n")
    return path


def kill(process):
    process.kill()
    process.wait()


def test_the_lock_of_a_dead_workflow_is_removed(at_work):
    kill(at_work("mine"))
    of_run, of_set = lock(0, "runs/mine/run.yaml"), lock(1, f"{SET}/images")
    assert locks.enter([plan("mine")])
    assert not of_run.exists() and not of_set.exists()
    assert not locks.enter([plan("mine")])


def test_the_lock_of_a_living_workflow_stays_and_it_is_named(at_work):
    process = at_work("mine")
    held = lock(0, "runs/mine/run.yaml")
    assert not locks.enter([plan("mine")])
    assert held.exists()
    assert locks.busy([plan("mine")]) == f"process {process.pid} on {parent.host()}"
    assert locks.busy([plan("min")]) == ""


def test_of_two_that_come_together_one_begins(at_work):
    locks.enter([plan("mine")])
    assert locks.begin([plan("mine")]) == ""  # the other one below comes too late
    process = at_work("mine")
    (other,) = [one for one in locks._others() if one.pid == process.pid]
    assert other.lives and not other.begun


def test_beside_a_living_workflow_only_the_dead_ones_lock_is_removed(at_work):
    at_work("living")
    kill(at_work("dead"))
    held, left = lock(0, "runs/living/run.yaml", f"{SET}/images"), lock(1, "runs/dead/run.yaml")
    assert locks.enter([plan("dead")])
    assert held.exists() and not left.exists()


def test_a_workflow_is_gone_once_it_is_killed_and_for_itself(at_work):
    living, killed = at_work("living"), at_work("killed")
    kill(killed)
    locks.enter([plan("mine")])
    names = [parent.name(pid) for pid in (living.pid, killed.pid, os.getpid())]
    assert [locks.is_gone(name) for name in names] == [False, True, True]


def test_on_another_machine_nobody_is_taken_for_dead(at_work, monkeypatch):
    kill(at_work("mine"))
    held = lock(0, "runs/mine/run.yaml")
    monkeypatch.setattr(parent, "host", lambda: "another")
    monkeypatch.setattr(locks, "_is_local", lambda folder: False)
    assert not locks.enter([plan("mine")])
    assert held.exists()
    assert locks.busy([plan("mine")]).endswith(f"on {os.uname().nodename}")
    monkeypatch.setattr(locks, "_is_local", lambda folder: True)  # then its name was changed
    assert locks.enter([plan("mine")])


def test_unlock_says_that_a_call_of_another_machine_is_dead(at_work, monkeypatch):
    at_work("living")
    kill(at_work("mine"))
    held = lock(0, "runs/mine/run.yaml")
    monkeypatch.setattr(parent, "host", lambda: "another")
    monkeypatch.setattr(locks, "_is_local", lambda folder: False)
    monkeypatch.setattr(sys, "argv", ["snakemake", "--unlock"])
    assert locks.enter([plan("mine")])
    assert not held.exists()
    monkeypatch.setattr(sys, "argv", ["snakemake"])
    assert locks.begin([plan("mine")]) == ""
    assert locks.busy([plan("living")])


def test_the_lock_of_an_earlier_version_is_removed_if_nobody_is_here(tmp_path, monkeypatch):
    held = lock(0, "runs/mine/run.yaml")
    program = tmp_path / "snakemake"
    program.write_text("print(flush=True); import time; time.sleep(60)")
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE) as living:
        living.stdout.readline()
        assert not locks.enter([plan("mine")])
        living.kill()
    monkeypatch.setattr(locks, "_is_local", lambda folder: False)
    assert not locks.enter([plan("mine")])
    assert held.exists()
    monkeypatch.setattr(locks, "_is_local", lambda folder: True)
    assert locks.enter([plan("mine")])


def test_a_call_that_only_looks_is_no_work(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["snakemake", "--dry-run"])
    locks.enter([plan("mine")])
    assert list(Path(".snakemake/workflows").glob("*.[0-9]*")) == []


def test_a_file_that_was_half_written_is_a_dead_workflows(at_work):
    process = at_work("mine")
    kill(process)
    path = Path(".snakemake/workflows", f"{parent.host()}.{process.pid}")
    path.write_text(json.dumps({"runs": 5})[:7])
    locks.enter([plan("mine")])
    assert not path.exists()


def test_a_workflow_that_python_was_given_options_for_is_one():
    command = ["/venv/bin/python3", "-I", "-X", "utf8", "-m", "snakemake", "--cores", "1"]
    assert locks._is_snakemake(command)
    assert not locks._is_snakemake(["/venv/bin/python3", "-m", "pytest"])


def test_another_accounts_folder_is_named_before_any_job(monkeypatch):
    closed = Path("runs/mine/bench")
    closed.mkdir(parents=True)
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != closed and may(path, mode))
    with pytest.raises(PermissionError) as refused:
        locks.enter([plan("mine")])
    assert refused.value.filename == str(closed)
    locks.enter([plan("other")])


def test_a_full_disk_is_named_before_any_job(monkeypatch):
    disk = SimpleNamespace(f_bavail=1, f_frsize=4096)
    monkeypatch.setattr(os, "statvfs", lambda path: disk)
    with pytest.raises(OSError, match="No space left") as refused:
        locks.enter([plan("mine")])
    assert refused.value.filename == ".snakemake"
