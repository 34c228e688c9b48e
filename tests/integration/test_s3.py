"""Raw sets, runs and LoRAs in a bucket: a killed upload, and other machines that go on.

A stand-in for ComfyUI renders, because of a server only the requests count here.
"""

import os
import shutil
import signal
import subprocess
from functools import partial

import pytest

from tests import fake_comfy
from tests.bucket import RemoteProject, served
from tests.project import SMALL

IMAGES = "/images/"
"""In the paths of the normalized pictures."""


@pytest.fixture(scope="module")
def bucket():
    with served() as bucket:
        yield bucket


@pytest.fixture(scope="module")
def comfy(tmp_path_factory):
    """A server; `.loras` is the folder in which each machine installs LoRAs."""
    with fake_comfy.serving() as comfy:
        comfy.draw = partial(fake_comfy.png, size=(64, 64))
        comfy.loras = tmp_path_factory.mktemp("comfy") / "loras"
        yield comfy


@pytest.fixture(scope="module")
def machine(bucket, comfy, tmp_path_factory):
    """Return another machine that knows the bucket and has nothing else."""

    def made(name):
        project = RemoteProject(tmp_path_factory.mktemp(name) / "project", bucket)
        comfy.has_models(project.root / "models", comfy.loras)
        return project

    return made


@pytest.fixture(scope="module")
def config(comfy):
    return {**SMALL, "comfy_url": comfy.url, "lora_install_dir": comfy.loras}


@pytest.fixture(scope="module")
def half_stored(bucket, machine, config):
    """Kill a first machine once it has stored some of the normalized pictures; return which."""
    first = machine("first")
    folder = first.add_set()
    bucket.send(folder, first.root)
    shutil.rmtree(folder)
    process = subprocess.Popen(
        first.command(**config),
        cwd=first.root,
        env={**os.environ, **first.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    begun = []

    def kill_at_the_third(method, path):
        if method == "PUT" and IMAGES in path:
            begun.append(path)
            if len(begun) == 3:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise ConnectionError("the machine is gone")

    bucket.watch = kill_at_the_third
    process.wait()
    bucket.watch = lambda method, path: None
    return {path for path in bucket.files() if IMAGES in path}


@pytest.fixture(scope="module")
def second(half_stored, machine, config):
    """A machine that goes on with what the first began."""
    second = machine("second")
    second.said = second.snakemake(**config).stdout
    return second


def test_a_second_machine_goes_on_behind_a_killed_upload(half_stored, second, bucket):
    stored = bucket.files()
    assert len(half_stored) == 2
    assert len([path for path in stored if IMAGES in path]) > 8  # pictures, captions, a timestamp
    (run,) = {path.split("/")[1] for path in stored if path.endswith("/run.yaml")}
    left = {path.removeprefix(f"runs/{run}/") for path in stored}
    assert left > {
        f"train/style_some_set__{run}.safetensors",
        "train/installed.json",
        "train/README.md",
        "bench/w0.00/seed123456789_00.png",
        "bench/w0.50/seed123456789_00.png",
        "bench/verdict.json",
        "bench/grid/seed123456789_weights.webp",
        "logs/train_lora.log",
        "report.html",
    }
    page = second.root / "runs" / run / "report.html"
    assert f"Look at runs/{run}/report.html" in second.said
    assert page.read_bytes() == bucket.read(f"runs/{run}/report.html")


def test_a_third_machine_installs_the_lora_and_renders_only_what_is_new(
    second, machine, config, comfy, bucket
):
    third, before = machine("third"), bucket.files()
    shutil.rmtree(comfy.loras)
    comfy.requests.clear()
    said = third.snakemake("--until", "bench_image", **{**config, "weights": "0.5,0.7"}).stdout
    after = bucket.files()
    new = {path for path in after.keys() - before if path.endswith(".png")}
    assert len(new) == len(comfy.prompts) == 1 and "/bench/w0.70/" in new.pop(), said
    assert not any(
        after[path] != at for path, at in before.items() if path.endswith((".safetensors", ".png"))
    )
    assert [path.suffix for path in comfy.loras.iterdir()] == [".safetensors"]
