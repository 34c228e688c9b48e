"""What an earlier, wider sweep left in a run, in words and with the command that shows it."""

import shlex
import shutil
from dataclasses import replace

import pytest
import yaml

from lorabench.pages.run import earlier
from lorabench.pages.run.repeat_command import repeat_command
from lorabench.sweep.loras import SweptLora
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.variants import Variant
from tests import records
from tests.finished import make_run, relabel


@pytest.fixture
def narrowed(tmp_path):
    """A run, and its sweep without what is given, of three prompts, weights and seeds."""

    def make(prompts=(), weights=(), seeds=()):
        run, _ = make_run(
            tmp_path, prompts=3, weights=(0.0, 0.4, 0.8, 1.2), seeds=(1, 2, 3), size=8
        )
        sweep = SweepRecord.read(run / "bench" / "sweep.yaml")
        kept = {
            "weights": without(sweep.weights, weights),
            "seeds": without(sweep.seeds, seeds),
            "baseline": 0.0 not in weights,
            "variants": tuple(
                replace(one, weights=without(one.weights, weights), seeds=without(one.seeds, seeds))
                for one in sweep.variants
                if one.prompt not in prompts
            ),
        }
        return run, sweep.model_copy(update=kept)

    return make


def without(values, left_out):
    return tuple(value for value in values if value not in left_out)


def settings(found):
    """What the command asks for."""
    command = repeat_command(records.run(), found.sweep, None)
    return dict(word.split("=", 1) for word in shlex.split(command)[6:])


def test_a_whole_sweep_has_nothing_earlier(narrowed):
    assert earlier.find(*narrowed()) is None


def test_what_the_sweep_will_render_anyway_is_nothing_earlier(narrowed):
    """As where its LoRA is another by now, and no picture of the new one is there yet."""
    run, sweep = narrowed()
    for path in (run / "bench").rglob("w0.40/*_00.png"):
        path.rename(path.with_name(path.name.replace("_00", "_01")))
    assert earlier.find(run, sweep) is None


def test_weights_and_seeds_are_named_and_asked_for_again(narrowed):
    run, sweep = narrowed(weights=(0.4, 1.2), seeds=(3,))
    found = earlier.find(run, sweep)
    assert earlier.sentence(found) == (
        "Pictures of seed 3 and at weights 0.40 and 1.20 were rendered earlier and lie in "
        f"{run}/bench/; this command shows them, too:"
    )
    assert "シード 3、重み 0.40、1.20の画像" in earlier.sentence(found, "ja")
    assert settings(found)["weights"] == "0.4,0.8,1.2"
    assert settings(found)["seeds"] == "1,2,3"


def test_weight_0_is_asked_for_as_the_baseline(narrowed):
    found = earlier.find(*narrowed(weights=(0.0,)))
    assert found.weights == [0.0]
    assert settings(found)["weights"] == "0.4,0.8,1.2"
    assert "baseline" not in settings(found), "it is the default"


def test_prompts_come_back_with_the_words_that_their_pictures_hold(narrowed):
    run, sweep = narrowed(prompts=("mushroom",))
    found = earlier.find(run, sweep)
    assert found.prompts == ["mushroom"]
    assert "of the prompt mushroom were rendered" in earlier.sentence(found)
    assert yaml.safe_load(settings(found)["prompts"]) == [
        "lighthouse: {trigger}, a lighthouse",
        "mushroom: {trigger}, a mushroom",
    ]


def test_prompts_of_several_loras_call_each_by_its_own_words(narrowed):
    run, sweep = narrowed(prompts=("mushroom",))
    ink, mofu = SweptLora("", "a", "a", trigger="ponnyu style"), SweptLora("b", "b", "b")
    several = tuple(
        replace(one, lora=lora.key, text=one.text.replace("ponnyu style", words))
        for one in sweep.variants
        for lora, words in ((ink, "ponnyu style"), (mofu, "mofu"))
    )
    loras = (ink, replace(mofu, trigger="mofu"))
    found = earlier.find(run, sweep.model_copy(update={"loras": loras, "variants": several}))
    assert yaml.safe_load(settings(found)["prompts"]) == [
        "lighthouse: {trigger}, a lighthouse",
        "mushroom: {trigger}, a mushroom",
    ]


def test_words_that_no_picture_has_are_not_asked_for(narrowed):
    run, sweep = narrowed(prompts=("mushroom",))
    for path in run.glob("bench/prompt-mushroom/w*/*.png"):
        relabel(path, prompt=None)
    found = earlier.find(run, sweep)
    assert found.prompts == ["mushroom"] and "mushroom: " not in settings(found)["prompts"]


def test_pictures_of_version_0_1_say_their_words_alone(narrowed):
    run, sweep = narrowed(prompts=("mushroom",), weights=(1.2,))
    for path in run.glob("bench/**/w*/*.png"):
        relabel(path, prompt_name=None, probe=None)
    found = earlier.find(run, sweep)
    assert (found.prompts, found.weights) == (["a-mushroom"], [1.2])
    assert yaml.safe_load(settings(found)["prompts"]) == [
        "lighthouse: {trigger}, a lighthouse",
        "a-mushroom: {trigger}, a mushroom",
    ]


def test_names_of_folders_are_not_read(tmp_path):
    listed = [Variant(name, f"a {name}", "", (0.0, 0.4), (1,)) for name in ("w0.40", "trigger")]
    own = Variant("", "a cat", "", (0.0, 0.4), (1,))
    run, _ = make_run(tmp_path, variants=[own, *listed], weights=(0.0, 0.4), seeds=(1,), size=8)
    sweep = SweepRecord.read(run / "bench" / "sweep.yaml")
    found = earlier.find(run, sweep.model_copy(update={"variants": (own,)}))
    assert (found.prompts, found.weights) == (["trigger", "w0.40"], [])


@pytest.mark.parametrize("change", [{"lora_sha256": "b"}, {"graph": "h"}])
def test_what_was_rendered_with_another_lora_or_workflow_is_left_out(narrowed, change):
    run, sweep = narrowed(weights=(1.2,))
    assert earlier.find(run, sweep).weights == [1.2]
    for path in run.glob("bench/**/w1.20/*.png"):
        relabel(path, **change)
    assert earlier.find(run, sweep) is None


def test_probes_alone_are_nothing_that_was_asked_for(narrowed):
    run, sweep = narrowed()
    shutil.copytree(run / "bench" / "trigger" / "w0.80", run / "bench" / "trigger" / "w1.50")
    for path in run.glob("bench/trigger/w1.50/*.png"):
        relabel(path, weight=1.5)
    assert earlier.find(run, sweep) is None


def test_a_run_without_records_has_nothing_earlier(tmp_path):
    assert earlier.find(tmp_path, None) is None
