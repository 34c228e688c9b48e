"""What a search renders next, and that it finds what the full sweep finds."""

from functools import cache

import pandas as pd
import pytest

from lorabench.bench.verdicts import choice, search
from lorabench.bench.verdicts.judging import judge
from lorabench.bench.verdicts.search import Found
from lorabench.settings.models import VerdictSettings
from lorabench.sweep.loras import SweptLora
from lorabench.sweep.search import Part, first
from tests.judged import table

WEIGHTS = (0.4, 0.6, 0.8)
GAINS = {1: 0.15, 2: 0.3, 3: 0.62, 4: 0.6, 5: 0.55, 6: 0.5}
"""Style gained at 0.8, by epoch: the third is the best."""


@cache
def series():
    """Full tables of six epochs, over more weights than the sweep has."""
    loras = tuple(
        SweptLora(f"e{epoch}", f"e{epoch}.safetensors", f"e{epoch}", "ink", epoch, trigger="ink")
        for epoch in GAINS
    )
    tables = {}
    for epoch, gain in GAINS.items():
        at = {weight: {"style_gained": gain * weight / 0.8} for weight in (0.4, 0.6, 0.7, 0.8, 1.0)}
        if epoch == 6:
            at |= {weight: {"style_beside": 50.0} for weight in (0.8, 1.0)}
        tables[f"e{epoch}"] = table(at)
    return loras, tables


def drawn(tables, parts):
    """The rows that these parts render."""
    found = {}
    for key, rows in tables.items():
        of = [part for part in parts if part.lora == key]

        def is_in(row, of=of):
            if row.probe:
                return any(part.probes for part in of)
            return any(
                row.prompt in part.prompts and row.weight in (0, *part.weights) for part in of
            )

        found[key] = rows[[is_in(row) for row in rows.itertuples()]].reset_index(drop=True)
    return found


def look(loras, tables):
    each = {key: judge(rows, VerdictSettings()) for key, rows in tables.items()}
    return choice.choose(loras, tables, each)


@cache
def searched():
    loras, tables = series()
    prompts = list(dict.fromkeys(tables["e1"].query("probe == ''")["prompt"]))
    parts = first([one.key for one in loras], WEIGHTS, prompts)
    stages = ["coarse"]
    for stage in range(search.STAGES):
        some = drawn(tables, parts)
        found = Found(loras, WEIGHTS, prompts, some, look(loras, some))
        code, more = search.following(found, stage)
        if more:
            parts, stages = (*parts, *more), [*stages, code]
    return drawn(tables, parts), stages, parts


def pictures(tables):
    rows = pd.concat([rows[rows["weight"] > 0].assign(key=key) for key, rows in tables.items()])
    return len(rows) + len(next(iter(tables.values())).query("weight == 0"))


def test_it_finds_what_the_full_sweep_finds_with_a_part_of_its_pictures():
    loras, tables = series()
    full = look(loras, {key: rows[rows["weight"] != 0.7] for key, rows in tables.items()})
    some, stages, _ = searched()
    found = look(loras, some)
    assert stages == ["coarse", "between", "prompts", "finer", "probes"]
    assert found.choice.lora == full.choice.lora == "e3"
    assert found.label == "works"
    assert pictures(some) < 0.4 * pictures(tables)


def test_what_is_too_much_is_not_looked_at_more_closely():
    _, _, parts = searched()
    assert not any(0.8 in part.weights for part in parts if part.lora == "e6" and part.prompts[3:])


def test_only_what_all_prompts_were_rendered_of_is_chosen():
    loras, _ = series()
    some, _, _ = searched()
    found = look(loras, some).choice
    assert found.prompts["e1"] == 3 < found.prompts[found.lora] == 8
    assert "e1" not in found.ranking


@pytest.mark.parametrize("weights", [(0.8,), (0.4, 0.8)])
def test_without_weights_between_that_stage_is_left_out(weights):
    loras, tables = series()
    some = drawn(tables, first([one.key for one in loras], weights, [""]))
    found = Found(loras, weights, [""], some, look(loras, some))
    assert search.following(found, 0) == ("between", ())


def test_it_ends_where_nothing_can_be_used():
    loras, tables = series()
    bad = {key: rows.assign(style_beside=50.0) for key, rows in tables.items()}
    found = Found(loras, WEIGHTS, [""], bad, look(loras, bad))
    assert search.following(found, 0) == ("", ())
    assert search.following(found, search.STAGES) == ("", ())


def test_the_finer_weights_lie_around_the_best_and_are_new():
    loras, tables = series()
    parts = [Part(f"e{epoch}", WEIGHTS, ("",)) for epoch in GAINS]
    some = drawn(tables, parts)
    found = Found(loras, WEIGHTS, ["", "1"], some, look(loras, some))
    _, (part,) = search.following(found, 2)
    key, weight = found.candidates[0]
    assert part == Part(key, (0.7, 1.0), ("", "1")) and weight == 0.8
