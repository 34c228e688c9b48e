"""What is advised after each verdict, and that its command keeps the run's settings."""

from pathlib import Path

import pytest

from lorabench.base.stable_diffusion import BUNDLED, SD15
from lorabench.bench.verdicts import words
from lorabench.bench.verdicts.verdict import Finding, Verdict
from lorabench.pages import advice
from lorabench.pages.run.repeat_command import repeat_command
from tests import records

RECORD = records.run(raw_set="zubo", run_id="zubo-0a1b2c3d", trigger="zubo")
PROBED = {"prompts": ["a"], "probe": "full", "seeds": [1], "trigger": "zubo"}


def swept(**given):
    return records.sweep([], **{**PROBED, "run_id": RECORD.run_id, **given})


def advised(label, *unknown, weights=(0.4, 0.6, 0.8), record=RECORD, **sweep):
    found = Verdict(label, unknown=[Finding(code) for code in unknown])
    return advice.advise(found, record, swept(weights=weights, **sweep))


@pytest.mark.parametrize(
    ("label", "unknown", "weights", "code"),
    [
        ("works", ["highest"], (0.4, 0.8), "higher_weights"),
        ("works", [], (0.4, 0.8), "seeds"),
        ("works", ["highest"], (0.4, 2.0), "seeds"),
        ("weak", [], (0.4, 0.8), "higher_weights"),
        ("weak", [], (0.4, 1.0), "longer"),
        ("dead", [], (0.4, 0.8), "higher_weights"),
        ("dead", [], (1.0,), "higher_rate"),
        ("fried", [], (0.4, 0.8), "lower_weights"),
        ("fried", [], (0.1, 0.4), "lower_rate"),
        ("broken", [], (0.2, 0.4), "lower_rate"),
        ("copies", [], (0.2, 0.4), "shorter"),
        ("uncertain", ["no_baseline"], (0.4,), "baseline"),
        ("uncertain", ["only_baseline"], (0.0,), "weights"),
        ("uncertain", ["prompts_needed"], (0.4,), "seeds"),
        ("uncertain", ["no_training_set", "few_prompts"], (0.4,), "look"),
    ],
)
def test_each_label_has_one_change_that_helps(label, unknown, weights, code):
    assert advised(label, *unknown, weights=weights).code == code


def test_between_too_little_and_too_much_a_weight_is_drawn_until_they_are_near():
    labels = {"0.40": "weak", "0.80": "weak", "1.00": "lost"}
    found = advice.advise(
        Verdict("lost", labels=labels), RECORD, swept(weights=(0.0, 0.4, 0.8, 1.0))
    )
    assert (found.code, found.sweep.weights) == ("between_weights", (0.0, 0.4, 0.8, 0.9, 1.0))
    nearer = {**labels, "0.90": "lost"}
    near = advice.advise(
        Verdict("lost", labels=nearer), RECORD, swept(weights=(0.4, 0.8, 0.9, 1.0))
    )
    assert near.code == "lower_rate"


def test_few_prompts_are_more_prompts_and_missing_probes_are_drawn():
    found = advised("uncertain", "few_prompts", prompts=[])
    assert (found.code, found.sweep.prompts) == ("prompts", BUNDLED.preset["prompts"])
    photo = records.run("photo")
    own = {"bench_workflow": "mine.json"}
    found = advised("uncertain", "few_prompts", prompts=[], record=photo, **own)
    assert found.sweep.prompts == SD15.preset["prompts"]
    assert advised("works", "few_triggers", probe="off").sweep.probe == "full"


def test_what_no_setting_mends_is_not_trained_again():
    found = Verdict("lost", reasons=[Finding("captions_alike")])
    assert advice.advise(found, RECORD, swept(weights=(0.2,))) is None


def test_the_command_of_a_run_without_probes_is_one_line():
    of = {"raw_set": "zubo", "profile": "char"}
    sweep = swept(prompts=[], probe="off", skip_train=True, run_id="mine", **of)
    line = repeat_command(None, sweep, None)
    assert " raw_set=zubo run_id=mine " in line and " profile=char" in line
    assert "\n" not in line and " probe=off" in line and " 'prompts=[]'" in line


@pytest.mark.parametrize("name", ["trigger", "a__b", "my_set", None])
def test_the_command_names_the_set_of_a_lora_from_elsewhere(name):
    """Of its record; an older one has none."""
    line = repeat_command(None, swept(skip_train=True, run_id="c__d", raw_set=name), None)
    assert " run_id=c__d " in line
    assert line.startswith(f"uv run snakemake --cores 1 --config raw_set={name} ") == bool(name)


def test_what_more_prompts_would_settle_gets_them_before_probes():
    found = advised("uncertain", "prompts_needed", "few_triggers", prompts=[], probe="off")
    assert found.code == "prompts"


@pytest.mark.parametrize("code", ["base_constant", "base_noise", "base_alike"])
def test_a_base_that_fails_by_itself_is_no_matter_of_the_lora(code):
    assert advised("uncertain", code) is None


def test_a_lora_from_elsewhere_is_not_trained_again():
    assert advised("weak", weights=(1.0,), record=None).code == "seeds"


def test_the_command_keeps_the_runs_own_settings_and_can_be_pasted():
    found = advised("weak", weights=(0.4, 0.8))
    command = repeat_command(found.record, found.sweep, Path("models/checkpoints/drawnworld"))
    assert "raw_set=zubo" in command
    assert "weights=0.4,0.8,1.0,1.2" in command


def test_another_training_is_another_run():
    named = RECORD.model_copy(update={"run_id": "mine"})
    found = advised("copies", weights=(0.2,), record=named, run_id="mine")
    assert found.record.identity.train["steps"] == 190
    command = repeat_command(found.record, found.sweep, Path("models/checkpoints/drawnworld"))
    assert "run_id" not in command
    assert "steps: 190" in command


def test_the_command_names_the_regularization_pictures():
    record = RECORD.model_copy(update={"reg_set": "plain"})
    found = advised("weak", weights=(0.4, 0.8), record=record)
    command = repeat_command(found.record, found.sweep, Path("models/checkpoints/drawnworld"))
    assert "reg_set=plain" in command


def test_a_leak_that_should_not_be_is_cured_by_regularization_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    leaks = Verdict("works", reasons=[Finding("leaks")])
    found = advice.advise(leaks, RECORD, swept())
    assert (found.code, found.record.reg_set, found.record.run_id) == ("reg_set", "plain", "")
    command = repeat_command(found.record, found.sweep, Path("models/checkpoints/drawnworld"))
    assert " reg_set=plain" in command
    (tmp_path / "datasets/raw/style/zubo/reg").mkdir(parents=True)
    assert advice.advise(leaks, RECORD, swept()).record.reg_set == "reg"
    tried = RECORD.model_copy(update={"reg_set": "plain"})
    assert advice.advise(leaks, tried, swept()).code == "seeds"
    assert advised("works").code == "seeds"


@pytest.mark.parametrize("code", words.ADVICE)
def test_each_advice_has_words_in_both_languages(code):
    assert words.try_next(code).startswith("Try next: ")
    assert words.try_next(code, "ja").startswith("次に試すこと")
