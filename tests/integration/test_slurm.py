"""Whole runs on a real Slurm of two nodes, through the loss of one."""

import csv
import os
import signal
import subprocess
import time
from contextlib import suppress

import pytest

from tests import slurm
from tests.integration.test_killed import found
from tests.project import SMALL, run_folder

pytestmark = pytest.mark.skipif(
    not slurm.is_installed(), reason="needs Debian's slurm-wlm and munge; .ci/run installs them"
)

QUICK = (
    *("--workflow-profile", "profiles/slurm"),
    *("--latency-wait", "10", "--seconds-between-status-checks", "1"),
)
HELD = ("--cluster-generic-submit-cmd", "trap '' INT; python scripts/slurm_submit.py --hold")
"""The jobs wait in Slurm's queue."""
PATIENCE = 1800


@pytest.fixture
def cluster():
    with slurm.cluster() as started:
        yield started


class Call:
    """A call of the workflow whose jobs run on the cluster."""

    def __init__(self, project, cluster, number, options, config):
        self._log = project.root / f"said{number}.log"
        self.process = subprocess.Popen(
            project.command(*QUICK, *options, **config),
            cwd=project.root,
            env=cluster.env,
            stdout=self._log.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def said(self):
        return self._log.read_text()

    def wait_for(self, happens, what):
        deadline = time.monotonic() + PATIENCE
        while not (came := happens()):
            assert self.process.poll() is None, f"ended without {what}:\n{self.said}"
            assert time.monotonic() < deadline, f"never came to {what}:\n{self.said}"
            time.sleep(0.1)
        return came

    def status(self):
        return self.process.wait(PATIENCE)

    def kill(self):
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def call(project, cluster):
    """Start calls with the given settings; what still runs at the end is killed."""
    calls = []

    def start(*options, **config):
        calls.append(Call(project, cluster, len(calls), options, config))
        return calls[-1]

    yield start
    for one in calls:
        one.kill()


def test_a_run_ends_with_its_report_though_a_node_is_lost(project, cluster, call):
    raw = project.add_set()
    run = call(**{**SMALL, "weights": "0.4,0.5"})
    run.wait_for(lambda: found(project, ["train/train_log.csv"]), "a training")
    (raw / "0.txt").write_text("a caption for the next call")
    cluster.lose(run.wait_for(cluster.busy, "a job")[0])
    assert run.status() == 0, run.said
    folder = run_folder(project)
    assert "Look at " in run.said and (folder / "report.html").exists()
    with (folder / "train" / "train_log.csv").open() as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == list(range(1, 7))
    assert len(list(folder.glob("bench/w*/*.png"))) == 3
    servers = {path.name for path in folder.glob("logs/comfy_server.*.log")}
    assert len(servers) == 2, "one to check the sweep, one for its cells"
    assert all(name.startswith("comfy_server.node") for name in servers)
    assert not cluster.busy()


def test_calls_in_one_folder_end_only_jobs_of_their_own_and_of_dead_ones(project, cluster, call):
    def jobs(one):
        names = cluster.ask("squeue", "--noheader", "--format=%j").splitlines()
        return [name for name in names if name.endswith(f".{one.process.pid}")]

    project.add_set("my set")  # so its jobs' names hold a blank
    project.add_set("another", pictures=5)
    first = call(*HELD, **{**SMALL, "raw_set": "my set"})
    first.wait_for(lambda: jobs(first), "a job")
    second = call(*HELD, **{**SMALL, "raw_set": "another"})
    second.wait_for(lambda: jobs(second), "a job")
    assert len(list((project.root / "runs" / ".plans").iterdir())) == 2
    second.process.terminate()
    assert second.status() == 130, second.said
    assert jobs(first) and not jobs(second)
    assert first.process.poll() is None
    first.kill()
    third = call(*HELD, **{**SMALL, "raw_set": "another"})
    third.wait_for(lambda: "1 Slurm job of a call that was killed: cancelled" in third.said, "it")
    assert not jobs(first)


def test_a_job_that_its_partition_never_starts_ends_the_call_with_the_way_out(
    project, cluster, call
):
    project.add_set()
    cluster.ask("scontrol", "update", "partitionname=all", "maxtime=30")
    run = call(**SMALL)
    assert run.status() != 0, run.said
    assert "Slurm can never start the job 1 (set_" in run.said
    assert "partition all, 2:15:00 asked for). In the profile, ask for less (set-" in run.said
    assert not cluster.ask("squeue", "--noheader")


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives the nodes names of their own")
def test_four_trainings_run_on_both_nodes_and_a_killed_call_leaves_none(project, cluster, call):
    project.add_set()
    sheet = "rank,unet_lr\n2,\n4,\n2,1e-4\n4,1e-4\n"
    (project.root / "night.csv").write_text(sheet)
    train = "{steps: 200, batch_size: 2, rank: 4}"
    config = {**SMALL, "train": train, "matrix": "night.csv"}
    run = call(**config)
    run.wait_for(lambda: len(found(project, ["train/train_log.csv"])) == 4, "four trainings")
    assert len(trained := cluster.busy("train_lora")) == 4
    assert set(trained) == set(slurm.NODES)
    run.kill()
    assert cluster.busy(), "Slurm goes on"

    run = call(**config)
    run.wait_for(lambda: "a call that was killed: cancelled" in run.said, "the jobs left")
    run.wait_for(lambda: len(cluster.busy("train_lora")) == 4, "the trainings again")
    run.process.terminate()
    assert run.status() == 130, run.said
    assert "Traceback" not in run.said
    assert slurm.wait_for(lambda: not cluster.busy())

    run = call(**config)
    run.wait_for(lambda: found(project, ["bench/w*/*.png"]), "a picture")
    cluster.lose(cluster.busy()[0])
    assert run.status() == 0, run.said
    with (project.root / "runs" / "night" / "comparison.csv").open(encoding="utf-8") as file:
        assert len([row for row in csv.DictReader(file) if row["label"]]) == 4
