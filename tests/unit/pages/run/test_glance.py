"""Which pictures the first screen of the report shows."""

import pytest

from lorabench.bench.verdicts.verdict import Verdict
from lorabench.pages import finished_run
from lorabench.pages.run import contents, glance
from tests.finished import make_run


@pytest.fixture
def made(tmp_path):
    """A run of two prompts at three weights."""
    weights = (0.0, 0.4, 0.8, 1.2)
    return finished_run.read(*make_run(tmp_path, weights=weights, size=16, training=12))


def files(made):
    """The files of the pictures that are shown, by block and row."""
    chosen = glance.choose(made, contents.training(made))
    names = {f"p{at}": one.values["file"] for at, one in enumerate(made.measured)}
    return [[[names[name] for name in row] for row in block] for block in chosen.blocks]


def test_each_prompt_stands_before_a_second_seed_of_one(made):
    assert files(made) == [
        [
            ["w0.00/seed1_00.png", "w0.80/seed1_00.png"],
            ["prompt-lighthouse/w0.00/seed1_00.png", "prompt-lighthouse/w0.80/seed1_00.png"],
            ["w0.00/seed2_00.png", "w0.80/seed2_00.png"],
        ]
    ]


@pytest.mark.parametrize(
    ("verdict", "weight"),
    [(Verdict("works", weight=1.2), 1.2), (Verdict("fried"), 0.8), (None, 0.8)],
)
def test_the_weight_is_the_one_to_use_or_the_usual_one(made, verdict, weight):
    made.verdict = verdict
    assert glance.choose(made, []).weights == [0.0, weight]


def test_training_pictures_take_the_place_of_further_ones(made):
    chosen = glance.choose(made, contents.training(made))
    assert (len(chosen.training), len(chosen.blocks)) == (9, 1)
    made.training_set, made.training = None, []
    chosen = glance.choose(made, contents.training(made))
    assert (len(chosen.training), len(chosen.blocks)) == (0, 2)


def test_a_sweep_without_weight_0_or_with_missing_pictures_shows_what_is_there(made):
    (made.bench / "w0.80" / "seed1_00.png").unlink()
    assert files(made)[0][0] == ["w0.00/seed2_00.png", "w0.80/seed2_00.png"]
    made.measured = [one for one in made.measured if one.picture.weight]
    assert glance.choose(made, []).weights == [0.8]
    made.measured = []
    assert glance.choose(made, []).blocks == []
