"""Workflows that are killed, in every stage: nothing that was published is done again."""

import os
import signal
import subprocess
import time

from tests.project import SMALL, run_folder

KILLED_WHEN_THERE_IS = {
    "record_run": "run.yaml",
    "normalize_dataset": "datasets/normalized/logs/style/*.log",
    "snapshot_dataset": "preprocess_log.csv",
    "train_lora, training": "train/train_log.csv",
    "train_lora, finished": "train/*.safetensors",
    "record_sweep": "bench/sweep.yaml",
    "install_lora": "train/installed.json",
    "bench_preflight": "bench/workflow.json",
    "bench_image, the first": "bench/w*/*.png",
    "bench_image, more": "bench/w0.50/*.png",
    "bench_metrics": "logs/bench_metrics.log",
    "bench_plots": "logs/bench_plots.log",
    "bench_grid": "logs/bench_grid.log",
}
"""Stages, and the sign that ends the workflow in each: its log's beginning, or its last file."""

PUBLISHED = ("run.yaml", "preprocess_log.csv", "train/*.safetensors", "train/installed.json",
             "bench/sweep.yaml", "bench/workflow.json", "bench/w*/*.png")  # fmt: skip


def test_killed_in_every_stage_it_ends_and_does_nothing_twice(project):
    project.add_set(pictures=12)
    config = {**SMALL, "seeds": "1,2", "train": "{steps: 12, batch_size: 2, rank: 4}"}
    published = {}
    for stage, sign in KILLED_WHEN_THERE_IS.items():
        rule = stage.split(",")[0]
        kill_when_there_is(project, sign, "--until", rule, **config)
        now = stamps(project, published)
        assert {path: now[path] for path in published} == published, f"redone up to {stage}"
        published = now
    project.snakemake(**config)
    assert stamps(project, published) == published
    assert len(list((run_folder(project) / "bench").glob("w*/*.png"))) == 4
    assert project.planned(**config) == {}


def test_when_only_the_workflow_is_killed_its_training_ends_too(project):
    project.add_set()
    config = {**SMALL, "train": "{steps: 2000, batch_size: 2, rank: 4}"}
    kill_when_there_is(project, "train/train_log.csv", jobs=False, **config)
    log = run_folder(project) / "train" / "train_log.csv"
    deadline = time.monotonic() + 30
    while True:
        before = log.stat().st_size
        time.sleep(2)
        if log.stat().st_size == before:
            break
        assert time.monotonic() < deadline, "the training goes on"


def kill_when_there_is(project, sign, *arguments, jobs=True, **config):
    """Start the workflow and end it with SIGKILL once the run has a new `sign`; `jobs` too."""
    before = found(project, [sign])
    process = subprocess.Popen(
        project.command(*arguments, **config),
        cwd=project.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 180
    while not found(project, [sign]) - before:
        assert process.poll() is None, f"ended without {sign}"
        assert time.monotonic() < deadline, f"never came to {sign}"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL) if jobs else process.kill()
    process.wait()


def found(project, patterns):
    """Return the run's files of these patterns; the log of the normalizing lies with its set."""
    places = [one if one.startswith("datasets") else f"runs/[!.]*/{one}" for one in patterns]
    return {path for place in places for path in project.root.glob(place)}


def stamps(project, known):
    """Return when each published file was written; those in `known` too, though they be gone."""
    paths = found(project, PUBLISHED) | known.keys()
    return {path: path.stat().st_mtime_ns if path.exists() else None for path in paths}
