"""Several LoRAs: where they stand on an axis."""

from dataclasses import replace

import pytest

from lorabench.sweep.loras import places
from tests.finished import series


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, ("epoch", [4, 8, 12])),
        ({"epoch": None}, ("step", [40, 80, 120])),
        ({"epoch": None, "step": None}, ("", [0, 1, 2])),
        ({"epoch": 4}, ("step", [40, 80, 120])),  # a number that all share tells nothing
        ({"series": ""}, ("", [0, 1, 2])),
    ],
)
def test_a_series_stands_by_its_epochs_or_steps_and_a_list_in_order(changed, found):
    assert places([replace(one, **changed) for one in series(4, 8, 12)]) == found
