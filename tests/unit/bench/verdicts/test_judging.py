"""The verdict on tables whose answer is plain."""

import numpy as np
import pandas as pd
import pytest

from lorabench.bench.measures.training_set import TrainingSet
from lorabench.bench.verdicts import words
from lorabench.bench.verdicts.judging import judge
from lorabench.bench.verdicts.verdict import COPIED, Finding
from lorabench.settings.models import VerdictSettings
from tests.judged import table

LIMITS = VerdictSettings()
WEAK = {"style_gained": 0.05}
FRIED = {"outside": 0.3}


def verdict(weights, **options):
    return judge(table(weights, **options), LIMITS)


def test_a_good_lora_has_a_window_a_best_weight_and_reasons_at_both_ends():
    found = verdict({0.2: WEAK, 0.4: {"style_gained": 0.3}, 0.6: {}, 0.8: FRIED, 1.0: FRIED})
    assert found.label == "works"
    assert found.window == (0.4, 0.6)
    assert (found.weight, found.tie) == (0.6, [0.6])
    assert (found.below.code, found.below.weight) == ("style_low", 0.2)
    assert (found.above.code, found.above.weight) == ("off_range", 0.8)
    assert found.labels == {
        "0.20": "weak", "0.40": "works", "0.60": "works", "0.80": "fried", "1.00": "fried",
    }  # fmt: skip
    assert found.leaks is False
    assert found.unknown == []


def test_the_best_weight_gains_more_style_than_it_loses_structure():
    found = verdict({0.4: {}, 0.8: {"style_gained": 0.7, "structure": 0.5}})
    assert found.weight == 0.4
    # Near the training set there is no more style to gain.
    found = verdict({0.4: {"style_gained": 0.9}, 0.8: {"style_gained": 1.6, "structure": 0.75}})
    assert found.weight == 0.4


@pytest.mark.parametrize(
    ("usable", "last", "weight"),
    [
        ([0.6, 0.8, 1.0], 1.2, 0.8),
        ([0.6, 0.8, 1.0, 1.2], 1.2, 0.8),  # the lower of two
        ([0.6, 0.8], 1.2, 0.8),  # none between: the better one
        ([0.4, 0.6, 0.8], 0.8, 0.8),  # cut off: nobody knows the middle
    ],
)
def test_the_middle_of_the_window_is_the_weight_to_use(usable, last, weight):
    grows = {one: {"style_gained": min(one, 0.8), "structure": 0.9} for one in usable}
    after = {} if usable[-1] == last else {last: FRIED}
    assert verdict({0.2: WEAK} | grows | after).weight == weight


def test_negative_weights_have_no_highest_one_to_go_beyond():
    found = verdict({-0.8: FRIED, -0.6: {"style_gained": 0.6}, -0.4: {"style_gained": 0.3}})
    assert found.weight == -0.6
    assert "highest" not in [one.code for one in found.unknown]


def noisily(weights, weight, change):
    """A table in which one prompt gains more, or less, at one weight."""
    noisy = table(weights)
    noisy.loc[(noisy["weight"] == weight) & (noisy["variant"] == "prompt-3"), "style_gained"] += (
        change
    )
    return noisy


def test_weights_that_cannot_be_told_apart_are_a_tie():
    weights = {0.4: {"style_gained": 0.5}, 0.6: {"style_gained": 0.59}, 0.8: {}}
    assert (judge(table(weights), LIMITS).weight, judge(table(weights), LIMITS).tie) == (0.8, [0.8])
    found = judge(noisily(weights, 0.6, 0.06), LIMITS)
    assert (found.weight, found.tie) == (0.8, [0.6, 0.8])


def test_a_single_picture_settles_no_tie_but_has_a_best_weight():
    found = verdict({0.4: {"style_gained": 0.6}, 0.8: {"style_gained": 0.75}}, prompts=1)
    assert found.weight == 0.8


@pytest.mark.parametrize(
    ("weights", "label", "code"),
    [
        ({0.4: WEAK, 0.8: WEAK}, "weak", "style_low"),
        ({0.4: {"ssim": 0.95}, 0.8: {"ssim": 0.9}}, "weak", "little_change"),
        ({0.4: {"difference": 0.001}, 0.8: {"difference": 0.002}}, "dead", "no_effect"),
        ({0.4: WEAK, 0.8: FRIED}, "fried", "off_range"),
        ({0.4: {"style_beside": 12.0}}, "fried", "beside"),
        ({0.4: {"prompt_kept": 0.1}, 0.8: {"prompt_kept": 0.0}}, "lost", "prompt_lost"),
        ({0.4: {"structure": 0.1}}, "fried", "structure_lost"),
        ({0.4: {"coherence": 0.2, "prompt_kept": 0.0}}, "fried", "noise"),
        ({0.4: {"contrast": 0.0}, 0.8: {"contrast": 0.0}}, "broken", "constant"),
    ],
)
def test_a_lora_without_a_usable_weight_is_called_by_what_it_is(weights, label, code):
    found = verdict(weights)
    assert found.label == label
    assert found.weight is None
    assert found.window is None
    assert code in {reason.code for reason in found.reasons}


def test_the_trigger_alone_shows_copies():
    found = verdict({0.4: {}, 0.8: {}}, trigger_similarity=0.95)
    assert found.label == "copies"
    assert found.reasons[0] == Finding(
        "copies", 0.4, 1, COPIED, measured=8, similarity=LIMITS.copy_similarity
    )
    assert verdict({1.2: {}}, trigger_similarity=0.95).label == "copies"


def copying(probe, number, **values):
    """A table in which so many pictures of 0.8 are copies."""
    pictures = table({0.4: {}, 0.8: {}})
    rows = pictures.index[(pictures["probe"] == probe) & (pictures["weight"] == 0.8)][:number]
    pictures.loc[rows, ["copy_similarity", "copy_excess"]] = [0.95, 0.5]
    for column, value in values.items():
        pictures.loc[rows, column] = value
    return judge(pictures, LIMITS)


@pytest.mark.parametrize(("probe", "code"), [("trigger", "copies"), ("", "prompts_copied")])
def test_a_quarter_of_copies_is_enough_for_a_copying_lora(probe, code):
    found = copying(probe, 2)
    assert (found.label, found.reasons[0].code, found.reasons[0].value) == ("copies", code, 0.25)
    assert copying(probe, 1).label == "works"


def test_what_was_as_near_without_the_lora_is_no_copy():
    assert copying("trigger", 8, copy_excess=0.2).label == "works"


def test_a_weight_of_the_probe_alone_shows_copies_too():
    pictures = table({0.4: {}, 0.8: {}})
    further = pictures[(pictures["probe"] == "trigger") & (pictures["weight"] == 0.8)].assign(
        weight=1.0, copy_similarity=0.95, copy_excess=0.5
    )
    found = judge(pd.concat([pictures, further], ignore_index=True), LIMITS)
    assert (found.label, found.reasons[0].weight) == ("copies", 1.0)
    assert set(found.labels) == {"0.40", "0.80"}


def test_a_lora_that_passes_over_the_prompt_loses_the_subject():
    same = table({0.4: {}, 0.8: {}})
    same.loc[(same["weight"] == 0.8) & (same["probe"] == ""), "hash"] = "00" * 8
    found = judge(same, LIMITS)
    assert (found.label, found.window) == ("works", (0.4, 0.4))
    assert (found.above.code, found.above.value) == ("prompts_ignored", 0)


def test_a_copy_above_full_strength_ends_the_window_only():
    both = table({0.8: {}, 1.2: {}})
    rows = (both["probe"] == "trigger") & (both["weight"] == 1.2)
    both.loc[rows, ["copy_similarity", "copy_excess"]] = [0.95, 0.5]
    found = judge(both, LIMITS)
    assert (found.label, found.window) == ("works", (0.8, 0.8))
    assert found.above.code == "copies"


def test_a_leak_is_the_style_without_the_words():
    found = verdict({0.4: {}, 0.8: {}}, untriggered_gain=0.5)
    assert (found.leaks, found.reasons) == (True, [])  # as most do
    assert found.leak == pytest.approx(0.5 / 0.6, abs=0.05)
    leaking = table({0.4: {}, 0.8: {}}, untriggered_gain=0.5)
    beside_plain = TrainingSet(pictures=20, captions=20, with_trigger=10)
    (leak,) = judge(leaking, LIMITS, taught=beside_plain).reasons
    assert (leak.code, leak.value) == ("leaks", found.leak)
    regularized = TrainingSet(pictures=20, captions=20, with_trigger=20, beside=1)
    assert judge(leaking, LIMITS, taught=regularized).reasons == [leak]
    assert verdict({0.8: WEAK}, untriggered_gain=0.05).leaks is None  # nothing that could leak


def test_what_the_pictures_cannot_tell_is_said():
    found = verdict({0.8: {}}, prompts=3, trigger=0, untriggered=0)
    assert found.label == "works"
    assert {one.code for one in found.unknown} == {"few_prompts", "few_triggers", "no_untriggered"}


def test_on_another_base_model_the_limits_are_said_to_be_the_bundled_ones():
    (other,) = judge(table({0.8: {}}), LIMITS, bundled=False).unknown
    assert "calibrated on the bundled one, drawnworld" in words.finding(other)
    assert "同梱のベースモデル drawnworld" in words.finding(other, "ja")
    assert verdict({0.8: {}}).unknown == []


def test_few_prompts_near_the_limit_are_no_answer():
    found = verdict({0.8: {"style_gained": 0.14}}, prompts=3)
    assert found.label == "uncertain"
    assert Finding("prompts_needed", 0.8, 5, prompts=3, needs=46) in found.unknown
    assert verdict({0.8: {"style_gained": 0.25}}, prompts=3).label == "uncertain"
    assert verdict({0.8: {"style_gained": 0.14}}, prompts=8).label == "weak"
    assert verdict({0.8: {"style_gained": 0.9}}, prompts=1).label == "works"


@pytest.mark.parametrize("values", [{"structure": 0.25}, {"style_beside": 8.5}])
def test_a_few_prompts_beyond_a_limit_are_no_answer(values):
    assert verdict({0.8: values}, prompts=1).label == "uncertain"
    assert verdict({0.8: values}).label == "fried"


def test_a_close_answer_of_many_prompts_is_said_to_be_one():
    found = verdict({0.8: {"style_gained": 0.45}}, spread=0.3)
    assert found.label == "works"
    assert "prompts_needed" in {one.code for one in found.unknown}
    assert "prompts_needed" not in {one.code for one in verdict({0.8: {}}).unknown}


def test_where_no_number_of_prompts_would_settle_the_label_none_is_named():
    found = verdict({0.8: {"style_gained": 0.4}}, spread=0.3)
    close = found.unknown[-1]
    assert (close.code, close.weight, close.limit, close.prompts) == ("never_settled", 0.8, 64, 8)
    assert close.needs > 64
    assert "even 64 prompts would not settle 0.80" in words.finding(found.unknown[-1])


def test_weights_that_do_too_little_below_those_that_do_too_much_are_named():
    found = verdict(
        {0.4: {"style_gained": 0.02}, 0.8: {"style_gained": 0.1}, 1.0: {"structure": 0.1}}
    )
    assert found.label == "fried"
    assert found.reasons[-1] == Finding("weak_below", 0.8)
    assert {one.code for one in verdict({0.4: {"structure": 0.1}}).reasons} == {"structure_lost"}


def test_each_number_says_on_how_much_it_stands():
    found = verdict({0.4: {"style_gained": 0.5}, 0.8: {}})
    of_weight = {check.code: check for check in found.checks["0.40"]}
    style, copied = of_weight["style_low"], of_weight["copies"]
    assert (style.prompts, style.measured, style.similarity) == (8, 8, None)
    assert style.needs <= 8, "so many prompts settle it"
    assert (copied.prompts, copied.measured, copied.limit) == (None, 8, COPIED)
    assert copied.similarity == LIMITS.copy_similarity
    assert found.leak_prompts == 8


def test_the_weight_to_use_and_its_tie_have_scores():
    weights = {0.4: {"style_gained": 0.5}, 0.8: {}}
    found = judge(noisily(weights, 0.4, 0.4), LIMITS)
    assert list(found.scores) == ["0.40", "0.80"]
    tied = {name: score for name, score in found.scores.items() if score.low <= 0}
    assert [float(name) for name in tied] == found.tie
    chosen = found.scores[f"{found.weight:.2f}"]
    assert (chosen.behind, chosen.low, chosen.high) == (0, 0, 0)
    other = next(score for score in found.scores.values() if score is not chosen)
    assert chosen.mean - other.mean == pytest.approx(other.behind, abs=0.1)
    assert other.low < other.behind < other.high
    clear = verdict(weights)
    assert clear.tie == [0.8] and clear.scores["0.40"].low > 0
    assert verdict({0.8: {"style_gained": 0.0}}).scores == {}


def test_a_tie_tells_how_many_prompts_would_settle_it():
    weights = {0.4: {"style_gained": 0.5}, 0.8: {}}
    found = judge(noisily(weights, 0.4, 0.4), LIMITS)
    (tie,) = [one for one in found.unknown if one.code == "tie"]
    assert 1 <= tie.value <= 64
    assert "tie" not in {one.code for one in verdict(weights).unknown}


def test_a_lora_that_works_beyond_full_strength_only_is_weak():
    found = verdict({0.8: WEAK, 1.0: WEAK, 1.2: {}})
    assert (found.label, found.weight) == ("weak", None)
    assert Finding("works_above", 1.2) in found.reasons
    assert verdict({1.2: {}}).label == "works"


def test_negative_weights_have_a_label_but_count_only_alone():
    found = verdict({-0.5: FRIED, 0.4: WEAK, 0.8: {}})
    assert (found.label, found.weight, found.window) == ("works", 0.8, (0.8, 0.8))
    assert found.labels["-0.50"] == "fried"
    assert verdict({-0.5: FRIED, 1.5: {}}).label == "works"
    assert verdict({-0.5: {}, 0.8: FRIED}).label == "fried"
    assert verdict({-0.5: FRIED}).label == "fried"


def test_what_is_missing_costs_what_it_takes_to_draw_it():
    alone = table({0.4: {}, 0.8: {}}, trigger=0, untriggered=0)
    pair = pd.concat([alone, alone.assign(index=1)], ignore_index=True)
    for pictures, batch in ((alone, 1), (pair, 2)):
        costs = {one.code: one.pictures for one in judge(pictures, LIMITS).unknown}
        assert costs["few_triggers"] == 8 * 4 * batch  # at 0, 0.4, 0.8 and 1
        assert costs["no_untriggered"] == 2 * 8 * batch
    above = judge(table({0.4: {}, 1.2: {}}, trigger=0, untriggered=0), LIMITS)
    assert {one.code: one.pictures for one in above.unknown}["few_triggers"] == 8 * 3


def test_a_base_model_that_fails_is_no_fault_of_the_lora():
    black = table({0.8: {}}).assign(contrast=0.0)
    found = judge(black, LIMITS)
    assert (found.label, [one.code for one in found.unknown]) == ("uncertain", ["base_constant"])


def test_a_base_model_that_draws_one_thing_is_no_fault_of_the_lora():
    noise = table({0.8: {"prompt_kept": 0.04}})
    noise.loc[noise["weight"] == 0, "prompt_kept"] = 0.7
    found = judge(noise, LIMITS)
    assert (found.label, [one.code for one in found.unknown]) == ("uncertain", ["base_alike"])
    two_alike = noise.assign(prompt_kept=noise["prompt_kept"].where(noise["prompt"] < "3", 1))
    assert judge(two_alike, LIMITS).label != "uncertain"


def test_a_base_model_that_draws_noise_is_no_fault_of_the_lora():
    noise = table({0.8: {}}).assign(coherence=0.1)
    found = judge(noise, LIMITS)
    assert (found.label, [one.code for one in found.unknown]) == ("uncertain", ["base_noise"])


def test_what_could_not_be_judged_has_its_own_cause():
    def codes(pictures, trigger=True):
        return {one.code for one in judge(pictures, LIMITS, trigger).unknown}

    alone = table({0.8: {}}, trigger=0, untriggered=0)
    assert codes(alone) == {"few_triggers", "no_untriggered"}
    assert codes(alone, trigger=False) == {"no_trigger"}
    assert codes(table({0.8: {}}).assign(copy_similarity=float("nan"))) == {"no_pictures_to_copy"}
    assert codes(table({0.8: WEAK}, untriggered_gain=0.0)) >= {"no_style_to_leak"}
    assert "few_triggers" not in codes(table({0.8: {}}, trigger=4, trigger_similarity=0.95))


def test_without_weight_0_or_training_set_there_is_no_answer():
    alone = table({0.8: {}})
    alone = alone[alone["weight"] != 0].assign(difference=float("nan"), style_gained=float("nan"))
    found = judge(alone, LIMITS)
    assert (found.label, [one.code for one in found.unknown]) == ("uncertain", ["no_baseline"])
    base = table({0.8: {}})
    found = judge(base[base["weight"] == 0], LIMITS)
    assert (found.label, [one.code for one in found.unknown]) == ("uncertain", ["only_baseline"])
    untaught = table({0.8: {}}).assign(style_gained=float("nan"), style_beside=float("nan"))
    found = judge(untaught, LIMITS)
    assert found.label == "uncertain"
    assert "no_training_set" in {one.code for one in found.unknown}


def test_limits_can_be_set():
    assert judge(table({0.8: WEAK}), VerdictSettings(style=0.01)).label == "works"


def test_a_sweep_of_one_prompt_is_judged_without_what_takes_two():
    alone = table({0.8: {}}, prompts=1).assign(prompt_kept=float("nan"))
    assert judge(alone, LIMITS).label == "works"


def test_what_hardly_changes_is_never_fried():
    still = {"ssim": 0.95, "outside": 0.09, "style_beside": 9.0}
    assert verdict({0.4: still, 0.8: still}).label == "weak"


def test_labels_that_cross_take_the_likeliest_order():
    # A hair beyond a limit at 0.4, plainly weak at 0.6: 0.4 is no stronger than 0.6.
    pictures = table({0.4: {"style_gained": 0.1}, 0.6: WEAK, 0.8: FRIED})
    rows = (pictures["weight"] == 0.4) & (pictures["probe"] == "")
    pictures.loc[rows, "style_beside"] = np.linspace(7.0, 9.1, 8)
    found = judge(pictures, LIMITS)
    assert list(found.labels.values()) == ["weak", "weak", "fried"]
    assert "out_of_order" not in {one.code for one in found.reasons}


def test_a_weight_between_two_that_work_works():
    pictures = table({0.4: {}, 0.6: {}, 0.8: {}})
    rows = (pictures["weight"] == 0.6) & (pictures["probe"] == "")
    pictures.loc[rows, "outside"] = np.linspace(0.0, 0.07, 8)
    found = judge(pictures, LIMITS)
    assert (found.window, set(found.labels.values())) == ((0.4, 0.8), {"works"})


def test_a_weight_whose_numbers_settle_nothing_has_no_label_of_its_own():
    found = verdict({0.8: {"style_gained": 0.14}}, prompts=3)
    assert (found.label, found.labels) == ("uncertain", {"0.80": "uncertain"})


def test_each_number_stands_beside_its_limit():
    found = verdict({0.8: {"prompt_kept": 0.1}})
    (lost,) = found.reasons
    assert (lost.value, lost.limit, lost.spread) == (0.1, LIMITS.prompt_kept, 0)
    checked = {one.code: one for one in found.checks["0.80"]}
    assert checked["prompt_lost"] == lost
    assert checked["style_low"].value == pytest.approx(0.6, abs=0.05)


@pytest.mark.parametrize(
    ("values", "taught", "code"),
    [
        (WEAK, {"with_trigger": 0}, "trigger_unsaid"),
        ({}, {"with_trigger": 0}, "trigger_unsaid"),
        ({"prompt_kept": 0.0}, {"captions": 1}, "captions_alike"),
        (WEAK, {"detail": 0.4}, "detail_lost"),
        (WEAK, {"apart": 0.3}, "no_style"),
    ],
)
def test_what_the_training_set_explains_comes_first(values, taught, code):
    usual = {"pictures": 20, "captions": 20, "with_trigger": 20, "detail": 0.9, "apart": 10.0}
    pictures = table({0.8: values})
    first = judge(pictures, LIMITS, taught=TrainingSet(**{**usual, **taught})).reasons[0]
    assert first.code == code
    plain = judge(pictures, LIMITS, taught=TrainingSet(**usual)).reasons
    assert code not in {one.code for one in plain}


ROBOTS = {"pictures": 25, "captions": 25, "with_trigger": 25, "subject": "robot", "naming": 0.96}


@pytest.mark.parametrize(
    ("weights", "limits", "said"),
    [
        ({0.8: {"prompt_kept": 0.0}}, LIMITS, True),
        ({0.4: {}, 0.6: {}, 0.8: {"prompt_kept": 0.0}}, LIMITS, True),  # it works below
        ({0.4: {}, 0.6: {}, 0.8: {}, 1.2: {"prompt_kept": 0.0}}, LIMITS, False),
        ({0.8: FRIED}, LIMITS, False),
        ({0.8: {"prompt_kept": 0.0}}, VerdictSettings(likeness=0.75, prompt_kept=0.1), False),
    ],
)
def test_a_style_of_one_subject_only_says_what_is_drawn_instead(weights, limits, said):
    found = judge(table(weights), limits, taught=TrainingSet(**ROBOTS))
    named = [one for one in found.reasons if one.code == "subject_alike"]
    assert bool(named) == said
    if said:
        assert (named[0].word, named[0].value) == ("robot", 0.96)
        assert found.reasons[0] is named[0]
        assert "96% of the training captions name 'robot', so" in words.finding(named[0])
        assert "「robot」" in words.finding(named[0], "ja")
    one_caption = TrainingSet(**{**ROBOTS, "captions": 1})
    codes = {one.code for one in judge(table(weights), limits, taught=one_caption).reasons}
    assert "subject_alike" not in codes or found.label == "works"


def test_one_subject_is_named_where_all_prompts_draw_it():
    same = table({0.8: {}})
    same.loc[(same["weight"] == 0.8) & (same["probe"] == ""), "hash"] = "00" * 8
    found = judge(same, LIMITS, taught=TrainingSet(**ROBOTS))
    assert [one.code for one in found.reasons] == ["subject_alike", "prompts_ignored"]


def test_a_lora_that_works_needs_no_excuse():
    taught = TrainingSet(pictures=20, captions=1, with_trigger=20, detail=0.1, apart=0.1)
    assert judge(table({0.8: {}}), LIMITS, taught=taught).reasons == []


def test_a_character_has_to_be_there():
    stranger = table({0.8: {"likeness": 0.5}})
    (why,) = judge(stranger, VerdictSettings(likeness=0.75)).reasons
    assert (why.code, why.value, why.limit) == ("character_missing", 0.5, 0.75)
    assert judge(stranger, VerdictSettings(likeness=0.75)).label == "weak"
    assert judge(stranger, LIMITS).label == "works"  # a style has no figure
    embedded = stranger.assign(dino_likeness=0.9)
    assert judge(embedded, VerdictSettings(likeness=0.75)).label == "works"


@pytest.mark.parametrize("column", [{"base_likeness": 0.9}, {"dino_likeness": float("nan")}])
def test_the_base_models_own_features_and_an_empty_embedding_say_nothing_of_a_character(column):
    stranger = table({0.8: {"likeness": 0.5}}).assign(**column)
    assert judge(stranger, VerdictSettings(likeness=0.75)).label == "weak"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (0.1, "prompt_lost_twice"),
        (0.6, "prompt_lost_disputed"),
        (float("nan"), "prompt_lost"),
    ],
)
def test_a_clip_is_a_second_witness_of_a_lost_prompt(text, code):
    found = judge(table({0.8: {"prompt_kept": 0.1}}).assign(clip_prompt=text), LIMITS)
    (why,) = found.reasons
    assert (found.label, why.code, why.value, why.limit) == ("lost", code, 0.1, 0.35)


def test_a_clip_that_finds_the_prompt_lost_alone_decides_nothing_and_is_heard():
    pictures = table({0.6: {}, 0.8: {}, 1.0: {}, 1.2: FRIED}).assign(clip_prompt=0.6)
    alone = judge(pictures, LIMITS)
    pictures.loc[pictures["weight"] >= 0.8, "clip_prompt"] = 0.1
    found = judge(pictures, LIMITS)
    assert (found.label, found.labels, found.weight) == ("works", alone.labels, alone.weight)
    (doubt,) = [one for one in found.unknown if one not in alone.unknown]
    assert (doubt.code, doubt.weight, doubt.value, doubt.limit) == ("text_lost", 0.8, 0.1, 0.35)
    assert doubt in found.checks["0.80"]


def test_a_clip_that_tells_no_prompts_apart_is_said_to():
    pictures = table({0.8: {}}).assign(clip_prompt=float("nan"))
    assert "text_blind" in {one.code for one in judge(pictures, LIMITS).unknown}
    alone = table({0.8: {}}, prompts=1).assign(clip_prompt=float("nan"))
    assert "text_blind" not in {one.code for one in judge(alone, LIMITS).unknown}
