"""The choice among several LoRAs."""

import pandas as pd

from lorabench.bench.verdicts.choice import choose
from lorabench.bench.verdicts.verdict import Finding, Verdict
from tests.finished import series


def test_the_pictures_that_are_needed_are_those_of_all_loras():
    loras = series(2, 4, 6)
    missing = [Finding("few_triggers", value=4, limit=8, pictures=20), Finding("no_trigger")]
    each = {one.key: Verdict("uncertain", unknown=missing) for one in loras}
    table = pd.DataFrame({"variant": ["", "cat"], "probe": ["", ""], "weight": [0.0, 0.8]})
    found = choose(loras, {one.key: table for one in loras}, each)
    assert [one.pictures for one in found.unknown] == [60, None]
    assert found.choice and found.choice.each[loras[0].key].unknown == missing
