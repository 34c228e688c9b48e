"""Series of epochs: recipes in two halves, what is true of a grid of scores, how a pick counts."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from base_model.world import Scene
from benchmarks.known_answers import judge_series, pick_series, series_judge, train_series_judge
from benchmarks.known_answers.recipe import CHARACTERS, TRIGGERS
from benchmarks.known_answers.render_series import prompts
from benchmarks.known_answers.score_series import Pick, Scored, is_good, read_pick, tables
from benchmarks.known_answers.series_looks import Look
from benchmarks.known_answers.series_looks import read as looks
from benchmarks.known_answers.series_recipes import NAMED, SERIES, Series
from benchmarks.known_answers.series_truth import Pair, truth
from lorabench.bench.verdicts import verdict
from tests.judged import table
from tests.project import ROOT

WEIGHTS = (0.4, 0.6, 0.8, 1.0)


def test_there_are_enough_series_of_six_to_ten_epochs() -> None:
    assert len(SERIES) >= 24
    assert len(NAMED) == len(SERIES)
    assert all(6 <= len(one.epochs) <= 10 for one in SERIES)
    assert len({one.pictures.taught for one in SERIES if not one.is_character}) >= 16
    assert len({one.pictures.taught for one in SERIES if one.is_character}) >= 4
    assert any(not one.pictures.told for one in SERIES if one.held_out)


def test_half_is_held_out_and_shares_no_style_or_character_with_the_rest() -> None:
    halves = [
        {one.pictures.taught for one in SERIES if one.held_out is half} for half in (True, False)
    ]
    assert sum(one.held_out for one in SERIES) == len(SERIES) // 2
    assert not halves[0] & halves[1]


def test_a_lora_is_known_by_its_key() -> None:
    series = SERIES[0]
    assert [series.epoch_of(f"{series.stem(one)}-1a2b3c4d") for one in series.epochs] == [
        *series.epochs
    ]
    assert series.file(series.epochs[-1]) == "lora.safetensors"


def scores(*means: tuple[float, ...]) -> dict[Pair, np.ndarray]:
    """Return a grid, a row of four weights for each epoch, of eight pictures that hardly differ."""
    spread = np.linspace(-0.01, 0.01, 8)
    return {
        Pair(epoch, weight): mean + spread * (1 if epoch % 2 else -1)
        for epoch, row in enumerate(means, start=1)
        for weight, mean in zip(WEIGHTS, row, strict=True)
    }


def test_good_is_what_is_nearly_as_good_as_the_best_pair() -> None:
    found = truth(scores((0.1, 0.2, 0.5, 0.8), (0.2, 0.6, 0.85, 0.9), (0.7, 0.8, 0.5, 0.1)))
    assert found.best == Pair(2, 1.0)
    assert found.good == (Pair(2, 0.8), Pair(2, 1.0))
    assert found.over_trained_from is None


def test_a_difference_within_its_standard_error_is_none() -> None:
    unsure = scores((0.1, 0.2, 0.5, 0.9), (0.1, 0.1, 0.1, 0.1))
    unsure[Pair(2, 0.4)] = np.array([1, 1, 1, 1, 1, 1, 0.9, 0.0])
    unsure[Pair(2, 0.6)] = np.array([1, 1, 1, 1, 0.9, 0, 0, 0])
    assert set(truth(unsure).good) == {Pair(1, 1.0), Pair(2, 0.4)}


def test_nothing_is_good_where_the_best_pair_shows_too_little() -> None:
    found = truth(scores((0.1, 0.2, 0.3, 0.35), (0.1, 0.1, 0.1, 0.1)))
    assert found.good == ()
    assert found.over_trained_from is None


@pytest.mark.parametrize(
    ("at_usual", "first"),
    [((0.9, 0.5, 0.4, 0.3), 3), ((0.9, 0.3, 0.8, 0.3), 4), ((0.3, 0.9, 0.8, 0.7), None)],
)
def test_over_trained_is_the_end_that_is_spoilt_at_the_usual_weight(at_usual, first) -> None:
    assert truth(scores(*((0.1, 0.1, one, 0.1) for one in at_usual))).over_trained_from == first


def scored(pick: Pick | None) -> Scored:
    series = Series(SERIES[0].pictures, SERIES[0].dose, every=1, kept=4, held_out=True)
    grid = scores(*((0.1, 0.1, one, 0.1) for one in (0.9, 0.5, 0.4, 0.3)))
    return Scored(series, grid, pick)


@pytest.mark.parametrize(("said", "named"), [(2, True), (4, True), (1, False), (None, False)])
def test_over_training_is_named_within_one_epoch(said: int | None, named: bool) -> None:
    one = scored(Pick(Pair(1, 0.8), said))
    assert one.names_the_end(one.truth) is named


def test_a_pick_counts_where_it_is_good() -> None:
    known = scored(None).truth
    assert is_good(Pair(1, 0.8), known)
    assert not is_good(Pair(2, 0.8), known)
    assert not is_good(None, known)
    assert is_good(None, Look((), None, "nothing"))


def test_a_pick_where_nothing_is_good_is_missed() -> None:
    hopeless = {pair: 0.1 * score for pair, score in scored(None).scores.items()}
    assert not replace(scored(Pick(Pair(1, 0.8), 3)), look=None).is_missed
    assert replace(scored(Pick(Pair(1, 0.8), 3)), scores=hopeless).is_missed
    assert not replace(scored(Pick(None, 1)), scores=hopeless).is_missed


def test_the_tables_count_what_was_picked() -> None:
    right, wrong = Pick(Pair(1, 0.8), 3), Pick(None, None)
    look = Look((Pair(2, 0.8),), None, "")
    some = [
        replace(scored(right), look=look),
        scored(wrong),
        replace(scored(None), search=Pick(Pair(1, 0.8), 3, 32)),
    ]
    text = tables(some)
    assert "| the picked epoch and weight are good | at least 90 % | 1 of 2, 50 %" in text
    assert "| by eye |  | 0 of 1, 0 %" in text
    assert "| its pictures, of the whole grid's | at most 35 % | 25 % | none |" in text
    assert "| **none** | 3 |  | **none** |" in text


def test_what_was_seen_is_on_the_grids() -> None:
    for name, look in looks().items():
        series = NAMED[name]
        pairs = {Pair(epoch, weight) for epoch in series.epochs for weight in WEIGHTS}
        assert set(look.good) <= pairs
        assert look.over_trained_from in (None, *series.epochs)


def test_a_pick_is_read_from_the_verdict_on_several(tmp_path) -> None:
    series, path = SERIES[0], tmp_path / "verdict.json"
    choice = {"lora": f"{series.stem(series.epochs[1])}-0a", "over_trained_from": "lora-0b"}
    path.write_text(json.dumps({"weight": 0.6, "choice": choice}))
    assert read_pick(series, path) == Pick(Pair(series.epochs[1], 0.6), series.epochs[-1])
    assert read_pick(series, tmp_path / "none.json") is None


def measured(series: Series) -> dict[str, pd.DataFrame]:
    """Return a series whose fourth epoch has the style, and whose last two keep no subject."""
    course = (
        *((0.05, 0.7), (0.1, 0.7), (0.5, 0.7), (0.9, 0.7)),
        *((0.9, 0.7), (0.9, 0.7), (0.9, 0.0), (0.9, 0.0)),
    )
    return {
        series.stem(epoch): table(
            {one: {"style_gained": gained, "prompt_kept": kept} for one in WEIGHTS},
            trigger=0,
            untriggered=0,
        )
        for epoch, (gained, kept) in zip(series.epochs, course, strict=True)
    }


def test_the_pick_is_that_of_the_pipeline_s_verdict_on_several(tmp_path) -> None:
    series = SERIES[0]
    verdict.write(pick_series.pick(series, measured(series)), tmp_path / "verdict.json")
    found = read_pick(series, tmp_path / "verdict.json")
    assert found and found.pair and found.pair.epoch == series.epochs[3]
    assert found.over_trained_from == series.epochs[-2]


def test_a_search_picks_the_same_with_a_part_of_the_pictures() -> None:
    series = SERIES[0]
    tables = measured(series)
    found, pictures = pick_series.searched(series, tables)
    assert found.choice and series.epoch_of(found.choice.lora) == series.epochs[3]
    assert 0 < pictures < len(series.epochs) * len(WEIGHTS) * 8 / 2


def test_scores_are_kept_in_json() -> None:
    grid = scores((0.1, 0.2, 0.3, 0.4))
    again = judge_series.unpacked(json.loads(json.dumps(judge_series.packed(grid))))
    assert {pair: values.tolist() for pair, values in again.items()} == {
        pair: values.round(3).tolist() for pair, values in grid.items()
    }


@pytest.mark.parametrize("taught", [name for name in TRIGGERS if name != "pixel art"])
def test_the_judge_knows_what_each_prompt_should_show(monkeypatch, taught: str) -> None:
    monkeypatch.chdir(ROOT)
    should = [series_judge.wanted(taught, variant) for variant in prompts(taught)]
    assert all(value in series_judge.HEADS[head] for one in should for head, value in one.items())
    assert len({tuple(one.values()) for one in should}) == 8


def test_the_judge_learns_no_background_that_a_hand_hides() -> None:
    shown = [Scene("cat", "red", "blue", style="neon"), Scene(CHARACTERS[1], "red", "blue")]
    assert train_series_judge.labels(shown)["background"] == [
        train_series_judge.NONE,
        series_judge.HEADS["background"].index("blue"),
    ]
