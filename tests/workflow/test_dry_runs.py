"""What the workflow would do: dry runs over a matrix of configs."""

import re
import shutil

import pytest

from lorabench.errors import UserError
from tests.loras import save_lora
from tests.project import ROOT, make_plan

FIRST_RUN = {
    "record_run": 1,
    "normalize_dataset": 1,
    "dataset_page": 1,
    "snapshot_dataset": 1,
    "train_lora": 1,
    "install_lora": 1,
    "record_sweep": 1,
    "bench_preflight": 1,
    "bench_image": 4,
    "bench_metrics": 1,
    "bench_plots": 1,
    "bench_grid": 1,
    "render_reference": 1,
    "bench_verdict": 1,
    "model_card": 1,
    "bench_report": 1,
}


@pytest.mark.parametrize(
    ("config", "cells"),
    [
        ({}, 4),
        ({"weights": "0.5"}, 2),
        ({"weights": "0.5", "baseline": "False"}, 1),
        ({"weights": "0.2,0.4,0.6,0.8,1.0", "seeds": "1,2,3"}, 18),
        ({"weights": "[0, 0.5]", "seeds": "[1, 2]"}, 4),
        ({"weights": "-0.5,0.5"}, 3),
        ({"batch_size": 3}, 4),
        ({"positive": "a cat, with 'quotes' and {braces} and $HOME"}, 4),
        ({"comfy_url": "http://127.0.0.1:8188"}, 4),
        ({"train": "{steps: 3, rank: 4}"}, 4),
        ({"run_id": "my run"}, 4),
        ({"bench_workflow": "config/workflows/gui/drawnworld_lora_bench.json"}, 4),
    ],
)
def test_a_dry_run_lists_every_job_and_leaves_the_tree_untouched(project, config, cells):
    project.add_set()
    before = project.files()
    assert project.planned(raw_set="some_set", **config) == {**FIRST_RUN, "bench_image": cells}
    assert project.files() == before


def test_a_lora_from_elsewhere_is_benched_and_not_trained(project, tmp_path):
    lora = save_lora(tmp_path / "ink {v3}.safetensors")
    project.add_set()
    before = project.files()
    of_training = {"record_run", "dataset_page", "train_lora"}
    of_set = {"normalize_dataset", "snapshot_dataset", "render_reference"}
    jobs = {**FIRST_RUN, "copy_lora": 1}
    beside = {rule: count for rule, count in jobs.items() if rule not in of_training}
    alone = {rule: count for rule, count in beside.items() if rule not in of_set}
    assert project.planned(lora=lora) == alone
    assert project.planned(lora=lora, raw_set="some_set") == beside
    assert project.planned(lora=lora, training_set="datasets/raw/style/some_set") == beside
    assert project.files() == before


def test_a_lora_of_two_files_is_copied_and_installed_twice_and_rendered_as_one(project, tmp_path):
    lora = save_lora(tmp_path / "ink_high_noise.safetensors")
    save_lora(tmp_path / "ink_low_noise.safetensors", 2)
    before = project.files()
    wan = {
        "bench_workflow": "config/workflows/wan22_lora_bench.json",
        "comfy_url": "http://127.0.0.1:8188",
    }
    of_training = {
        *("record_run", "dataset_page", "train_lora"),
        *("normalize_dataset", "snapshot_dataset", "render_reference"),
    }
    jobs = {rule: count for rule, count in FIRST_RUN.items() if rule not in of_training}
    both = {**jobs, "copy_lora": 2, "install_lora": 2}
    assert project.planned(lora=lora, **wan) == both
    one = {**jobs, "copy_lora": 1}
    assert project.planned(lora=lora, bench="{lora_node: 5}", **wan) == one
    assert project.files() == before


@pytest.fixture
def usual(project):
    """A project with the settings that users have."""
    shutil.copy(ROOT / "config" / "config.yaml", project.root / "config" / "config.yaml")
    return project


def test_the_default_has_prompts_and_probes_on_the_bundled_model(usual):
    usual.add_set()
    jobs = usual.planned(raw_set="some_set")
    # 8 prompts at 4 weights; 8 seeds of the trigger alone at these and at 1; 8 prompts without it
    # at 2.
    assert jobs["bench_image"] == 8 * 4 + 8 * 5 + 8 * 2
    quick = usual.planned(raw_set="some_set", probe="quick", weights="0.5")
    assert quick["bench_image"] == 8 * 2 + 4 * 3 + 3 * 2
    theirs = usual.planned(raw_set="some_set", comfy_url="http://127.0.0.1:8188")
    # Of a ComfyUI of one's own: the same prompts, and quick probes.
    assert theirs["bench_image"] == 8 * 4 + 4 * 5 + 3 * 2
    fewer = usual.planned(raw_set="some_set", comfy_url="http://127.0.0.1:8188", prompts="[]",
                          probe="off")  # fmt: skip
    assert fewer["bench_image"] == 4


def test_a_set_without_trigger_words_has_prompts_without_them_and_no_probes(usual):
    for number, caption in enumerate(usual.add_set("no_tags").glob("*.txt")):
        caption.write_text(f"{number} of them")
    assert usual.planned(raw_set="no_tags")["bench_image"] == 8 * 4
    said = usual.snakemake("--dry-run", raw_set="no_tags").stdout
    assert "WITHOUT TRIGGER WORDS" in said and "Say with trigger=" in said


def test_prompts_are_a_list_or_a_file(project):
    project.add_set()
    listed = project.planned(raw_set="some_set", prompts='["a cat", "dog: a dog"]')
    assert listed["bench_image"] == 3 * 4
    (project.root / "mine.txt").write_text("# two\na cat\ndog: {trigger}, a dog\n")
    assert project.planned(raw_set="some_set", prompts="mine.txt")["bench_image"] == 3 * 4


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"prompts": "none.txt"}, "none.txt cannot be read"),
        ({"prompts": '["cat: a", "cat: b"]'}, "two are called cat"),
        ({"probe": "most"}, "probe: 'most'"),
        ({"positive": "{trigger}, a cat", "raw_set": "no_tags"}, "say with trigger="),
        ({"bench": "{difference_maps: true}", "baseline": "False"}, "needs pictures at weight 0"),
    ],
)
def test_prompts_and_probes_typed_wrongly_are_told(project, given, said):
    project.add_set()
    for number, caption in enumerate(project.add_set("no_tags").glob("*.txt")):
        caption.write_text(f"{number} of them")
    done = project.snakemake("--dry-run", check=False, **{"raw_set": "some_set", **given})
    assert done.returncode != 0
    assert said in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize("name", ["ぽにゅ 絵柄", "trigger"])
def test_a_set_may_have_any_name(project, name):
    project.add_set(name)
    assert project.planned(raw_set=name) == FIRST_RUN


def test_regularization_pictures_are_normalized_once_for_several_runs(project):
    for name in ("one", "other", "plain"):
        project.add_set(name)
    for number, caption in enumerate((project.root / "datasets/raw/style/plain").glob("*.txt")):
        caption.write_text(f"thing {number}")
    jobs = project.planned("trained", raw_set="one,other", reg_set="plain", train="{steps: 4}")
    assert (jobs["normalize_dataset"], jobs["train_lora_one"], jobs["train_lora_other"]) == (
        3,
        1,
        1,
    )
    said = project.snakemake("--dry-run", check=False, raw_set="one", reg_set="plan").stdout
    assert "reg_set: there is no raw set plan" in said and "Traceback" not in said


def test_a_picture_with_braces_in_its_name_is_named(project):
    folder = project.add_set()
    (folder / "0.png").rename(folder / "{a} b.png")
    done = project.snakemake("--dry-run", check=False, raw_set="some_set")
    assert done.returncode != 0
    assert "{a} b.png': take the braces out of its name" in done.stdout


def test_a_gui_workflow_that_cannot_be_told_stops_before_the_training(project):
    project.add_set()
    workflow = project.root / "config" / "workflows" / "gui" / "drawnworld_lora_bench.json"
    text = workflow.read_text()
    workflow.write_text(text.replace("ponnyu style, a", "ponnyu style, {a|the}"))
    assert workflow.read_text() != text
    given = {"raw_set": "some_set", "bench_workflow": "config/workflows/gui/" + workflow.name}
    done = project.snakemake("--dry-run", check=False, **given)
    assert done.returncode != 0
    assert "its text has choices in braces" in done.stdout
    project.planned(comfy_url="http://127.0.0.1:9", **given)  # a server is asked later


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"nodes": 1}'])
def test_a_workflow_that_cannot_be_used_stops_before_anything_is_done(project, content):
    project.add_set()
    (project.root / "mine.json").write_text(content)
    done = project.snakemake(
        "--dry-run", check=False, raw_set="some_set", bench_workflow="mine.json"
    )
    assert done.returncode != 0
    assert "mine.json" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_character_profile_reads_its_own_folder(project):
    project.add_set("mofu", profile="characters")
    said = project.snakemake("--verbose", "--dry-run", raw_set="mofu", profile="char").stdout
    assert "char_mofu__mofu-" in said


def test_only_what_was_asked_for(project):
    project.add_set()
    planned = project.planned("dataset", raw_set="some_set")
    assert planned == {"normalize_dataset": 1, "dataset_page": 1}


def test_the_workflow_has_no_lints(project):
    project.add_set()
    said = project.snakemake("--lint", raw_set="some_set").stdout
    assert "in a good condition" in said


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"raw_set": "some_sett"}, "Sets that exist: some_set (profile=style)"),
        ({"raw_set": "some_set", "profile": "char"}, "Sets that exist: some_set (profile=style)"),
        ({"raw_sett": "some_set"}, "did you mean raw_set?"),
        ({"raw_set": "some_set", "weights": "0.4;0.6"}, "weights: '0.4;0.6'"),
        ({"raw_set": "some_set", "base_model": "models/none"}, "base_model: models/none"),
        ({"raw_set": "some_set", "preprocess": "{bucket_step: 20}"}, "multiple of 8"),
        ({"raw_set": "some_set", "bench_workflow": "none.json"}, "there is no file none.json"),
        ({"raw_set": "some_set", "skip_train": "True"}, "skip_train needs run_id"),
        (
            {"raw_set": "some_set", "skip_train": "True", "run_id": "x"},
            "run x has no LoRA",
        ),
        ({"lora": "none.safetensors"}, "lora: there is no file none.safetensors"),
        ({}, "raw_set: is required"),
        ({"raw_set": ""}, "raw_set: is required"),
        ({"raw_set": "some_set", "train": "{steps: 10"}, "train: should be a section"),
    ],
)
def test_a_mistake_stops_before_anything_is_done(project, config, said):
    project.add_set()
    before = project.files()
    done = project.snakemake("--dry-run", check=False, **config)
    assert done.returncode != 0
    assert said in done.stdout
    assert "Traceback" not in done.stdout
    assert project.files() == before


@pytest.mark.parametrize("name", ["2024_01", "007", "2024.10"])
def test_a_set_named_like_a_number_is_hinted_at_and_found(project, name):
    project.add_set(name)
    said = project.snakemake("--dry-run", check=False, raw_set=name).stdout
    (value,) = re.findall(r"write --config 'raw_set=(.*)'\. Sets that exist", said)
    assert project.planned(raw_set=value, run_id=value) == FIRST_RUN


def test_an_empty_set_is_refused(project):
    folder = project.add_set(pictures=0)
    (folder / "notes.txt").write_text("no picture here")
    done = project.snakemake("--dry-run", check=False, raw_set="some_set")
    assert done.returncode != 0
    assert "holds no picture" in done.stdout


@pytest.mark.parametrize(
    ("servers", "cap"), [("embedded", 2), ("http://127.0.0.1:8188,http://127.0.0.1:8189", 4)]
)
def test_two_requests_are_in_flight_for_each_server(project, servers, cap):
    project.add_set()
    there = {"raw_set": "some_set", "comfy_url": servers}
    done = project.snakemake("--verbose", "--until", "record_sweep", **there)
    assert f'Resource("comfyui", {cap})' in done.stdout


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Some_Set", "Did you mean raw_set=some_set?"),
        ("Zubo", "Did you mean raw_set=zubo profile=char?"),
        ("some_set;zubo", "Separate the names of several sets by commas"),
        ("some_set,zubu", "Did you mean raw_set=zubo"),
    ],
)
def test_a_set_that_is_not_there_is_told_which_was_meant(project, monkeypatch, typed, said):
    project.add_set()
    project.add_set("zubo", profile="characters")
    monkeypatch.chdir(project.root)
    config = project.root / "config" / "config.yaml"
    with pytest.raises(UserError) as error:
        make_plan({"raw_set": typed}, config)
    assert said in str(error.value)
    assert make_plan({"raw_set": "zubo"}, config).config.profile == "char"
    with pytest.raises(UserError, match="datasets/raw/characters/zubo exists: add profile=char"):
        make_plan({"raw_set": "zubo", "profile": "style"}, config)


def test_several_raw_sets_are_several_runs_in_one_graph(project):
    project.add_set()
    project.add_set("zubo", profile="characters")
    both = project.planned(raw_set="some_set,zubo")
    trained = {"train_lora_some_set": 1, "train_lora_zubo": 1}
    alone = {rule: 2 * count for rule, count in FIRST_RUN.items() if rule != "train_lora"}
    assert both == {**alone, **trained}
    said = project.snakemake("--dry-run", raw_set="some_set,zubo").stdout
    assert len(re.findall(r"^runs/(some_set|zubo)-[0-9a-f]{8}: ", said, re.MULTILINE)) == 2


def test_a_matrix_is_several_runs_of_one_set_and_one_comparison(project):
    project.add_set()
    before = project.files()
    config = {"raw_set": "some_set", "weights": "0.5"}
    two = project.planned(matrix="{rank: [4, 8]}", **config)
    once = {"normalize_dataset": 1, "dataset_page": 1, "compare_trainings": 1}
    assert two == {rule: 2 * count for rule, count in FIRST_RUN.items()} | once | {"bench_image": 4}
    said = project.snakemake("--dry-run", matrix="{rank: [4, 8]}", **config).stdout
    assert "2 trainings to compare in runs/some_set-rank/comparison.html" in said
    assert re.findall(r"^runs/some_set-[0-9a-f]{8} (.*): ", said, re.M) == ["(rank 4)", "(rank 8)"]
    (project.root / "runs.csv").write_text("rank,steps\n4,\n,10\n8,10\n")
    three = project.planned(matrix="runs.csv", **config)
    assert three["train_lora"] == 3 and three["bench_image"] == 6
    (project.root / "runs.csv").unlink()
    assert project.files() == before


def test_a_run_id_names_one_run(project):
    project.add_set()
    done = project.snakemake("--dry-run", check=False, raw_set="some_set,b", run_id="mine")
    assert "run_id names one run, and raw_set several: some_set,b; leave it out" in done.stdout


def test_a_set_may_have_a_comma_in_its_name(project):
    project.add_set("a,b")
    assert project.planned(raw_set="a,b") == FIRST_RUN
