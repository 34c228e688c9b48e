"""Which of several LoRAs to use: in a series, in a list, and where none works."""

import pandas as pd
import pytest

from lorabench.bench.verdicts import choice, choice_words
from lorabench.bench.verdicts.stored import read
from lorabench.bench.verdicts.verdict import Finding, Verdict, write
from lorabench.sweep.loras import SweptLora
from tests import judged
from tests.finished import series as series_of

WEIGHTS = (0.4, 0.8, 1.0)


def swept(number, series="ink"):
    return tuple(
        SweptLora(
            f"k{at}", f"k{at}.safetensors", f"ink {at}", series, at if series else None,
            baseline="no-lora",
        )
        for at in range(1, number + 1)
    )  # fmt: skip


def works(weight=0.8):
    return Verdict("works", weight=weight, window=(0.4, 1.0),
                   labels={"0.40": "works", "0.80": "works", "1.00": "works"})  # fmt: skip


def too_much(label="fried", at=0.8):
    """Fried, or the like, from this weight on; below it does too little."""
    each = {f"{weight:.2f}": label if weight >= at else "weak" for weight in WEIGHTS}
    return Verdict(label, labels=each)


WEAK = Verdict("weak", labels={"0.40": "dead", "0.80": "weak", "1.00": "weak"})


def chosen(*told, series="ink", spread=0.02):
    """The verdict on LoRAs with these verdicts, each with the style gained at its weight."""
    loras = swept(len(told), series)
    tables, each = {}, {}
    for at, (lora, (verdict, style)) in enumerate(zip(loras, told, strict=True)):
        weights = {weight: {"style_gained": style} for weight in WEIGHTS}
        table = judged.table(weights, spread=spread)
        # Each answers a prompt a little differently, so that not all pairs say the same.
        wave = [0.01 * ((7 * row + 3 * at) % 5 - 2) for row in range(len(table))]
        tables[lora.key] = table.assign(style_gained=table["style_gained"] + wave)
        each[lora.key] = verdict
    return choice.choose(loras, tables, each), loras


def said(found, loras, language="en"):
    return choice_words.headline(found, loras, language), choice_words.course(
        found, loras, language
    )


def test_a_series_whose_last_is_best_may_go_on():
    found, loras = chosen((WEAK, 0.1), (works(), 0.4), (works(), 0.5), (works(), 0.7))
    assert (found.label, found.weight, found.choice.lora) == ("works", 0.8, "k4")
    assert found.choice.baseline == "no-lora"
    assert (found.choice.tie, found.choice.ranking) == (["k4"], ["k4", "k3", "k2"])
    assert found.choice.unfinished and found.choice.over_trained is None
    assert said(found, loras) == (
        "of 4 LoRAs, use epoch 4 at 0.8",
        "the last one, epoch 4, is the best: training on may pay",
    )


def test_a_series_that_is_still_weak_at_its_end_may_go_on():
    found, _ = chosen((WEAK, 0.05), (WEAK, 0.1))
    assert (found.label, found.weight, found.choice.lora) == ("weak", None, "k2")
    assert found.choice.unfinished and found.choice.tie == found.choice.ranking == []


def test_of_a_series_that_is_fried_from_the_fifth_on_one_before_is_used_and_that_is_said():
    told = [(WEAK, 0.1), (works(), 0.5), (works(), 0.7), (works(), 0.55)]
    found, loras = chosen(*told, (too_much(), 0.8), (too_much("copies"), 0.8), (too_much(), 0.9))
    assert (found.choice.lora, found.choice.tie) == ("k3", ["k3"])
    assert found.choice.over_trained_from == "k5" and not found.choice.unfinished
    assert (found.choice.over_trained.code, found.choice.over_trained.weight) == ("fried", 0.8)
    assert said(found, loras)[1] == "over-trained from epoch 5 on: fried at 0.8"
    assert "エポック 5 以降は過学習" in said(found, loras, "ja")[1]


def test_only_an_unbroken_end_of_a_series_is_over_trained():
    found, _ = chosen((works(), 0.6), (too_much(), 0.6), (works(), 0.4), (too_much(), 0.6))
    assert found.choice.over_trained_from == "k4"
    found, _ = chosen((works(), 0.6), (too_much(), 0.6), (works(), 0.4))
    assert found.choice.over_trained_from is None and not found.choice.unfinished


def test_what_is_fried_above_the_usual_weight_alone_is_not_over_trained():
    found, _ = chosen((works(), 0.6), (works(), 0.4), (too_much(at=1.0), 0.6))
    assert found.choice.over_trained is None and not found.choice.unfinished


def test_of_a_series_the_first_that_comes_near_the_best_counts():
    near = [(works(), 0.4), (works(), 0.79), (works(), 0.8), (works(), 0.79)]
    found, loras = chosen(*near)
    assert found.choice.lora == "k2"
    assert found.choice.tie == [key for key in ("k2", "k3", "k4") if key in found.choice.tie]
    assert "k2" in found.choice.tie and len(found.choice.tie) > 1
    assert said(found, loras)[0].startswith("of 4 LoRAs, use epoch 2 at 0.8 (as good: epoch ")
    assert not found.choice.unfinished, "an earlier one is as good"


def test_structure_that_a_weight_that_works_has_lost_does_not_count_again():
    loras = swept(2, "")
    lost = judged.table({0.8: {"style_gained": 0.7, "structure": 0.4}}, spread=0.02)
    kept = judged.table({0.8: {"style_gained": 0.4, "structure": 0.9}}, spread=0.02)
    each = {one.key: works() for one in loras}
    found = choice.choose(loras, dict(zip(each, (lost, kept), strict=True)), each)
    assert found.choice.ranking == ["k1", "k2"] and found.choice.tie == ["k1"]


def test_of_a_list_the_best_counts_and_the_ranking_has_its_ties():
    told = [(works(), 0.5), (works(), 0.79), (works(), 0.8), (WEAK, 0.1), (works(0.4), 0.6)]
    found, loras = chosen(*told, series="")
    assert found.choice.ranking[2:] == ["k5", "k1"] and found.choice.lora == found.choice.ranking[0]
    assert found.choice.tie == ["k2", "k3"]
    assert list(found.choice.scores) == found.choice.ranking
    scores = list(found.choice.scores.values())
    assert scores == sorted(scores, reverse=True)
    assert found.choice.over_trained is None and not found.choice.unfinished
    assert said(found, loras)[1] == ""
    in_order = [line.partition(":")[0] for line in choice_words.each(found, loras)]
    assert in_order == [f"ink {key[1]}" for key in (*found.choice.ranking, "k4")]


def test_each_stands_for_itself_at_its_own_weight():
    found, _ = chosen((works(0.4), 0.5), (works(1.0), 0.6), series="")
    assert (found.choice.lora, found.weight) == ("k2", 1.0)


@pytest.mark.parametrize("series", ["ink", ""])
def test_where_none_works_the_nearest_is_named_and_no_weight(series):
    found, loras = chosen((too_much("lost"), 0.8), (too_much(), 0.8), (too_much(), 0.9),
                          series=series)  # fmt: skip
    assert (found.label, found.weight, found.choice.lora) == ("fried", None, "k2")
    assert found.choice.tie == found.choice.ranking == []
    assert found.choice.scores == {}
    assert found.choice.over_trained_from == ("k1" if series else None)
    name = "epoch 2" if series else "ink 2"
    assert said(found, loras)[0] == f"none of 3 LoRAs works; {name} comes nearest (fried)"


def test_without_the_style_of_a_training_set_none_is_better_and_nothing_breaks():
    loras = swept(2, "")
    tables = {one.key: judged.table({0.8: {}}).assign(style_gained=float("nan")) for one in loras}
    unjudged = Verdict("uncertain", labels={"0.80": "uncertain"})
    found = choice.choose(loras, tables, dict.fromkeys(tables, unjudged))
    assert (found.choice.lora, found.choice.tie, found.weight) == ("k1", [], None)


def test_one_lora_by_name_is_no_series():
    found, loras = chosen((works(), 0.6))
    assert (found.choice.lora, found.choice.tie) == ("k1", ["k1"])
    assert not found.choice.unfinished
    assert said(found, loras) == ("use epoch 1 at 0.8", "")


def test_the_file_has_the_choice(tmp_path):
    found, loras = chosen((works(), 0.5), (works(), 0.7), (too_much(), 0.7))
    write(found, tmp_path / "verdict.json")
    again = read(tmp_path / "verdict.json")
    assert choice_words.lines(again, loras) == choice_words.lines(found, loras)
    assert again.choice.each == found.choice.each
    assert choice_words.lines(found, loras) == [
        "Verdict: of 3 LoRAs, use epoch 2 at 0.8",
        "  over-trained from epoch 3 on: fried at 0.8",
        "  epoch 1: works at 0.8, usable 0.4 to 1",
        "  epoch 2: works at 0.8, usable 0.4 to 1",
        "  epoch 3: fried",
    ]


def test_the_pictures_that_are_needed_are_those_of_all_loras():
    loras = series_of(2, 4, 6)
    missing = [Finding("few_triggers", value=4, limit=8, pictures=20), Finding("no_trigger")]
    each = {one.key: Verdict("uncertain", unknown=missing) for one in loras}
    table = pd.DataFrame({"variant": ["", "cat"], "probe": ["", ""], "weight": [0.0, 0.8]})
    found = choice.choose(loras, {one.key: table for one in loras}, each)
    assert [one.pictures for one in found.unknown] == [60, None]
    assert found.choice and found.choice.each[loras[0].key].unknown == missing
