"""The older command line, as its users type it, on the embedded server."""

import json
import subprocess
import sys

import pytest
import yaml

from tests.project import make_project, run_folder

WORKFLOW = "config/workflows/gui/drawnworld_lora_bench.json"  # as ComfyUI saves it
TYPED = ("--profile", "style", "--raw-set", "some_set", "--bench-workflow", WORKFLOW)
TINY = {"steps": 4, "batch_size": 2, "rank": 4}


class OlderCommandLine:
    """A project in which the older command line is typed."""

    def __init__(self, project):
        self.project, self.root = project, project.root
        project.add_set()
        settings = {"train": TINY, "prompts": [], "probe": "off"}
        (self.root / "config" / "config.yaml").write_text(yaml.safe_dump(settings))
        workflow = self.root / WORKFLOW
        drawn = json.loads(workflow.read_text())
        (sampler,) = (node for node in drawn["nodes"] if node["type"] == "KSampler")
        sampler["widgets_values"][2] = 2  # steps
        workflow.write_text(json.dumps(drawn))

    def type(self, *arguments):
        return subprocess.run(
            [sys.executable, "scripts/pipeline_run.py", *TYPED, *arguments],
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project with one finished run, and what was said."""
    typed = OlderCommandLine(make_project(tmp_path_factory.mktemp("older") / "project"))
    typed.done = typed.type(
        *("--resize", "--yes", "--fix-owner", "--comfy-url", "embedded"),
        *("--weights", "0.4,0.6,0.8", "--seeds", "123456789,987654321"),
    )
    assert typed.done.returncode == 0, typed.done.stderr
    return typed


def last_lines(done, number=2):
    return done.stderr.splitlines()[-number:]


def test_it_leaves_a_whole_run(finished):
    run = run_folder(finished.project)
    pictures = sorted(str(p.relative_to(run / "bench")) for p in run.glob("bench/w*/*.png"))
    assert pictures == [
        f"w{weight}/seed{seed}_00.png"
        for weight in ("0.00", "0.40", "0.60", "0.80")
        for seed in (123456789, 987654321)
    ]
    lora = f"runs/{run.name}/train/style_some_set__{run.name}.safetensors"
    assert last_lines(finished.done, 1) == [f"The LoRA: {lora}"]
    for name in (
        lora,
        f"runs/{run.name}/bench/grid/overview.png",
        f"runs/{run.name}/preprocess_log.csv",
    ):
        assert (finished.root / name).is_file(), name
    assert finished.done.stdout.count("everything in datasets output belongs to user") == 1


def test_the_lora_is_benched_again_without_the_pictures(finished):
    name = run_folder(finished.project).name
    (finished.root / "datasets").rename(finished.root / "away")
    try:
        done = finished.type(
            *("--skip-train", "--run-id", name, "--comfy-url", "embedded", "--weights", "0.5")
        )
    finally:
        (finished.root / "away").rename(finished.root / "datasets")
    assert done.returncode == 0, done.stderr
    assert len(list((finished.root / "runs" / name / "bench" / "w0.50").iterdir())) == 1


def test_a_set_is_made_again_without_training_again(finished):
    name = run_folder(finished.project).name
    lora = finished.root / "runs" / name / "train" / f"style_some_set__{name}.safetensors"
    (log,) = finished.root.glob("datasets/normalized/style/*/preprocess_log.csv")
    before = lora.stat().st_mtime_ns, log.stat().st_mtime_ns
    arguments = ("--run-id", name, "--comfy-url", "embedded", "--skip-bench", "--resize")
    refused = finished.type(*arguments)
    assert refused.returncode == 1
    assert "give --yes to make it again" in refused.stderr
    done = finished.type(*arguments, "--yes")
    assert done.returncode == 0, done.stderr
    assert lora.stat().st_mtime_ns == before[0]
    assert log.stat().st_mtime_ns > before[1]


def test_a_server_that_is_not_there_is_said_last(finished):
    name = run_folder(finished.project).name
    done = finished.type(
        *("--skip-train", "--run-id", name, "--comfy-url", "http://127.0.0.1:9", "--seeds", "5")
    )
    assert done.returncode != 0
    *error, ended, last = last_lines(done, 6)
    assert "error: " in "".join(error)
    assert "no ComfyUI server answers at http://127.0.0.1:9" in "".join(error)
    assert ended == f"Run {name} did not finish; its logs: runs/{name}/logs"
    assert last == f"To go on with it, type the command again with --run-id {name}"


NO_LOG = """
while (($#)); do [[ $1 == --output ]] && out=$2; shift; done
mkdir -p "$out/images" "$out/rejected"
"""


def test_another_resize_script_without_a_log_is_named(project):
    typed = OlderCommandLine(project)
    (typed.root / "my resize.bash").write_text(NO_LOG)
    done = typed.type(
        *("--resize", "--comfy-url", "embedded", "--resize-script", "my resize.bash"),
        "--skip-bench",
    )
    assert done.returncode == 1
    said = "\n".join(last_lines(done, 8))
    assert "preprocess_log.csv is missing: my resize.bash has to write it" in said
