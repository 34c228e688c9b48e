"""Real runs on the embedded default: a real training, a real server, real pictures."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.numpy import load_file

from lorabench import files
from tests.project import SMALL, Project, make_project, run_folder

EVALUATED = dict.fromkeys(
    ("bench_metrics", "bench_verdict", "bench_plots", "bench_grid", "bench_report", "model_card"), 1
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project with one finished run."""
    project = make_project(tmp_path_factory.mktemp("finished") / "project")
    project.add_set()
    project.said = project.snakemake(**SMALL).stdout
    return project


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def test_a_run_leaves_every_path_of_the_design(finished):
    run = run_folder(finished)
    name = f"style_some_set__{run.name}"
    left = {
        "run.yaml",
        "preprocess_log.csv",
        "rejected",
        f"train/{name}.safetensors",
        "train/train_log.csv",
        "train/loss.png",
        "train/installed.json",
        "bench/sweep.yaml",
        "bench/workflow.json",
        "bench/metrics.csv",
        "bench/warnings.json",
        "bench/training_set.json",
        "bench/summary.csv",
        "bench/verdict.json",
        "bench/reference",
        "bench/w0.00/seed123456789_00.png",
        "bench/w0.50/seed123456789_00.png",
        "bench/plots/metrics_by_weight.png",
        "bench/plots/tradeoff.png",
        "report.html",
        "train/README.md",
        "train/overview.webp",
        "bench/grid/overview.png",
        "bench/grid/overview.webp",
        "bench/grid/seed123456789_weights.png",
        "logs/train_lora.log",
        "benchmarks/train_lora.tsv",
    }
    assert {path for path in left if not (run / path).exists()} == set()
    assert len(list((run / "bench" / "reference").glob("*.png"))) == 4
    receipt = json.loads((run / "train" / "installed.json").read_text())
    assert (finished.root / "models" / "loras" / receipt["name"]).is_file()
    assert receipt["name"].startswith(f"{name}-")
    normalized = list((finished.root / "datasets" / "normalized" / "style").iterdir())
    assert [path.name[:9] for path in normalized] == ["some_set-"]


def test_no_unfinished_file_is_left(finished):
    assert [path for path in finished.files() if path.endswith(".tmp")] == []


def test_the_record_says_what_was_resolved(finished):
    record = yaml.safe_load((run_folder(finished) / "run.yaml").read_text())
    assert record["train"]["rank"] == 4
    assert record["preprocess"]["resolution"] == 128
    assert "trigger" not in {**record["preprocess"], **record["identity"]["preprocess"]}
    assert record["versions"]["torch"]
    assert record["identity"]["raw"]["files"] == 8


def test_the_training_log_has_every_step_once(finished):
    with (run_folder(finished) / "train" / "train_log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(1, 7))
    assert all(float(row["loss"]) > 0 for row in rows)


def test_a_picture_carries_its_graph_and_its_origin(finished):
    run = run_folder(finished)
    with Image.open(run / "bench" / "w0.50" / "seed123456789_00.png") as picture:
        text = picture.text
    classes = {node["class_type"] for node in json.loads(text["prompt"]).values()}
    assert {"LoraLoader", "KSampler", "SaveImage"} <= classes
    label = json.loads(text["lorabench"])
    assert (label["run_id"], label["weight"], label["seed"]) == (run.name, 0.5, 123456789)


def test_the_lora_changes_the_picture(finished):
    bench = run_folder(finished) / "bench"
    base = pixels(bench / "w0.00" / "seed123456789_00.png")
    with_lora = pixels(bench / "w0.50" / "seed123456789_00.png")
    assert base.shape == with_lora.shape == (128, 128, 3)
    assert not np.array_equal(base, with_lora)


def test_the_run_ends_with_the_verdict_and_where_to_look(finished):
    verdict = json.loads((run_folder(finished) / "bench/verdict.json").read_text())
    assert "few_prompts" in {finding["code"] for finding in verdict["unknown"]}
    end = finished.said.rpartition("Judging the LoRA")[2]
    assert "Verdict: " in end
    assert (
        "not judged: what the LoRA does to other prompts: only 1 was rendered, and 8 are needed"
        in end
    )
    assert "\nTry next: " in end
    assert "raw_set=some_set" in end
    assert "Look at " in end
    assert "report.html" in end


def test_the_benchmark_is_announced_before_it_starts(finished):
    announced = finished.said.index(
        "The benchmark: 1 prompt × (1 weight + no LoRA) × 1 seed; 2 pictures"
    )
    assert announced < finished.said.index("Normalizing some_set")


def test_the_server_ends_with_the_workflow(finished):
    left = list((run_folder(finished) / "logs").glob("comfy_server.*"))
    assert left and not [path for path in left if path.suffix == ".json"]


def test_again_there_is_nothing_to_do(finished):
    assert finished.planned(**SMALL) == {}


def test_one_more_weight_renders_only_its_cells(finished):
    planned = finished.planned(**{**SMALL, "weights": "0.5,0.7", "seeds": "123456789"})
    assert planned == {"record_sweep": 1, "bench_image": 1, **EVALUATED}


def test_forcing_the_bench_renders_and_evaluates_without_training(finished):
    planned = finished.planned("--forcerun", "bench_image", **SMALL)
    assert planned == {"bench_image": 2, **EVALUATED}


def test_everything_is_evaluated_again_from_the_pictures_alone(finished):
    run = run_folder(finished)
    names = ("metrics.csv", "summary.csv", "verdict.json", "warnings.json")
    before = {name: (run / "bench" / name).read_bytes() for name in names}
    grids = {path: path.read_bytes() for path in (run / "bench/grid").iterdir()}
    for path in (*(run / "bench" / name for name in names), *grids, run / "report.html"):
        path.unlink()
    (log,) = run.glob("logs/comfy_server.*.log")
    server = log.read_bytes()
    assert finished.planned(**SMALL) == EVALUATED
    finished.snakemake(**SMALL)
    assert {name: (run / "bench" / name).read_bytes() for name in names} == before
    assert {path: path.read_bytes() for path in (run / "bench/grid").iterdir()} == grids
    assert (run / "report.html").exists()
    assert log.read_bytes() == server


def test_a_run_with_its_grids_elsewhere_only_lays_them_out_anew(finished):
    run = run_folder(finished)
    for name in ("grid", "plots"):
        (run / "bench" / name).rename(run / name)
    planned = finished.planned(**SMALL)
    for name in ("grid", "plots"):
        (run / name).rename(run / "bench" / name)
    assert planned == dict.fromkeys(("bench_plots", "bench_grid", "model_card"), 1)


def test_a_run_without_its_record_is_left_as_it_is_and_no_other_is_proposed(finished):
    record = run_folder(finished) / "run.yaml"
    content = record.read_bytes()
    record.unlink()
    said = finished.snakemake(**SMALL).stdout
    record.write_bytes(content)
    assert "Look at runs/" in said and "Try next" not in said


def test_another_prompt_renders_again_without_training(finished):
    planned = finished.planned(**SMALL, positive="a {blue} dog")
    assert planned == {"record_sweep": 1, "bench_image": 2, **EVALUATED}


@pytest.mark.parametrize(
    "pattern",
    [
        "datasets/raw/**/*",
        "scripts/**/*.py",
        "Snakefile",
        "rules/*",
        "config/**/*",
        "runs/*/run.yaml",
    ],
)
def test_touching_does_nothing(finished, pattern):
    for path in finished.root.glob(pattern):
        if path.is_file():
            path.touch()
    assert finished.planned(**SMALL) == {}


def test_another_learning_rate_is_another_run_on_the_same_pictures(finished):
    before = finished.files()
    planned = finished.planned(**{**SMALL, "train": "{steps: 6, batch_size: 2, unet_lr: 1e-3}"})
    assert planned["train_lora"] == 1
    assert "normalize_dataset" not in planned
    assert finished.files() == before


def test_another_spelling_of_the_same_files_is_the_same_run(finished):
    root = finished.root
    workflow = root / "config" / "workflows" / "drawnworld_lora_bench.json"
    spelled = {"base_model": root / "models/checkpoints/drawnworld", "bench_workflow": workflow}
    assert finished.planned(**SMALL, **spelled) in ({}, {"record_sweep": 1, **EVALUATED})


def test_another_caption_is_another_run(finished):
    caption = finished.root / "datasets" / "raw" / "style" / "some_set" / "0.txt"
    old = caption.read_text()
    caption.write_text("another caption")
    try:
        planned = finished.planned(**SMALL)
    finally:
        caption.write_text(old)
    assert planned["normalize_dataset"] == planned["train_lora"] == 1
    assert planned["bench_image"] == 2


def test_a_sweep_goes_on_by_itself_and_once(finished, tmp_path):
    project = Project(shutil.copytree(finished.root, tmp_path / "project", symlinks=True))
    judge = project.root / "scripts" / "bench_verdict.py"
    known = "    found = verdict.Verdict('weak')\n    with files.publish(arguments.summary)"
    judge.write_text(judge.read_text().replace("    with files.publish(arguments.summary)", known))
    by_default = {key: value for key, value in SMALL.items() if key != "weights"}
    first, second = project.snakemake(**by_default).stdout.split("; going on with 1 and 1.2\n")
    assert "Look at " not in first
    assert "render 2 pictures" in second
    assert second.count("Look at ") == 1
    bench = run_folder(project) / "bench"
    rendered = {path.parent.name for path in bench.glob("w*/*.png")}
    assert rendered == {"w0.00", "w0.40", "w0.50", "w0.60", "w0.80", "w1.00", "w1.20"}
    again = project.snakemake(**by_default).stdout
    assert "Nothing to be done" in again
    assert "going on" not in again


def test_skip_train_benches_the_lora_that_is_there(finished):
    run_id = run_folder(finished).name
    (finished.root / "datasets" / "raw").rename(finished.root / "datasets" / "away")
    try:
        planned = finished.planned(**SMALL, skip_train="True", run_id=run_id, seeds="5")
    finally:
        (finished.root / "datasets" / "away").rename(finished.root / "datasets" / "raw")
    assert planned == {"record_sweep": 1, "bench_image": 2, **EVALUATED}


def test_a_lora_from_elsewhere_is_benched_by_its_file_alone(finished, tmp_path):
    (made,) = run_folder(finished).glob("train/*.safetensors")
    given = Path(shutil.copy(made, tmp_path / "ink v3.safetensors"))
    pictures = finished.root / "datasets" / "raw" / "style" / "some_set"
    settings = {key: value for key, value in SMALL.items() if key not in ("raw_set", "train")}
    said = finished.snakemake(**settings, lora=str(given)).stdout
    (run,) = (finished.root / "runs").glob("ink*v3-*")
    try:
        assert "the LoRA is called by 'trigger'" in said
        assert files.sha256(next(run.glob("train/*.safetensors"))) == files.sha256(given)
        assert len(list(run.glob("bench/w*/*.png"))) == 2
        assert (run / "report.html").exists()
        assert "training set" in said  # without one, the style cannot be judged
        assert finished.planned(**settings, lora=str(given)) == {}
        beside = finished.planned(**settings, lora=str(given), training_set=str(pictures))
        assert "bench_image" not in beside and beside["bench_metrics"] == 1
    finally:
        shutil.rmtree(run)


@pytest.mark.long
def test_beside_another_set_in_a_second_clone_the_run_has_the_same_tensors_and_pixels(
    finished, project
):
    project.add_set()
    project.add_set("zubo", profile="characters", pictures=3)
    said = project.snakemake(**{**SMALL, "raw_set": "some_set,zubo"}).stdout
    one = run_folder(finished)
    other = project.root / "runs" / one.name
    (further,) = (project.root / "runs").glob("zubo-*")
    assert (further / "report.html").exists()
    assert f"compare_runs.py {other.name} {further.name}" in said
    assert project.planned(**SMALL) == {}
    assert project.planned(**{**SMALL, "raw_set": "zubo", "profile": "char"}) == {}
    lora = f"train/style_some_set__{one.name}.safetensors"
    tensors, others = load_file(one / lora), load_file(other / lora)
    assert tensors.keys() == others.keys()
    assert all(np.array_equal(tensors[key], others[key]) for key in tensors)
    for picture in sorted((one / "bench").glob("w*/*.png")):
        twin = other / picture.relative_to(one)
        assert np.array_equal(pixels(picture), pixels(twin)), picture.name


def test_a_run_named_by_hand_is_bound_to_its_contents(project):
    project.add_set()
    named = {**SMALL, "run_id": "mine"}
    project.snakemake("runs/mine/run.yaml", **named)
    assert project.planned("runs/mine/run.yaml", **named) == {}
    done = project.snakemake(
        "--dry-run", check=False, **{**named, "train": "{steps: 6, batch_size: 2, rank: 8}"}
    )
    assert done.returncode != 0
    assert "train.rank: 4 -> 8" in done.stdout
    project.add_set("twin")
    done = project.snakemake("--dry-run", check=False, **{**named, "raw_set": "twin"})
    assert done.returncode != 0
    assert "raw_set: 'some_set' -> 'twin'" in done.stdout
