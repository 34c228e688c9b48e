"""Several LoRAs in one real run: what is rendered, and what is not rendered again."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml
from PIL import Image

from tests.loras import save_lora
from tests.project import SMALL, make_project, run_folder

TRIGGER = {"modelspec.trigger_phrase": "my ink"}
EVALUATED = dict.fromkeys(
    (
        *("bench_metrics", "bench_verdict", "bench_plots", "bench_grid", "bench_report"),
        *("bench_loras", "bench_loras_plot", "model_card"),
    ),
    1,
)
SWEEP = {"lora": "loras", "weights": "0.5", "prompts": '["cat: {trigger}, a cat"]'}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project with a finished run of three epochs."""
    project = make_project(tmp_path_factory.mktemp("several") / "project")
    for number, name in enumerate(("ink-000002", "ink-000004", "ink"), 1):
        save_lora(project.root / "loras" / f"{name}.safetensors", number, TRIGGER)
    (project.root / "loras" / "notes.txt").write_text("the last is best")
    (project.root / "loras" / "older.pt").write_bytes(b"PK")
    project.said = project.snakemake(**SWEEP).stdout
    return project


@pytest.fixture
def lora(finished):
    """Write a LoRA into the folder for as long as the test; give back its content afterwards."""
    folder = finished.root / "loras"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    yield lambda name, number: save_lora(folder / f"{name}.safetensors", number, TRIGGER)
    for path in folder.iterdir():
        path.write_bytes(before[path]) if path in before else path.unlink()


def pictures(project):
    """Return when each picture was written, by its path below `bench/`."""
    bench = run_folder(project) / "bench"
    return {
        path.relative_to(bench).as_posix(): path.stat().st_mtime_ns
        for path in bench.glob("**/w*/*.png")
    }


def test_all_loras_of_a_folder_are_one_run_with_one_weight_0(finished):
    run = run_folder(finished)
    assert run.name == "ink"
    keys = [one["key"] for one in yaml.safe_load((run / "bench/sweep.yaml").read_text())["loras"]]
    assert [key.rpartition("-")[0] for key in keys] == ["ink-000002", "ink-000004", "ink"]
    folders = [f"{key}/{prompt}w0.50" for key in keys for prompt in ("", "prompt-cat/")]
    folders += ["no-lora.my-ink/w0.00", "no-lora.my-ink/prompt-cat/w0.00"]
    assert sorted(pictures(finished)) == sorted(f"{one}/seed123456789_00.png" for one in folders)
    assert "3 LoRAs × 2 prompts × (1 weight + no LoRA) × 1 seed; 8 pictures" in finished.said
    assert "left out: " in finished.said and "older.pt: pickled files are not read" in finished.said


def test_each_picture_is_of_its_own_lora(finished):
    run = run_folder(finished)
    shown = {}
    for path in run.glob("bench/ink*/w0.50/*.png"):
        with Image.open(path) as picture:
            label = json.loads(picture.text["lorabench"])
            shown[path.parts[-3]] = label["lora_sha256"][:8], picture.tobytes()
    assert all(key.endswith(digest) for key, (digest, _) in shown.items())
    assert len({pixels for _, pixels in shown.values()}) == 3


def test_the_verdict_and_the_page_are_on_all_of_them(finished):
    run = run_folder(finished)
    choice = json.loads((run / "bench/verdict.json").read_text())["choice"]
    assert len(choice["each"]) == 3
    end = finished.said.rpartition("Judging the LoRA")[2]
    assert "of 3 LoRAs" in end and "\n  epoch 2: " in end
    grids = {path.relative_to(run / "bench/grid").as_posix() for path in run.rglob("grid/**/*.png")}
    assert {"loras.png", "loras/cat_seed123456789_00.png"} <= grids
    assert (run / "report.html").exists()


def test_again_there_is_nothing_to_do(finished):
    assert finished.planned(**SWEEP) == {}
    folder = finished.root / "loras"
    for path in folder.iterdir():
        path.touch()
    assert finished.planned(**SWEEP) == {}


def test_only_what_is_new_is_rendered(finished, lora):
    swept = {"record_sweep": 1, **EVALUATED}
    weight = finished.planned(**{**SWEEP, "weights": "0.5,0.7"})
    assert weight == {**swept, "bench_image": 6}
    less = finished.planned(
        **{**SWEEP, "lora": "[loras/ink.safetensors,loras/ink-000004.safetensors]"}
    )
    assert less == swept
    lora("ink-000006", 4)
    more = finished.planned(**SWEEP)
    assert more == {**swept, "copy_lora": 1, "install_lora": 1, "bench_image": 2}


def test_forcing_the_bench_renders_all_without_installing(finished):
    planned = finished.planned("--forcerun", "bench_image", **SWEEP)
    assert planned == {"bench_image": 8, **EVALUATED}


@pytest.mark.long
def test_killed_with_another_content_and_one_more_it_goes_on_and_redoes_nothing(finished, lora):
    before = pictures(finished)
    lora("ink-000002", 5)
    lora("ink-000006", 6)
    kill_at_a_picture(finished, **SWEEP)
    killed = pictures(finished)
    assert killed.items() > before.items()
    finished.snakemake(**SWEEP)
    assert pictures(finished).items() >= killed.items()
    assert len(pictures(finished)) == len(before) + 4
    record = yaml.safe_load((run_folder(finished) / "bench/sweep.yaml").read_text())
    assert len(record["loras"]) == 4, "the file of before is out of the sweep"
    assert finished.planned(**SWEEP) == {}


def test_a_training_goes_on_by_itself_to_the_epochs_that_it_kept(project):
    project.add_set()
    config = {**SMALL, "epochs": "all"}
    done = project.snakemake(**config).stdout
    run = run_folder(project)
    (lora,) = run.glob("train/*_some_set__*[!0-9].safetensors")
    kept = sorted(path.stem[-6:] for path in run.glob(f"train/{lora.stem}-*.safetensors"))
    first, going_on, second = done.partition(f": going on with the {len(kept)} epochs that the ")
    assert going_on and len(kept) >= 2, done
    assert "then the same of the epochs that it keeps" in first and "Look at " not in first
    assert f"render {len(kept)} pictures" in second and second.count("Look at ") == 1
    assert f"of {len(kept) + 1} LoRAs" in second and f"epoch {int(kept[0])}: " in second
    folders = {"w0.00", "w0.50", *(f"epoch-{epoch}/w0.50" for epoch in kept)}
    assert pictures(project).keys() == {f"{one}/seed123456789_00.png" for one in folders}
    assert project.planned(**config) == {}
    last = project.planned(**{**config, "epochs": "last"})
    assert last.keys() - EVALUATED.keys() == {"record_sweep"}
    settings = yaml.safe_dump({"epochs": "all", "prompts": [], "probe": "off"})
    (project.root / "config" / "config.yaml").write_text(settings)
    typed = ("--profile=style", "--raw-set=some_set", "--skip-train", f"--run-id={run.name}")
    workflow = "--bench-workflow=config/workflows/drawnworld_lora_bench.json"
    more = (workflow, "--comfy-url=embedded", "--weights=0.5")
    before = pictures(project)
    older = subprocess.run(
        [sys.executable, "scripts/pipeline_run.py", *typed, *more],
        cwd=project.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert older.returncode == 0, older.stderr
    assert pictures(project) == before


def kill_at_a_picture(project, **config):
    """End the workflow with SIGKILL, and its jobs, once there is a new picture."""
    before = pictures(project).keys()
    process = subprocess.Popen(
        project.command(**config),
        cwd=project.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 180
    while not pictures(project).keys() - before:
        assert process.poll() is None, "ended without a picture"
        assert time.monotonic() < deadline, "never came to a picture"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
