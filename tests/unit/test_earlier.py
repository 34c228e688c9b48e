"""What an earlier, wider sweep left in a run, in words and with the command that shows it."""

import shlex
import shutil

import pytest
import yaml

from lorabench.bench import origin
from lorabench.comfy.pictures import with_text
from lorabench.report import earlier
from tests.results import make_run


@pytest.fixture
def narrowed(tmp_path):
    """A run whose last sweep leaves out what is given, of three prompts, weights and seeds."""

    def make(prompts=(), weights=(), seeds=()):
        run, _ = make_run(
            tmp_path, prompts=3, weights=(0.0, 0.4, 0.8, 1.2), seeds=(1, 2, 3), size=8
        )
        path = run / "bench" / "sweep.yaml"
        sweep = yaml.safe_load(path.read_text("utf-8"))
        sweep["weights"] = [one for one in sweep["weights"] if one not in weights]
        sweep["seeds"] = [one for one in sweep["seeds"] if one not in seeds]
        sweep["baseline"] = 0.0 not in weights
        sweep["variants"] = [one for one in sweep["variants"] if one["name"] not in prompts]
        for one in sweep["variants"]:
            for axis, left_out in (("weights", weights), ("seeds", seeds)):
                one[axis] = [value for value in one[axis] if value not in left_out]
        path.write_text(yaml.safe_dump(sweep, allow_unicode=True), "utf-8")
        return run

    return make


def settings(found):
    """What the command asks for."""
    return dict(word.split("=", 1) for word in shlex.split(found.command)[6:])


def test_a_whole_sweep_has_nothing_earlier(narrowed):
    assert earlier.find(narrowed()) is None


def test_weights_and_seeds_are_named_and_asked_for_again(narrowed):
    run = narrowed(weights=(0.4, 1.2), seeds=(3,))
    found = earlier.find(run)
    assert earlier.sentence(found) == (
        "Pictures of seed 3 and at weights 0.40 and 1.20 were rendered earlier and lie in "
        f"{run}/bench/; this command shows them, too:"
    )
    assert "シード 3、重み 0.40、1.20の画像" in earlier.sentence(found, "ja")
    assert settings(found)["weights"] == "0.4,0.8,1.2"
    assert settings(found)["seeds"] == "1,2,3"


def test_weight_0_is_asked_for_as_the_baseline(narrowed):
    found = earlier.find(narrowed(weights=(0.0,)))
    assert found.weights == [0.0]
    assert settings(found)["weights"] == "0.4,0.8,1.2"
    assert "baseline" not in settings(found), "it is the default"


def test_prompts_come_back_with_the_words_that_their_pictures_hold(narrowed):
    run = narrowed(prompts=("prompt-mushroom",))
    assert "prompt-mushroom" in earlier.find(run).prompts
    assert "mushroom: " not in earlier.find(run).command, "nobody knows its words"
    for path in run.glob("bench/prompt-mushroom/w*/*.png"):
        path.write_bytes(
            with_text(path.read_bytes(), {origin.CHUNK: {"prompt": "ponnyu style, a mushroom"}})
        )
    found = earlier.find(run)
    assert "of the prompt mushroom were rendered" in earlier.sentence(found)
    assert yaml.safe_load(settings(found)["prompts"]) == [
        "lighthouse: ponnyu style, a lighthouse",
        "mushroom: ponnyu style, a mushroom",
    ]


def test_what_was_rendered_with_another_lora_or_workflow_is_left_out(narrowed):
    run = narrowed(weights=(1.2,))
    label = {"run_id": "r", "lora_sha256": "a", "graph": "g"}
    pictures = {path: path.read_bytes() for path in run.glob("bench/**/w*/*.png")}

    def render(**change):
        for path, plain in pictures.items():
            told = label | (change if path.parent.name == "w1.20" else {})
            path.write_bytes(with_text(plain, {origin.CHUNK: told}))
        return earlier.find(run)

    assert render().weights == [1.2]
    assert render(lora_sha256="b") is None
    assert render(graph="h") is None


def test_probes_alone_are_nothing_that_was_asked_for(narrowed):
    run = narrowed()
    shutil.copytree(run / "bench" / "trigger" / "w0.80", run / "bench" / "trigger" / "w1.50")
    assert earlier.find(run) is None


def test_a_run_without_records_has_nothing_earlier(tmp_path):
    assert earlier.find(tmp_path) is None
