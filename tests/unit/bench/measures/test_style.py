"""The way from the base model to the training set."""

import numpy as np
import pytest

from lorabench.bench.measures.style import Axis

RNG = np.random.default_rng(0)
BASE = RNG.normal(0, 1, (12, 6))
TRAINING = RNG.normal(0, 1, (30, 6)) + np.array([10, -6, 0, 0, 0, 0])


@pytest.fixture
def axis():
    return Axis.between(BASE, TRAINING)


def test_the_whole_way_is_1_and_half_of_it_a_half(axis):
    way = TRAINING.mean(axis=0) - BASE.mean(axis=0)
    way[2:] = 0
    assert axis.gained(way) == pytest.approx(1, abs=0.05)
    assert axis.gained(way / 2) == pytest.approx(0.5, abs=0.03)
    assert axis.gained(-way) == pytest.approx(-1, abs=0.05)
    assert axis.beside(way) < 1


def test_what_differs_by_chance_only_is_no_style(axis):
    assert (axis.direction[2:] == 0).all()
    assert axis.direction[:2].all()


def test_a_change_of_something_else_is_beside(axis):
    shift = np.array([0, 0, 0, 8.0, 0, 0])
    assert axis.gained(shift) == pytest.approx(0)
    assert axis.beside(shift) == pytest.approx(8, rel=0.2)


def test_outside_is_what_neither_group_comes_near(axis):
    assert axis.outside(BASE[0]) == axis.outside(TRAINING[0]) == 0
    assert axis.outside(BASE[0] + np.array([0, 0, 100, -100, 0, 0])) == pytest.approx(2 / 6)


def test_a_training_set_like_the_base_has_no_way_to_go():
    axis = Axis.between(BASE, BASE)
    assert axis.gained(np.ones(6)) == 0
    assert np.isfinite(axis.beside(np.ones(6)))


def test_a_training_set_hardly_unlike_the_base_counts_for_little():
    near = BASE.copy()
    near[:, 0] += 3
    many = np.tile(BASE, (50, 1)), np.tile(near, (50, 1))
    axis = Axis.between(*many)
    way = np.array([3, 0, 0, 0, 0, 0])
    assert 0.3 < axis.gained(way) < 0.7
