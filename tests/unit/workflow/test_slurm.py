"""What Slurm is asked, with programs in its place; a real one is in tests/integration."""

import json
import sys
from pathlib import Path

import pytest

import slurm_submit
from lorabench.errors import UserError
from lorabench.workflow import slurm

CELLS = {
    "type": "group",
    "groupid": "cells_a-1",
    "threads": 0,
    "resources": {"mem_mb": 12000, "runtime": 40, "cpus_per_task": 4, "gpu": "1"},
}
TRAINING = {
    "type": "single",
    "rule": "train_lora",
    "threads": 4,
    "resources": {"mem_mb": 3000, "runtime": 20, "gpu": 1, "slurm_partition": "gpu"},
}


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Let a program of Slurm be a line of shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def make(**lines):
        for name, line in lines.items():
            (folder / name).write_text(f"#!/bin/sh\n{line}\n")
            (folder / name).chmod(0o755)

    return make


def test_a_job_asks_for_what_its_rule_says():
    words = slurm.asked(TRAINING)
    for option in ("cpus-per-task=4", "mem=3000M", "time=35", "gres=gpu:1", "partition=gpu"):
        assert f"--{option}" in words


def test_cells_together_ask_for_their_server():
    words = slurm.asked(CELLS)
    assert {"--cpus-per-task=4", "--gres=gpu:1", "--mem=12000M"} <= set(words)
    small = slurm.asked({**CELLS, "resources": {"gpu": 0}})
    assert "--cpus-per-task=1" in small
    assert not [word for word in small if word.startswith(("--gres", "--mem", "--time"))]


def test_a_script_is_submitted_with_the_profiles_options(programs):
    programs(sbatch='echo "$@" > said; echo "17;cluster"')
    Path("job.sh").write_text(f"#!/bin/sh\n# properties = {json.dumps(TRAINING)}\ntrue\n")
    assert slurm.submit(Path("job.sh"), ["--requeue"]) == "17"
    assert Path("said").read_text().endswith("--requeue job.sh\n")
    assert slurm.LOGS.is_dir(), "Slurm does not make it"


def test_what_slurm_refuses_it_says_why(programs):
    programs(sbatch="echo 'invalid partition' >&2; exit 1")
    Path("job.sh").write_text(f"# properties = {json.dumps(TRAINING)}\n")
    with pytest.raises(UserError, match="invalid partition"):
        slurm.submit(Path("job.sh"), [])


@pytest.mark.parametrize(
    ("squeue", "sacct", "status"),
    [
        ("echo RUNNING", "exit 1", "running"),
        ("echo PENDING", "exit 1", "running"),
        ("echo COMPLETED", "exit 1", "success"),
        ("echo FAILED", "exit 1", "failed"),
        ("echo TIMEOUT", "exit 1", "failed"),
        ("echo 'Unable to contact slurm controller' >&2; exit 1", "exit 1", "running"),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", "exit 1", "failed"),
        ("true", "echo COMPLETED", "success"),
    ],
)
def test_a_job_is_asked_for(programs, squeue, sacct, status):
    programs(squeue=squeue, sacct=sacct)
    slurm.LOGS.mkdir(parents=True)
    assert slurm.status("17") == status
    text = slurm.log("17").read_text() if slurm.log("17").exists() else ""
    assert ("error: Slurm ended the job 17: TIMEOUT" in text) == ("TIMEOUT" in squeue)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("PartitionTimeLimit|all|2-15:35:00|lorabench.train_lora", "failed"),
        ("BadConstraints|all|35:00|lorabench.train_lora", "failed"),
        ("PartitionTimeLimit|short,long|2-15:35:00|lorabench.train_lora", "running"),
        ("Resources|all|35:00|lorabench.train_lora", "running"),
        ("PartitionNodeLimit|all|35:00|lorabench.train_lora", "running"),  # or its nodes are down
        ("ReqNodeNotAvail, UnavailableNodes:node1|all|35:00|lorabench.train_lora", "running"),
        ("", "running"),
    ],
)
def test_a_job_that_can_never_start_is_cancelled_and_says_what_to_do(programs, told, status):
    programs(
        squeue=f"case \"$*\" in *%T*) echo PENDING;; *) echo '{told}';; esac",
        scancel='echo "$@" > cancelled',
    )
    slurm.LOGS.mkdir(parents=True)
    assert slurm.status("17") == status
    over = status == "failed"
    assert Path("cancelled").exists() == over, "else it would wait for ever, forgotten"
    if over:
        assert Path("cancelled").read_text() == "17\n"
        said = slurm.log("17").read_text()
        assert said.startswith("\nerror: Slurm can never start the job 17 (train_lora)")
        assert told.partition("|")[0] in said and "set-resources" in said


@pytest.mark.parametrize(("then", "status"), [("PREEMPTED", "failed"), ("PENDING", "running")])
def test_a_preempted_job_is_over_unless_it_is_queued_again(programs, monkeypatch, then, status):
    monkeypatch.setattr(slurm, "_AGAIN", 0)
    programs(squeue="head -1 states; sed -i 1d states")
    Path("states").write_text(f"PREEMPTED\n{then}\n")
    slurm.LOGS.mkdir(parents=True)
    assert slurm.status("17") == status


def test_without_slurm_nothing_can_be_submitted(programs, monkeypatch):
    monkeypatch.setenv("PATH", "")
    Path("job.sh").write_text(f"# properties = {json.dumps(TRAINING)}\n")
    with pytest.raises(UserError, match="sbatch is not here"):
        slurm.submit(Path("job.sh"), [])


def test_a_job_whose_call_was_stopped_meanwhile_is_not_said_to_be_refused(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["slurm_submit.py", "--requeue", "gone.sh"])
    assert slurm_submit.main() == 1
    assert capsys.readouterr().err == ""


def test_a_slurm_that_does_not_answer_is_no_slurm_without_jobs(programs):
    programs(squeue="echo 'Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(UserError, match=r"does not answer \(Unable to .* may run on; .*scancel"):
        slurm.cancel(Path("/data"), lambda workflow: True)


def test_only_jobs_of_the_chosen_calls_in_this_folder_are_cancelled(programs):
    """squeue is asked for number, name and folder; no name holds a slash."""
    programs(squeue="cat queue", scancel='echo "$@" > cancelled; sed -i "/^1[12] /d" queue')
    Path("queue").write_text(
        "11 lorabench.train_lora@login.7/data/a b\n"
        "12 lorabench.cells_my set@home-1a2b@login.7/data/a b\n"
        "13 lorabench.train_lora@login.7/data\n"
        "14 lorabench.train_lora@login.77/data/a b\n"
        "15 my-night@login.7/data/a b\n"
    )
    assert slurm.cancel(Path("/data/a b"), "login.7".__eq__) == 2
    assert Path("cancelled").read_text() == "11 12\n"
    assert slurm.cancel(Path("/data/a b"), "login.7".__eq__) == 0


def test_a_job_names_its_work_and_its_workflow(monkeypatch):
    monkeypatch.setenv("LORABENCH_WORKFLOW", "login.7")
    assert "--job-name=lorabench.cells_a-1@login.7" in slurm.asked(CELLS)
