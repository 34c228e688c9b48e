"""The jobs that profiles/kubernetes sends, and that they do their work where nothing else is."""

import shlex
import shutil
import subprocess

import pytest

from tests import bucket, cluster
from tests.bucket import RemoteProject
from tests.project import SMALL

ON_CPUS = {**SMALL, "bench": "{device: cpu, threads: 2}"}
IMAGE = "registry.example/lorabench:1"


@pytest.fixture
def submitting(tmp_path):
    """A project whose files are in a bucket, and the cluster that it submits to."""
    with bucket.served() as files, cluster.served(tmp_path / "pods") as pods:
        project = RemoteProject(tmp_path / "project", files)
        project.environment["KUBECONFIG"] = str(pods.config)
        folder = project.add_set()
        files.send(folder, project.root)
        shutil.rmtree(folder)
        for command in ("init -q", "add -A"):  # Snakemake sends the files that Git knows
            subprocess.run(["git", *shlex.split(command)], cwd=project.root, check=True)
        yield project, files, pods


def submit(project, *arguments, **config):
    profile = ["--workflow-profile", "profiles/kubernetes", "--container-image", IMAGE]
    status = ["--seconds-between-status-checks", "1"]
    return project.snakemake(*profile, *status, *arguments, check=False, cores=2, **config)


def train(device):
    return f"{{steps: 6, batch_size: 2, rank: 4, device: {device}}}"


def kinds(pods):
    """Return what each job requests, by the rule that it is of."""
    found = {}
    for job in pods.jobs.values():
        (container,) = job["spec"]["template"]["spec"]["containers"]
        words = container["args"][1].split()
        rule = words[words.index("--allowed-rules") + 1].strip("'")
        found.setdefault(rule, []).append(container["resources"])
    return found


def test_a_set_is_normalized_in_a_pod_that_the_schema_accepts(submitting):
    project, files, pods = submitting
    done = submit(project, "--until", "normalize_dataset", **ON_CPUS)
    assert done.returncode == 0, f"{done.stdout}\n{pods.logs()}"
    assert len([one for one in files.files() if "/images/" in one and one.endswith(".png")]) == 4
    (job,) = pods.jobs.values()
    assert cluster.by_schema(job) == job
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE
    assert container["resources"]["limits"] == {
        **container["resources"]["requests"],
        "cpu": "2000m",
    }
    assert bucket.LOGIN["SECRET_KEY"] not in str(job)  # it is in a secret of the cluster

    pods.jobs.clear()
    pods.runs = False
    for device in ("auto", "cpu"):
        submit(
            project, "--until", "train_lora", "--retries", "0", **{**SMALL, "train": train(device)}
        )
    with_gpu, without = [job for job in pods.jobs.values() if "train_lora" in str(job)]
    assert cluster.by_schema(with_gpu) == with_gpu
    kept_for_gpus = [
        job["spec"]["template"]["spec"].get("tolerations") for job in (with_gpu, without)
    ]
    assert [bool(one) for one in kept_for_gpus] == [True, False]
    with_gpu, without = kinds(pods)["train_lora"]
    assert with_gpu["limits"]["nvidia.com/gpu"] == with_gpu["requests"]["nvidia.com/gpu"] == "1"
    assert "nvidia.com/gpu" not in without["limits"]


@pytest.mark.long
def test_a_run_is_trained_benched_and_reported_in_pods(submitting):
    project, files, pods = submitting
    done = submit(project, **ON_CPUS)
    assert done.returncode == 0, f"{done.stdout}\n{pods.logs()}"
    assert any(path.endswith("/report.html") for path in files.files())
    assert all(cluster.by_schema(job) == job for job in pods.jobs.values())
    (cells,) = kinds(pods)["bench_image"]
    assert "nvidia.com/gpu" not in cells["limits"]
    assert cells["limits"]["cpu"] == "2000m", "as many as the server has threads"
