"""Which pairs of a picture and its nearest training picture the report shows."""

import pytest

from lorabench.bench.verdicts.verdict import Verdict
from lorabench.report import contents, copies, run
from tests.results import make_run


@pytest.fixture
def made(tmp_path):
    """A run at four weights, probed with four seeds of the trigger words alone."""
    return run.read(*make_run(tmp_path, prompts=1, weights=(0.0, 0.5, 1.0, 1.5), seeds=(1,)))


def found(made):
    return copies.find(made, contents.training(made))


@pytest.mark.parametrize(("told", "shown"), [(0.5, 0.5), (1.5, 1.5), (None, 1.0), (0.7, 1.0)])
def test_the_weight_is_the_one_to_use_or_the_highest_up_to_1(made, told, shown):
    made.verdict = Verdict("works", None, told)
    assert found(made)["weight"] == shown


def test_above_1_alone_the_lowest_is_shown(made):
    made.verdict = None
    made.metrics = [row for row in made.metrics if float(row["weight"]) > 1]
    assert found(made)["weight"] == 1.5


def test_the_most_similar_of_the_trigger_alone_come_first(made):
    made.verdict = None
    rows = [row for row in made.metrics if row["file"].startswith("trigger/w1.00/")]
    made.metrics += [row | {"copy_similarity": f"{0.01 * at}"} for at, row in enumerate(rows * 2)]
    pairs = found(made)["pairs"]
    assert (len(pairs), found(made)["drawn"]) == (copies.SHOWN, 12)
    values = [pair.similarity for pair in pairs]
    assert values == sorted(values, reverse=True)
    assert max(float(row["copy_similarity"]) for row in rows) == values[0]
    best = made.metrics[int(pairs[0].drawn[1:])]
    assert best["file"].startswith("trigger/w1.00/")
    assert best["nearest"].endswith(pairs[0].training.path.name)
    assert pairs[0].mirrored == (best["nearest_mirrored"] == "True")


def test_without_a_probe_or_a_training_set_there_are_no_pairs(made):
    made.dataset = None
    assert (found(made)["drawn"], found(made)["pairs"]) == (4, [])
    made.metrics = [row for row in made.metrics if row["variant"] != "trigger"]
    assert found(made) == {"weight": None, "drawn": 0, "pairs": []}
