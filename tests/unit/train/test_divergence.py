"""When a training is given up, and when not."""

import math
from pathlib import Path

import numpy as np
import pytest

from lorabench.errors import UserError
from lorabench.train.divergence import WINDOW, Watch, loss_of_nothing
from lorabench.train.history import Row
from tests.training import settings


def ends(losses, nothing=1.0, first=WINDOW, **changes):
    """Return the step at which a training of these losses is given up, and what is said then."""
    watch = Watch(settings(unet_lr=3e-3, **changes), nothing, Path("runs/x/train"), first)
    rows = []
    for loss in losses:
        try:
            watch.check(loss, rows)
        except UserError as error:
            return len(rows) + 1, str(error)
        rows.append(Row(len(rows) + 1, 1, loss, 1e-3, 0.0))
    return None, ""


def noisy(means, spread):
    """Return losses about these means, as much apart as those of small batches are."""
    means = np.asarray(means)
    return list(means * np.random.default_rng(0).lognormal(-(spread**2) / 2, spread, len(means)))


@pytest.mark.parametrize("spread", [0.2, 1.2])
def test_a_training_that_learns_is_never_given_up(spread):
    for seed_of_level in (0.05, 0.2, 0.35):
        falling = noisy(np.linspace(seed_of_level, seed_of_level / 3, 2000), spread)
        assert ends(falling) == (None, "")


def test_one_that_recovers_within_the_window_is_not_given_up():
    assert ends([0.2] * 60 + [1.0] * 20 + [0.2] * 60)[0] is None


def test_a_loss_that_rises_within_ten_steps_and_stays_is_given_up():
    losses = [*np.linspace(0.18, 1, 10), *noisy([1.0] * 300, 0.05)]
    step, said = ends(losses)
    assert step is not None and step < 80
    assert "It began with 0.18, 0.271, 0.362. Lower unet_lr (now 0.003) to 0.001" in said
    assert "stay in" not in said
    assert (
        "The LoRAs of earlier epochs stay in runs/x/train." in ends(losses, save_every_epochs=1)[1]
    )


def test_one_that_rises_late_is_given_up_by_its_first_steps():
    step, _ = ends([0.07] * 200 + [0.3] * 200, nothing=math.inf)
    assert step is not None and step < 200 + WINDOW
    means = [0.3, 0.2, 0.2, 0.25, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2] + [0.7] * 60
    assert ends(means, nothing=math.inf, first=10)[0] is not None


def test_a_base_model_that_knows_nothing_is_no_lost_training():
    assert ends(noisy([1.0] * 500, 0.05)) == (None, "")


def test_numbers_that_explode_end_it_at_once():
    assert ends([0.2, math.nan])[0] == 2
    step, said = ends([0.2, 0.3, 12.0])
    assert step == 3 and "the loss is 12, after 0.2, 0.3" in said and "to 0.0003" in said


def test_what_predicting_nothing_costs():
    alphas = np.linspace(0.999, 0.005, 1000)
    plain = settings(min_snr_gamma=0, noise_offset=0)
    assert loss_of_nothing(alphas, plain, "epsilon") == 1
    assert loss_of_nothing(alphas, settings(min_snr_gamma=0, noise_offset=0.5), "epsilon") == 1.25
    weighed = loss_of_nothing(alphas, settings(min_snr_gamma=5, noise_offset=0), "epsilon")
    assert 0.8 < weighed < 1
    assert loss_of_nothing(alphas, settings(min_snr_gamma=5), "v_prediction") < weighed


def test_one_that_stays_somewhat_below_the_loss_of_nothing_is_given_up_too():
    losses = [0.25, 0.54, 0.36, 0.39, *noisy([0.85] * 200, 0.1)]
    assert ends(losses)[0] == WINDOW
