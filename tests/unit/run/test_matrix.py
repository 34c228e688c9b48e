"""Several trainings in one call: how a matrix is read, and what becomes of it."""

import pytest

from lorabench.errors import UserError
from lorabench.run import matrix
from lorabench.run.planning import make_plans
from tests.project import ROOT

DEFAULTS = ROOT / "config" / "config.yaml"


def plans(given, **more):
    return make_plans({"raw_set": "ponnyu_v1", "matrix": given, **more}, DEFAULTS)


def trained(found, *names):
    return [tuple(getattr(plan.config.train, name) for name in names) for plan in found.values()]


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "night one.csv"
    path.write_bytes(text.encode(encoding))
    return str(path)


def test_each_value_is_trained_with_each():
    found = plans("{rank: [8, 16], train.unet_lr: [2e-3, 4e-3]}")
    assert trained(found, "rank", "unet_lr") == [(8, 0.002), (8, 0.004), (16, 0.002), (16, 0.004)]
    first = next(iter(found.values()))
    assert first.varied == "rank 8, unet_lr 0.002"
    assert str(first.comparison.page) == "runs/ponnyu_v1-rank-unet_lr/comparison.html"
    assert len({plan.paths.normalized for plan in found.values()}) == 1


def test_a_run_of_a_matrix_is_the_one_by_hand():
    by_hand = make_plans({"raw_set": "ponnyu_v1", "train": {"rank": 8}}, DEFAULTS)
    assert by_hand.keys() < plans("{rank: [8, 16]}").keys()


def test_one_more_value_keeps_the_comparison():
    names = {
        next(iter(plans(given).values())).comparison.name
        for given in ("{rank: [8, 16]}", {"rank": [4, 8, 16]}, {"train": {"rank": [2]}})
    }
    assert names == {"ponnyu_v1-rank"}
    folder = "datasets/raw/style/ponnyu_v1/"
    (plan, *_) = plans("{rank: [8, 16]}", raw_set=folder).values()
    assert plan.comparison.name == "ponnyu_v1-rank"
    (plan, *_) = plans("{rank: [8, 16]}", raw_set="ponnyu_v1,mofu_v1").values()
    assert plan.comparison.name == "ponnyu_v1-mofu_v1-rank"
    assert plan.varied == "raw_set ponnyu_v1, rank 8"


def test_a_value_without_a_list_holds_for_all():
    found = plans("{rank: [8, 16], steps: 10}", train={"alpha": 3})
    assert trained(found, "rank", "steps", "alpha") == [(8, 10, 3), (16, 10, 3)]
    assert [plan.varied for plan in found.values()] == ["rank 8", "rank 16"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_sheet_has_a_row_for_each_and_an_empty_cell_is_as_usual(tmp_path, separator):
    lines = [("rank", "train.steps", "trigger"), ("8", "", ""), ("", " 20 ", "ponnyu"), ()]
    sheet = write(tmp_path, "\n".join(map(separator.join, lines)), "utf-8-sig")
    found = plans(sheet, train={"steps": 30})
    assert trained(found, "rank", "steps") == [(8, 30), (16, 20)]
    assert [plan.varied.rpartition(",")[0] for plan in found.values()] == [
        "rank 8, steps 30", "rank 16, steps 20"]  # fmt: skip
    assert next(iter(found.values())).comparison.name == "night one"


def test_sets_and_names_may_be_in_a_sheet(tmp_path):
    sheet = write(tmp_path, "run_id,raw_set\none,ponnyu_v1\nother,mofu_v1\n")
    found = make_plans({"matrix": sheet}, DEFAULTS)
    assert [(key, plan.config.profile) for key, plan in found.items()] == [
        ("one", "style"), ("other", "char")]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{rnk: [8, 16]}", "rnk: no such setting; did you mean train.rank?"),
        ("{network_dim: [8, 16]}", "did you mean train.rank?"),
        ("{comfy_url: [a, b]}", "comfy_url is the same for all runs of a call"),
        ("{bench.threads: [1, 2]}", "bench.threads is the same for all runs"),
        ("{threads: [1, 2]}", "train.threads is the same for all runs"),
        ("{base_model: [a, b]}", "base_model is the same for all runs"),
        ("{rank: 8, 16}", "put several values in [ ]"),
        ("{}", "is empty; write it as in matrix="),
        ("{rank: []}", "rank has no values"),
        ("{rank: [8], train.rank: [9]}", "train.rank is there twice"),
        ("{rank: [8, sixteen]}", "matrix, rank sixteen: train.rank: 'sixteen': should be a whole"),
        ("{rank: [8, 16, 8.0]}", "both are the run ponnyu_v1-f4231059; leave one out"),
        ("{save_every_epochs: [1, 2]}", "both are the run "),
        ("{raw_set: [ponnyu_v1, pony]}", "matrix, raw_set pony: raw_set:"),
        ("{rank: [8, 16]", "is no YAML"),
        ([8, 16], "should be lists of values or a CSV file"),
        ("none.csv", "there is no file none.csv"),
    ],
)
def test_mistakes_are_said(given, said):
    with pytest.raises(UserError) as error:
        plans(given)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rank,steps\n8,10\n8,10\n", "night one.csv, line 2, and"),
        ("rank,steps\n\n8,ten\n", "night one.csv, line 3: train.steps: 'ten': should be a whole"),
        ("rank,rank\n8,10\n", "two columns are called train.rank"),
        ("rank\n8,10\n", "line 2: 2 cells, and 1 columns"),
        ("rank\n", "a line for each training"),
        ("rank,weights\n8,0.4\n", "weights is the same for all runs"),
        ("unet_lr;rank\n0,002;8\n", "line 2: train.unet_lr: '0,002': should be a number"),
    ],
)
def test_mistakes_in_a_sheet_are_said_with_their_line(tmp_path, text, said):
    with pytest.raises(UserError) as error:
        plans(write(tmp_path, text))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"run_id": "mine"}, "run_id names one run, and matrix lists several"),
        ({"lora": "ink.safetensors"}, "lora trains nothing"),
        ({"skip_train": True, "run_id": None}, "skip_train trains nothing"),
    ],
)
def test_a_matrix_is_of_trainings(more, said):
    with pytest.raises(UserError, match=said):
        plans("{rank: [8, 16]}", **more)


def test_an_error_that_is_not_of_a_row_names_none():
    with pytest.raises(UserError, match=r"^seeds: "):
        plans("{rank: [8, 16]}", seeds="x")


def test_a_comparison_is_not_put_into_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "a-rank" / "bench").mkdir(parents=True)
    with pytest.raises(UserError, match="runs/a-rank is a run"):
        matrix.check_name("a-rank", {})
