"""When the servers are checked, and that no picture is lost to a server that cannot render."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from base64 import b64encode

import pytest

from lorabench.sweep import origin
from lorabench.sweep.record import SweepRecord
from tests.fake_comfy import serving
from tests.loras import save_lora
from tests.project import Project, make_project

CONFIG = {
    "raw_set": "some_set",
    "skip_train": "True",
    "run_id": "mine",
    "weights": "0.5",
    "bench": "{checkpoint: drawnworld}",
}
FORCE = ("--forcerun", "bench_image")


def write_lora(project, value=1.0):
    save_lora(project.root / "runs/mine/train/style_some_set__mine.safetensors", value)


class Bench:
    """A project whose cells, and nothing behind them, are rendered by a fake server."""

    def __init__(self, project, fake):
        self.project, self.fake = project, fake
        fake.has_models(project.root / "models")

    def run(self, *arguments, check=True, **changes):
        """Render weights 0 and 0.5, or others; forget what the server was asked before."""
        self.fake.requests.clear()
        config = {**CONFIG, "comfy_url": self.fake.url, **changes}
        cells = [f"{weight:.2f}" for weight in {0.0, *map(float, config["weights"].split(","))}]
        targets = [f"runs/mine/bench/w{cell}/seed123456789_00.png" for cell in cells]
        return self.project.snakemake(*targets, *arguments, check=check, **config)

    @property
    def checks(self):
        return [path for _, path, _ in self.fake.requests].count("/system_stats")

    @property
    def rendered(self):
        weights = [prompt["2"]["inputs"]["strength_model"] for prompt in self.fake.prompts]
        return sorted(weights)

    def pictures(self):
        found = (self.project.root / "runs/mine/bench").glob("w*/*.png")
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}

    def change_workflow(self, **inputs):
        """Give the run's sampler other inputs; returns the setting that names the workflow."""
        source = self.project.root / "config/workflows/drawnworld_lora_bench.json"
        graph = json.loads(source.read_text())
        graph["6"]["inputs"] |= inputs
        (self.project.root / "mine.json").write_text(json.dumps(graph))
        return {"bench_workflow": "mine.json"}


@pytest.fixture
def fake():
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project whose two cells are rendered."""
    project = make_project(tmp_path_factory.mktemp("finished") / "project")
    write_lora(project)
    with serving() as server:
        bench = Bench(project, server)
        project.said = bench.run().stdout
        assert bench.rendered == [0, 0.5]
        assert bench.checks == 2  # before the LoRA was installed, and with it
    return project


@pytest.fixture
def bench(finished, fake, tmp_path):
    """A copy of the finished project, with a server of its own."""
    root = shutil.copytree(finished.root, tmp_path / "project", symlinks=True)
    return Bench(Project(root), fake)


def dead_url():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_the_first_run_checks_before_the_first_cell_and_keeps_the_graph(finished):
    said = finished.said
    assert said.index(": ComfyUI ") < said.index("Rendering 2 pictures")
    kept = json.loads((finished.root / "runs/mine/bench/workflow.json").read_text())
    source = finished.root / "config/workflows/drawnworld_lora_bench.json"
    assert kept == json.loads(source.read_text())


def test_a_finished_run_asks_the_server_nothing(bench):
    assert "Nothing to be done" in bench.run(comfy_url=dead_url()).stdout


def test_a_dead_server_stops_before_a_picture_is_deleted(bench):
    before = bench.pictures()
    done = bench.run(*FORCE, comfy_url=dead_url(), check=False)
    assert done.returncode != 0
    assert "no ComfyUI server answers" in done.stdout
    assert "docker compose -f comfy-docker/docker-compose.yml up -d" in done.stdout
    assert done.stdout.count("no ComfyUI server answers") == 1
    assert "Stopped before the first job" in done.stdout
    assert "Traceback" not in done.stdout
    assert 'File "' not in done.stdout  # Snakemake tells so where an exception came through
    assert not list((bench.project.root / ".snakemake/locks").glob("*"))
    assert bench.pictures() == before


def test_the_pictures_are_measured_again_without_a_server(bench):
    before = bench.pictures()
    config = {**CONFIG, "comfy_url": dead_url()}
    done = bench.project.snakemake("runs/mine/bench/verdict.json", **config)
    assert "Checking the ComfyUI servers" not in done.stdout
    assert (bench.project.root / "runs/mine/bench/verdict.json").exists()
    assert bench.pictures() == before


def test_a_dry_run_asks_nothing(bench):
    config = {**CONFIG, "comfy_url": dead_url()}
    jobs = bench.project.planned(*FORCE, **config)
    assert "bench_image" in jobs
    assert "bench_preflight" not in jobs


def test_rendering_anew_is_checked_first_and_only_once(bench):
    before = bench.pictures()
    bench.run(*FORCE)
    assert bench.checks == 1
    assert bench.fake.requests[0][1] == "/system_stats"
    assert bench.rendered == [0, 0.5]
    assert all(bench.pictures()[path] != content for path, content in before.items())


def test_a_new_weight_is_checked_and_rendered_alone(bench):
    before = bench.pictures()
    bench.run(weights="0.5,0.7")
    assert bench.checks == 1
    assert bench.rendered == [0.7]
    assert before.items() <= bench.pictures().items()


def test_after_a_failed_cell_the_next_run_checks_again_and_renders_that_cell(bench):
    bench.fake.failure = [["execution_interrupted", {}]]
    done = bench.run(weights="0.7", check=False)
    assert done.stdout.count("someone pressed interrupt") == 1
    assert "the whole log: runs/mine/logs/bench_image/w0.70_seed" in done.stdout
    bench.fake.failure = None
    bench.run(weights="0.7")
    assert bench.checks == 1
    assert bench.rendered == [0.7]


def test_after_a_killed_run_the_next_one_checks_again(bench):
    bench.fake.hold = "running"
    project = bench.project
    process = subprocess.Popen(
        project.command(
            "runs/mine/bench/w0.70/seed123456789_00.png",
            **{**CONFIG, "weights": "0.7", "comfy_url": bench.fake.url},
        ),
        cwd=project.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not bench.fake.running:
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    bench.fake.hold = None
    bench.fake.running.clear()  # the server, too, begins again
    bench.run(weights="0.7")
    assert bench.checks == 1
    assert bench.rendered == [0.7]


def test_another_workflow_is_checked_and_renders_all_a_touched_one_nothing(bench):
    (bench.project.root / "config/workflows/drawnworld_lora_bench.json").touch()
    assert "Nothing to be done" in bench.run().stdout
    bench.run(**bench.change_workflow(steps=3))
    assert bench.fake.requests[0][1] == "/system_stats"
    assert bench.rendered == [0, 0.5]
    assert bench.fake.prompts[0]["6"]["inputs"]["steps"] == 3


def test_a_workflow_that_cannot_run_costs_neither_pictures_nor_the_kept_graph(bench):
    before = bench.pictures()
    done = bench.run(**bench.change_workflow(sampler_name="eulr"), check=False)
    assert done.returncode != 0
    assert "sampler_name 'eulr' is not on the server; nearest there: euler" in done.stdout
    assert bench.rendered == []
    assert bench.pictures() == before
    bench.run(weights="0.5,0.7")
    assert bench.rendered == [0.7]


def test_a_gui_workflow_is_converted_with_the_servers_help_and_kept(bench):
    gui = {"bench_workflow": "config/workflows/gui/drawnworld_lora_bench.json"}
    bench.run(**gui)
    assert bench.rendered == [0, 0.5]
    kept = json.loads((bench.project.root / "runs/mine/bench/workflow.json").read_text())
    source = bench.project.root / "config/workflows/drawnworld_lora_bench.json"
    api = json.loads(source.read_text())
    assert {node: body["inputs"] for node, body in kept.items()} == {
        node: body["inputs"] for node, body in api.items()
    }
    bench.run(**gui, weights="0.5,0.7")
    assert bench.rendered == [0.7]


def test_a_gui_workflow_ends_in_grids_with_its_prompt(bench):
    grid = "runs/mine/bench/grid/overview.png"
    bench.run(grid, bench_workflow="config/workflows/gui/drawnworld_lora_bench.json")
    assert (bench.project.root / grid).exists()
    prompt = bench.fake.prompts[0]["3"]["inputs"]["text"]
    rendered = bench.project.root / "runs/mine/bench"
    pictures = SweepRecord.read(rendered / "sweep.yaml").pictures_in(rendered)
    assert origin.prompt(pictures) == prompt


def test_other_tensors_in_the_lora_are_checked_and_render_all(bench):
    write_lora(bench.project, value=2.0)
    bench.run()
    assert bench.fake.requests[0][1] == "/system_stats"
    assert bench.rendered == [0, 0.5]
    names = {prompt["2"]["inputs"]["lora_name"] for prompt in bench.fake.prompts}
    assert len(names) == 1
    assert names < set(bench.fake.library.names("loras"))


def test_a_job_of_a_cluster_does_not_check_again(bench):
    """Snakemake starts such jobs without hooks."""
    bench.run("--no-hooks", *FORCE)
    assert bench.checks == 0
    assert bench.rendered == [0, 0.5]


def test_what_a_server_lacks_is_told_before_the_training(project, fake):
    project.add_set()
    fake.has_models(project.root / "elsewhere")
    done = project.snakemake(check=False, raw_set="some_set", comfy_url=fake.url)
    assert done.returncode != 0
    assert "ckpt_name 'drawnworld' is not on the server; it has none at all" in done.stdout
    assert "Training" not in done.stdout
    assert not list(project.root.glob("runs/*/train"))
    assert not (project.root / "datasets/normalized").exists()


@pytest.mark.parametrize(
    ("muted", "words"),
    [
        (1, "checkpoint cannot be set: no node with a ckpt_name or unet_name feeds"),
        (5, "its input latent_image is required and not given"),
    ],
)
def test_what_the_embedded_server_cannot_run_is_told_before_the_training(project, muted, words):
    project.add_set()
    path = project.root / "config/workflows/gui/drawnworld_lora_bench.json"
    gui = json.loads(path.read_text())
    next(node for node in gui["nodes"] if node["id"] == muted)["mode"] = 2
    (project.root / "mine.json").write_text(json.dumps(gui))
    done = project.snakemake(check=False, raw_set="some_set", bench_workflow="mine.json")
    assert done.returncode != 0
    assert words in done.stdout
    assert f"muted or bypassed in this workflow: {muted} (" in done.stdout
    assert "Stopped before the first job" in done.stdout
    assert "starting the embedded server" not in done.stdout
    assert not list(project.root.glob("runs/*/train"))
    assert not (project.root / "datasets/normalized").exists()


def test_a_password_reaches_the_server_and_is_left_nowhere_else(bench):
    bench.fake.login = f"Basic {b64encode(b'me:secretword').decode()}"
    done = bench.run(*FORCE, comfy_url=bench.fake.url.replace("://", "://me:secretword@"))
    assert bench.rendered == [0, 0.5]
    assert "secretword" not in done.stdout  # where Snakemake prints its command line
    found = [path for path in bench.project.root.rglob("*") if path.is_file()]
    assert any(".snakemake/log" in str(path) for path in found)
    assert [path for path in found if b"secretword" in path.read_bytes()] == []


def test_a_server_that_wants_a_password_stops_before_a_picture_is_deleted(bench):
    before = bench.pictures()
    bench.fake.login = "somebody's"
    done = bench.run(*FORCE, check=False)
    assert "wants a name and a password (HTTP 401); put them into comfy_url" in done.stdout
    assert bench.pictures() == before
