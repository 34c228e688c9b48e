"""How jobs' programs are called, and which files a run asks for: pieces made of its plan."""

import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.settings.types import ResourceSettings

from lorabench import layout
from lorabench.workflow import commands, targets


def test_words_reach_the_shell_as_they_are():
    assert commands.quoted("a {b} 'c'") == """'a {{b}} '"'"'c'"'"''"""
    options = commands.options({"--a": 1, "--b": None, "--c": "x y"})
    assert shlex.split(options) == ["--a=1", "--c=x y"]


def test_a_cell_is_rendered_with_its_own_prompt(plan):
    made = plan(prompts=["cat: {trigger}, a cat"], probe="off")
    assert "--positive=trigger, a cat" in shlex.split(commands.cell(made, "prompt-cat/"))
    assert "cat" not in commands.cell(made, "")
    assert "--prompt-name=cat" in commands.rendering(made, "prompt-cat/")


def test_where_a_server_is_decides_nothing(plan):
    ours, theirs = plan(), plan(comfy_url="http://a:1,http://b:2", prompts=[], probe="off")
    assert "--server-state=runs/" in commands.servers(ours)
    assert "--comfy-url=http://a:1,http://b:2" in commands.servers(theirs)
    assert "--threads" in commands.cell(ours, "") and "--threads" not in commands.cell(theirs, "")
    assert "http" not in commands.cell(theirs, "")


def test_a_lora_from_elsewhere_need_not_fit_the_bundled_model(plan):
    assert "--base-model" in commands.fit(plan())
    theirs = plan(comfy_url="http://a:1", prompts=[], probe="off")
    assert "--server=comfyui" in commands.fit(theirs)


@pytest.mark.parametrize(
    ("given", "start"),
    [
        ({}, "/p/train_lora.py"),
        ({"trainer": "kohya", "programs": {"run_lora": "mine.py"}}, "python mine.py"),
        ({"trainer": "kohya", "programs": {"run_lora": "my own.bash"}}, "bash 'my own.bash'"),
    ],
)
def test_the_trainer_may_be_another_program(plan, given, start):
    config = plan().config.model_copy(
        update={
            "trainer": given.get("trainer", "embedded"),
            "programs": SimpleNamespace(**given.get("programs", {"run_lora": ""})),
        }
    )
    assert start in commands.trainer(config, layout.Path("/p"))


def test_each_raw_set_has_a_rule_that_trains():
    def plan(raw_set, run_id):
        return SimpleNamespace(paths=layout.RunLayout("style", raw_set, run_id, "0" * 8))

    (one,) = commands.trainings([plan("a", "a-1"), plan("a", "a+2")])
    assert (one.rule, one.run_ids) == ("train_lora", r"a\-1|a\+2")
    assert str(one.lora) == "runs/{run_id}/train/style_a__{run_id}.safetensors"
    two = commands.trainings([plan("a", "a-1"), plan("b", "b-1")])
    assert [training.rule for training in two] == ["train_lora_a", "train_lora_b"]
    assert {commands.kind(training.rule) for training in two} == {"train_lora"}
    assert commands.kind("bench_image") == "bench_image"


def test_a_run_asks_for_its_pictures_and_results(plan):
    made = plan(prompts=["cat: {trigger}, a cat"], probe="off", weights="0.5", seeds="1,2")
    run = f"runs/{made.paths.run_id}"
    assert targets.pictures(made)[:2] == [
        f"{run}/bench/w0.00/seed1_00.png",
        f"{run}/bench/w0.00/seed2_00.png",
    ]
    assert len(targets.pictures(made)) == 2 * 2 * 2
    results = [path.as_posix() for path in targets.results(made)]
    assert f"{run}/bench/grid/seed2_weights.png" in results
    assert f"{run}/bench/grid/probes.png" not in results
    assert f"{run}/bench/grid/probes.png" in map(str, targets.results(plan()))


def test_the_page_on_the_set_is_made_before_a_training_and_not_behind_it(plan, shared):
    made = plan()
    assert made.paths.set_page in targets.results(made)
    lora = shared.root / made.paths.lora
    lora.parent.mkdir(parents=True)
    lora.touch()
    assert made.paths.set_page not in targets.results(made)
    assert plan().risks == [], "behind a training it is too late"
    lora.unlink()


def test_strict_looks_the_set_through_in_front_of_the_trainer(plan):
    scripts = layout.Path("scripts")
    assert commands.strict(scripts, Path, plan()) == ""
    made = plan(strict="True")
    words = shlex.split(commands.strict(scripts, Path, made))
    assert words[:3] == ["python", "scripts/dataset_page.py", str(made.paths.normalized)]
    assert "--strict" in words and words[-1] == "&&"
    assert "--said=few_pictures" in words
    assert words[words.index("<<<") + 1] == made.use.json


def test_what_decides_of_a_set_is_its_use(plan):
    use = plan(train={"steps": 100, "batch_size": 4, "gradient_accumulation": 2}).use
    assert (use.batch_size, use.pictures_a_step, use.steps, use.usual) == (4, 8, 100, 3040)
    assert use.tokens == 75
    longer = {"kohya_args": {"max_token_length": 225}, "steps": 9}
    sd15 = plan().config.model_copy(update={"train": plan().config.train.model_copy(update=longer)})
    assert replace(plan(), config=sd15).use.tokens == 225


def test_what_is_set_for_trainings_holds_for_those_of_several_raw_sets():
    given = {"train_lora": {"runtime": 600}, "train_lora_b": {"runtime": 7}}
    settings = ResourceSettings(overwrite_resources=given)
    rules = [commands.TrainingRule(f"train_lora_{name}", Path(name), name) for name in "ab"]
    commands.set_for_each(settings, rules)
    found = settings._parsed_overwrite_resources
    assert [found[one.rule]["runtime"].value for one in rules] == [600, 7]
