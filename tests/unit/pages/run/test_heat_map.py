"""Several LoRAs by their weights, as the page shows them."""

from dataclasses import replace

import pytest

from lorabench.bench.verdicts.verdict import Choice, Verdict
from lorabench.pages.finished_run import FinishedRun
from lorabench.pages.run import heat_map
from tests.finished import VERDICT, chosen, series

LORAS = series(2, 4, 6, 8)


def found(verdict, loras=LORAS):
    return heat_map.find(FinishedRun(folder=None, verdict=verdict, loras=loras))


def test_each_lora_has_its_labels_and_the_weight_to_use_its_score():
    shown = found(chosen(LORAS))
    assert shown.headline("en") == "of 4 LoRAs, use epoch 4 at 0.8 (as good: epoch 6)"
    assert shown.course("ja") == "エポック 8 以降は過学習: 0.8 で焼けています"
    assert shown.weights == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert [(row.chosen, row.tied) for row in shown.rows] == [
        (False, False), (True, True), (False, True), (False, False),
    ]  # fmt: skip
    first, second, *_ = shown.rows
    assert [cell.label for cell in first.cells] == [None, "dead", None, "weak", None]
    assert not any(cell.best for cell in first.cells)
    assert [cell.score for cell in second.cells] == [None, None, None, 0.31, None]


def test_a_lora_that_a_search_hardly_looked_at_says_so():
    verdict = chosen(LORAS)
    prompts = {one.key: 8 - 6 * (at == 0) for at, one in enumerate(LORAS)}
    verdict = replace(verdict, choice=replace(verdict.choice, prompts=prompts))
    assert [row.few for row in found(verdict).rows] == [2, None, None, None]


def test_one_lora_has_no_map():
    assert found(chosen(LORAS[:1], 0), LORAS[:1]) is None


def test_where_none_works_none_is_to_be_used():
    each = dict.fromkeys((one.key for one in LORAS), Verdict("weak", labels={"0.80": "weak"}))
    shown = found(replace(each[""], choice=Choice(lora="", each=each)))
    assert "none of 4 LoRAs works" in shown.headline("en")
    assert not any(row.chosen for row in shown.rows) and shown.chosen["en"] == "epoch 8"


@pytest.mark.parametrize("verdict", [None, VERDICT, chosen(series(2, 4))])
def test_without_a_verdict_on_these_loras_there_is_no_map(verdict):
    assert found(verdict) is None
