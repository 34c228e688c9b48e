"""The embedding in the workflow: a job of its own, where one is set."""

import pytest


def test_an_embedding_is_one_more_job_and_the_same_run(project):
    project.add_set()
    plain = project.planned(raw_set="some_set")
    embedded = project.planned(raw_set="some_set", bench="{embedding: base}")
    assert embedded == {**plain, "bench_embed": 1}
    said = project.snakemake(
        "--verbose", "--dry-run", raw_set="some_set", bench="{embedding: base}"
    ).stdout
    assert "bench/embedding.csv" in said
    run_ids = {word.split("/")[1] for word in said.split() if word.startswith("runs/some_set-")}
    said = project.snakemake("--verbose", "--dry-run", raw_set="some_set").stdout
    assert {word.split("/")[1] for word in said.split() if word.startswith("runs/some_")} == run_ids


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("models/none", "bench.embedding: models/none is not a folder or ONNX file"),
        ("config", "bench.embedding: config has no config.json"),
    ],
)
def test_an_embedding_that_is_none_stops_before_anything_is_done(project, where, said):
    project.add_set()
    config = {"raw_set": "some_set", "bench": f"{{embedding: {where}}}"}
    done = project.snakemake("--dry-run", check=False, **config)
    assert done.returncode != 0
    assert said in done.stdout
    assert "Traceback" not in done.stdout
