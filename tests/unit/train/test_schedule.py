import pytest

from lorabench.train.schedule import factor
from tests.training import settings


def factors(**changes):
    return [factor(step, 100, settings(**changes)) for step in range(100)]


def test_constant_stays_at_one_after_the_warm_up():
    values = factors(scheduler="constant", warmup_steps=4)
    assert values[:4] == [0.25, 0.5, 0.75, 1.0]
    assert set(values[4:]) == {1.0}


def test_cosine_falls_from_one_to_nothing():
    values = factors(scheduler="cosine")
    assert values[0] == 1
    assert values[50] == pytest.approx(0.5)
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.001


def test_restarts_are_equal_cosines_in_a_row():
    values = factors(scheduler="cosine_with_restarts", restarts=4)
    assert values[0] == values[25] == values[50] == 1
    assert values[24] < 0.01
    assert values[:25] == pytest.approx(values[25:50])


def test_a_warm_up_longer_than_the_training_only_rises():
    values = factors(warmup_steps=1000)
    assert values == sorted(values) and values[-1] == 0.1
