"""A row per weight, and the interval that so few pictures leave."""

import numpy as np
import pandas as pd
import pytest

from lorabench.bench.verdicts import summary
from lorabench.bench.verdicts.judging import judge
from lorabench.bench.verdicts.summary import (
    diversity,
    estimate,
    leak,
    prompts_apart,
    shares,
    summarize,
)
from lorabench.errors import UserError
from lorabench.settings.models import VerdictSettings
from lorabench.sweep.loras import SweptLora
from tests.judged import table


def test_a_row_per_weight_without_the_probes():
    found = summarize(table({0.4: {}, 0.8: {"structure": 0.5}}, prompts=3, seeds=2))
    assert list(found["weight"]) == [0, 0.4, 0.8]
    assert set(found["pictures"]) == {6}
    assert (found["prompts"][0], found["seeds"][0]) == (3, 2)
    assert found["structure"][2] == pytest.approx(0.5)
    assert found["structure_low"][2] == pytest.approx(0.5)
    assert found["style_gained_low"][1] < found["style_gained"][1] < found["style_gained_high"][1]


def test_the_mean_is_over_prompts_however_many_pictures_each_has():
    pictures = pd.DataFrame({"variant": ["a", "a", "a", "b"], "x": [0.0, 0.0, 0.0, 1.0]})
    assert estimate(pictures, "x").mean == pytest.approx(0.5)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        prompts = rng.normal(0, 1, 20)
        values = np.repeat(prompts, 2) + rng.normal(0, 0.1, 40)
        found = estimate(pd.DataFrame({"variant": np.repeat(range(20), 2), "x": values}), "x")
        hits += found.low <= 0 <= found.high
    assert 175 <= hits <= 198  # 92 % is usual of a percentile bootstrap of 20


def test_more_seeds_of_one_prompt_do_not_pass_for_more_prompts():
    few = pd.DataFrame({"variant": ["a", "b"] * 8, "x": [0.0, 1.0] * 8})
    found = estimate(few, "x")
    assert found.high - found.low == pytest.approx(1)


def test_one_picture_has_no_interval():
    found = estimate(pd.DataFrame({"variant": ["a"], "x": [0.3]}), "x")
    assert found.mean == pytest.approx(0.3)
    assert np.isnan(found.low)


def test_resamples_count_every_picture_alike_and_are_the_same_for_the_same_prompts():
    counts = shares(pd.Series(["a", "a", "b"]))
    assert counts.sum(axis=1) == pytest.approx(np.ones(len(counts)))
    assert counts.mean(axis=0) == pytest.approx([0.25, 0.25, 0.5], abs=0.02)
    assert shares(pd.Series(["x", "x", "y"])) is counts


PLACE = ["variant", "probe", "weight", "seed", "index", "hash"]


def test_diversity_is_how_unlike_seeds_are_against_weight_0():
    hashes = {0.0: ("00" * 8, "ff" * 8, "0f" * 8), 0.8: ("00" * 8, "0f" * 8, "0f" * 8)}
    rows = [
        ("trigger", "trigger", weight, seed, 0, text)
        for weight, texts in hashes.items()
        for seed, text in enumerate(texts)
    ]
    pictures = pd.DataFrame(rows, columns=PLACE)
    found = diversity(pictures, 0.8)
    assert found.mean == pytest.approx((32 + 32) / (64 + 32 + 32))
    assert found.low < found.mean < found.high
    assert np.isnan(diversity(pictures[pictures["seed"] == 0], 0.8).mean)


def test_prompts_that_give_one_picture_are_not_apart():
    hashes = {0.0: ("00" * 8, "ff" * 8, "0f" * 8), 0.8: ("00" * 8, "00" * 8, "03" * 8)}
    rows = [
        (f"prompt-{n}", "", weight, 1, 0, text)
        for weight, texts in hashes.items()
        for n, text in enumerate(texts)
    ]
    pictures = pd.DataFrame(rows, columns=PLACE)
    found = prompts_apart(pictures, 0.8)
    assert found.mean == pytest.approx((0 + 16 + 16) / (64 + 32 + 32))
    assert found.low <= found.mean <= found.high
    assert prompts_apart(pictures, 0.0).mean == pytest.approx(1)
    assert np.isnan(prompts_apart(pictures[pictures["variant"] == "prompt-0"], 0.8).mean)


def test_the_table_is_read_with_empty_names_as_they_are(tmp_path):
    path = tmp_path / "metrics.csv"
    table({0.4: {}}, prompts=1).to_csv(path, index=False)
    read = summary.read(path)
    assert set(read["variant"]) == {"", "trigger", "untriggered"}
    assert set(read["probe"]) == {"", "trigger", "untriggered"}


@pytest.mark.parametrize("content", ["", "weight,seed\n0,1\n", "\x00"])
def test_another_table_is_refused(tmp_path, content):
    path = tmp_path / "metrics.csv"
    path.write_text(content)
    with pytest.raises(UserError, match=r"metrics\.csv"):
        summary.read(path)


def test_what_an_older_table_lacks_is_not_known(tmp_path):
    path = tmp_path / "metrics.csv"
    table({0.8: {}}).drop(columns="coherence").to_csv(path, index=False)
    assert summary.read(path)["coherence"].isna().all()
    assert judge(summary.read(path), VerdictSettings()).label == "works"


def test_the_leak_is_a_share_of_what_is_gained_with_the_trigger():
    found = leak(table({0.4: {}, 0.8: {}}, untriggered_gain=0.3), 0.8)
    assert found.mean == pytest.approx(0.5, abs=0.02)
    assert found.low < found.mean < found.high
    assert np.isnan(leak(table({0.4: {}, 0.8: {}}), 0.4).mean)  # it was probed at 0.8


def test_what_the_trigger_alone_draws_stands_in_the_summary():
    rows = summarize(table({0.8: {}}, trigger_similarity=0.7)).set_index("weight")
    assert rows.loc[0.8, "trigger_similarity"] == pytest.approx(0.7)
    assert {"trigger_similarity_low", "leak", "leak_high"} <= set(rows.columns)


def test_the_benchmarks_own_prompt_counts_in_a_table_that_was_read(tmp_path):
    written = table({0.4: {}, 0.8: {}}, untriggered_gain=0.3)
    written.to_csv(tmp_path / "metrics.csv", index=False)
    assert leak(summary.read(tmp_path / "metrics.csv"), 0.8) == pytest.approx(leak(written, 0.8))


# ---------------------------------------------------------------- several LoRAs


@pytest.fixture
def several(tmp_path):
    """A table of two LoRAs that share weight 0, as it is written and read; and the LoRAs."""
    one, other = table({0.4: {}}), table({0.4: {"structure": 0.3}})
    rows = [one.assign(lora="a"), other[other["weight"] != 0].assign(lora="b")]
    whole = pd.concat(rows, ignore_index=True)
    whole.loc[whole["weight"] == 0, "lora"] = "no-lora"
    whole.to_csv(tmp_path / "metrics.csv", index=False)
    loras = [SweptLora(key, "", key, baseline="no-lora") for key in "ab"]
    return summary.read(tmp_path / "metrics.csv"), loras, (one, other)


def test_the_table_of_each_lora_has_its_rows_and_the_shared_ones(several):
    whole, loras, alone = several
    for lora, expected in zip(loras, alone, strict=True):
        found = summary.of_lora(whole, lora)
        assert "lora" not in found
        assert set(found["weight"]) == {0, 0.4} and len(found) == len(expected)
        assert summarize(found)["structure"].tolist() == summarize(expected)["structure"].tolist()


def test_the_key_of_a_runs_own_lora_and_of_none_is_empty(several):
    whole, _, _ = several
    own = whole.replace({"lora": {"a": "", "no-lora": "", "b": "epoch-000002"}})
    last, earlier = (SweptLora(key, "", key) for key in ("", "epoch-000002"))
    for lora, structure in ((last, 0.8), (earlier, 0.3)):
        found = summary.of_lora(own, lora)
        assert set(found["weight"]) == {0, 0.4}
        asked = found[(found["weight"] == 0.4) & (found["probe"] == "")]
        assert asked["structure"].mean() == pytest.approx(structure)


def test_the_summary_of_several_has_a_row_for_each_lora_and_weight(several):
    whole, loras, _ = several
    tables = {one.key: summary.of_lora(whole, one) for one in loras}
    found = summary.of_each(tables)
    assert list(found.columns)[:2] == ["lora", "weight"]
    assert list(zip(found["lora"], found["weight"], strict=True)) == [
        ("a", 0), ("a", 0.4), ("b", 0), ("b", 0.4),
    ]  # fmt: skip
    alone = summary.of_each({"": tables["a"]})
    assert "lora" not in alone and alone.equals(summarize(tables["a"]))
