"""Which pairs of a picture and its nearest training picture the report shows."""

from dataclasses import replace

import pytest

from lorabench.bench.verdicts.verdict import Verdict
from lorabench.pages import finished_run
from lorabench.pages.run import contents, copies
from tests.finished import make_run


@pytest.fixture
def made(tmp_path):
    """A run at four weights, probed with four seeds of the trigger words alone."""
    return finished_run.read(
        *make_run(tmp_path, prompts=1, weights=(0.0, 0.5, 1.0, 1.5), seeds=(1,))
    )


def found(made):
    return copies.find(made, contents.training(made))


def alike(made, similarity, excess):
    """Let the first picture of the trigger words alone be so like a training picture."""
    chosen = next(
        one.picture
        for one in made.measured
        if (one.picture.probe, one.picture.weight) == ("trigger", 1)
    )
    numbers = {"copy_similarity": str(similarity), "copy_excess": str(excess)}
    others = {"copy_similarity": "0.5", "copy_excess": "0.1"}
    made.measured = [
        replace(one, values=one.values | (numbers if one.picture is chosen else others))
        for one in made.measured
    ]
    made.verdict = None
    return next(one for one in made.measured if one.picture is chosen)


def test_a_copy_is_near_a_training_picture_and_nearer_than_without_the_lora(made):
    copy = alike(made, 0.95, 0.5)
    assert found(made).copied == 1
    (pair, *others) = found(made).pairs
    seed = str(copy.picture.seed)
    assert (pair.copied, pair.similarity, pair.seed, pair.weight) == (True, 0.95, seed, 1.0)
    assert pair.training.path.name == copy.values["nearest"].rsplit("/")[-1]
    assert not any(one.copied for one in others)
    alike(made, 0.95, 0.1)
    assert found(made).copied == 0 and found(made).pairs[0].similarity == 0.95


def test_the_limits_are_those_of_the_verdict(made):
    alike(made, 0.6, 0.5)
    assert found(made).copied == 0
    made.verdict = Verdict("works", thresholds={"copy_similarity": 0.55, "other": 1.0})
    assert (found(made).copied, found(made).limit) == (1, 0.55)


def test_weights_up_to_1_count_and_above_only_without_others(made):
    assert found(made).highest == 1.0
    assert found(made).compared == 2 * 1 + 2 * 4  # weights by seeds: the prompt, the trigger alone
    made.measured = [one for one in made.measured if one.picture.weight > 1]
    assert found(made).highest == 1.5


def test_a_prompt_and_seed_stand_once_the_most_similar_first(made):
    made.verdict = None
    pairs = found(made).pairs
    assert len({(pair.prompt["en"], pair.seed) for pair in pairs}) == len(pairs) == 5
    by_copy = [(not pair.copied, -pair.similarity) for pair in pairs]
    assert by_copy == sorted(by_copy)


def test_without_a_training_set_nothing_was_compared(made):
    made.training_set = None
    assert (found(made).compared, found(made).pairs) == (0, [])


def test_whether_the_trigger_words_alone_were_rendered_is_known(made):
    assert found(made).alone
    made.measured = [one for one in made.measured if one.picture.probe != "trigger"]
    assert not found(made).alone
