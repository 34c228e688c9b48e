"""Programs end with the workflow that started them."""

import os
import subprocess
import sys

import pytest

from lorabench import parent

PROGRAM = """
import sys, time
sys.path.insert(0, "scripts")
from lorabench import parent
parent.end_with_workflow()
print("ready", flush=True)
time.sleep(60)
"""


def test_a_process_that_announces_itself_is_the_workflow(monkeypatch):
    monkeypatch.setenv("LORABENCH_WORKFLOW", "that-of-another.1")  # and is set back afterwards
    parent.announce()
    assert parent.workflow_pid() == os.getpid()
    assert parent.workflow() == parent.name(os.getpid())


@pytest.mark.parametrize("value", ["", "another-host.1", "no number", "."])
def test_without_a_workflow_here_there_is_none(monkeypatch, value):
    monkeypatch.setenv("LORABENCH_WORKFLOW", value)
    assert parent.workflow_pid() is None


def test_a_program_ends_when_its_workflow_is_gone(monkeypatch):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as workflow:
        host = os.uname().nodename
        monkeypatch.setenv("LORABENCH_WORKFLOW", f"{host}.{workflow.pid}")
        program = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE)
        assert program.stdout.readline() == b"ready\n"
        assert program.poll() is None
    assert program.wait(30) != 0
    program.stdout.close()


def test_a_place_is_a_node_and_a_job_on_it(monkeypatch):
    for variable in ("SLURMD_NODENAME", "SLURM_JOB_ID"):
        monkeypatch.delenv(variable, raising=False)
    assert parent.place() == os.uname().nodename
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert parent.place() == f"{os.uname().nodename}-17"
    monkeypatch.setenv("SLURMD_NODENAME", "node1")
    assert parent.place() == "node1-17"


def test_what_a_dead_workflow_has_left_here_is_ended(monkeypatch, tmp_path):
    monkeypatch.setenv("LORABENCH_WORKFLOW", parent.name(999999))
    monkeypatch.chdir(tmp_path)
    sleeping = [sys.executable, "-c", "import time; time.sleep(60)"]
    here, elsewhere = subprocess.Popen(sleeping), subprocess.Popen(sleeping, cwd="/")
    of_slurm = subprocess.Popen(sleeping, env={**os.environ, "SLURM_JOB_ID": "17"})
    try:
        parent.end_programs_of(999999)
        assert here.poll() is not None
        assert elsewhere.poll() is None
        assert of_slurm.poll() is None
    finally:
        for program in (here, elsewhere, of_slurm):
            program.kill()
            program.wait()
