"""Three trainings by one command, of which one fails, to one comparison."""

import csv

import pytest

from tests.integration.test_killed import found, kill_when_there_is
from tests.project import SMALL

SHEET = "rank,unet_lr\n2,\n4,\n4,1e5\n"
FAILS = "4,1e5\n"


def rows(project):
    path = project.root / "runs" / "night" / "comparison.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.long
def test_trainings_are_compared_though_one_was_killed_and_one_fails(project):
    project.add_set()
    sheet = project.root / "night.csv"
    sheet.write_text(SHEET)
    config = {**SMALL, "matrix": "night.csv"}
    kill_when_there_is(project, "train/*.safetensors", **config)
    trained = {path: path.stat().st_mtime_ns for path in found(project, ["train/*.safetensors"])}

    done = project.snakemake(check=False, **config)
    assert done.returncode == 1 and "the training diverged" in done.stdout
    assert "Look at runs/night/comparison.html" in done.stdout and "no result" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in trained} == trained
    assert len([row for row in rows(project) if row["label"]]) == 2
    assert rows(project)[-1]["unet_lr"] == "100000.0" and not rows(project)[-1]["label"]
    assert (project.root / "runs" / "night" / "comparison.html").exists()
    assert len(list((project.root / "datasets/normalized/style").iterdir())) == 1

    sheet.write_text(SHEET.replace(FAILS, ""))
    assert project.planned(**config) == {"compare_trainings": 1}
    project.snakemake(**config)
    assert len(rows(project)) == 2 and all(row["label"] for row in rows(project))

    sheet.write_text(SHEET.replace(FAILS, "8,\n"))
    more = project.planned(**config)
    assert (more["train_lora"], more["bench_image"], more["compare_trainings"]) == (1, 2, 1)
    assert "normalize_dataset" not in more
    sheet.write_text(SHEET.replace(FAILS, ""))
    forced = project.planned("--forcerun", "bench_image", **config)
    assert forced["bench_image"] == 4 and "train_lora" not in forced
