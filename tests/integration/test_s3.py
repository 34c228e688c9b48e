"""Raw sets, runs and LoRAs in a bucket: a killed upload, and other machines that go on."""

import os
import signal
import subprocess

import pytest

from tests.bucket import RemoteProject, served
from tests.project import SMALL

pytestmark = pytest.mark.long

IMAGES = "/images/"
"""In the paths of the normalized pictures."""


@pytest.fixture(scope="module")
def bucket():
    with served() as bucket:
        yield bucket


@pytest.fixture(scope="module")
def machine(bucket, tmp_path_factory):
    """Return another machine that knows the bucket and has nothing else."""
    return lambda name: RemoteProject(tmp_path_factory.mktemp(name) / "project", bucket)


@pytest.fixture(scope="module")
def half_stored(bucket, machine, tmp_path_factory):
    """Kill a first machine once it has stored some of the normalized pictures; return which."""
    first = machine("first")
    folder = first.add_set()
    bucket.send(folder, first.root)
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    process = subprocess.Popen(
        first.command(**SMALL),
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
def second(half_stored, machine):
    """A machine that goes on with what the first began."""
    second = machine("second")
    second.said = second.snakemake(**SMALL).stdout
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
        "report.html",
    }
    page = second.root / "runs" / run / "report.html"
    assert f"Look at runs/{run}/report.html" in second.said
    assert page.read_bytes() == bucket.read(f"runs/{run}/report.html")


def test_a_third_machine_finds_nothing_to_do_and_renders_what_is_new(second, machine, bucket):
    third, before = machine("third"), bucket.files()
    more = {**SMALL, "weights": "0.5,0.7"}
    assert third.planned(**SMALL) == {}
    said = third.snakemake("--until", "bench_image", **more).stdout
    new = {path for path in bucket.files().keys() - before if path.endswith(".png")}
    assert len(new) == 1 and "/bench/w0.70/" in new.pop(), said
    assert not any(
        before[path] != at
        for path, at in bucket.files().items()
        if path.endswith((".safetensors", ".png")) and path in before
    )
