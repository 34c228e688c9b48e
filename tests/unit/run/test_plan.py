"""The plan of a run: the trigger words, and what is said before anything is done."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lorabench.errors import UserError
from lorabench.run.further import Further
from lorabench.run.notes import notes
from lorabench.run.planning import make_plans
from tests import records
from tests.loras import save_lora
from tests.project import ROOT, make_plan, make_project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("plan") / "project")


@pytest.fixture
def plan(project, monkeypatch):
    """Plan runs of a set of four captioned pictures, and one more where a caption is given."""
    monkeypatch.chdir(project.root)
    folder = project.root / "datasets" / "raw" / "style" / "some_set"
    if not folder.exists():
        project.add_set()
    yield lambda **given: make_plan({"raw_set": "some_set", **given}, ROOT / "config/config.yaml")
    (folder / "more.png").unlink(missing_ok=True)


@pytest.fixture
def uncaptioned(project, plan):
    """The same set with a picture that has no caption."""
    folder = project.root / "datasets" / "raw" / "style" / "some_set"
    (folder / "more.png").write_bytes((folder / "0.png").read_bytes())


def test_where_all_have_captions_the_trigger_makes_no_other_run(plan):
    found, given = plan(), plan(trigger="mofu")
    assert (found.trigger, given.trigger) == ("trigger", "mofu")
    assert given.paths.run_id == found.paths.run_id
    assert (
        found.training.identity.contents["preprocess"]["trigger"] == "some_set"
    )  # as in runs of before
    assert plan(preprocess="{trigger: mofu}").training.identity == given.training.identity


def test_a_picture_without_a_caption_is_trained_with_the_words_found_among_the_others(
    plan, uncaptioned
):
    found = plan()
    assert found.trigger == "trigger"
    assert found.training.identity.contents["preprocess"]["trigger"] == "trigger"
    assert found.record.preprocess.trigger == "trigger"
    assert notes(found) == ["without a caption: 1 of 5 pictures, which are trained with 'trigger'"]


def test_both_keys_of_the_trigger_mean_the_same_words(plan, uncaptioned):
    one, other = plan(trigger="mofu"), plan(preprocess={"trigger": "mofu"})
    assert one.trigger == other.trigger == "mofu"
    assert one.record == other.record
    assert one.paths.run_id != plan().paths.run_id


def test_a_sweep_that_went_on_is_kept_unless_other_weights_are_asked_for(plan):
    run = plan().paths
    Further(weights=(0.4, 0.8, 1.2)).write(run.further)
    assert plan().config.weights == plan().sweep.weights == (0.4, 0.8, 1.2)
    assert plan(weights="0.4,0.6").config.weights == (0.4, 0.6)
    run.further.unlink()
    assert plan().config.weights == (0.4, 0.6, 0.8)


def test_beside_a_sweep_that_went_on_another_keeps_its_weights(plan, project):
    project.add_set("beside", pictures=3)
    further = plan().paths.further
    Further(weights=(0.4, 0.8, 1.2)).write(further)
    given = {"raw_set": "some_set,beside"}
    one, other = make_plans(given, ROOT / "config/config.yaml").values()
    further.unlink()
    assert one.config.weights == (0.4, 0.8, 1.2)
    assert other.config.weights == (0.4, 0.6, 0.8)


def test_a_list_of_one_set_and_a_comma_at_its_end_are_that_set(plan):
    assert plan(raw_set=["some_set"]).paths == plan(raw_set="some_set,").paths == plan().paths
    with pytest.raises(UserError, match="there is no folder datasets/raw/style/5"):
        plan(raw_set=5)


def test_two_different_triggers_are_refused(plan):
    with pytest.raises(UserError, match="both mean the same words; give one"):
        plan(trigger="mofu", preprocess={"trigger": "zwirbl"})
    assert plan(trigger="mofu", preprocess={"trigger": "mofu"}).trigger == "mofu"


def test_checkpoints_may_be_asked_for_later(plan, project):
    run, asked = plan(), plan(train={"save_every_epochs": 2})
    assert asked.paths == run.paths
    older = asked.training.identity.older_run_id
    assert older != run.paths.run_id and plan().training.identity.older_run_id is None
    path = records.write(asked.record, project.root / "runs" / older / "run.yaml")
    assert plan(train={"save_every_epochs": 2}).paths.run_id == older, "0.1 counted them"
    path.unlink()


# ---------------------------------------------------------------- brackets


def test_the_record_of_a_finished_training_keeps_what_it_kept(plan, project):
    made = plan(run_id="kept", train={"save_every_epochs": 2})
    made.record.write(made.paths.record)
    assert plan(run_id="kept").record.train.save_every_epochs == 0
    made.paths.lora.parent.mkdir()
    save_lora(made.paths.lora)
    assert plan(run_id="kept").record == made.record
    shutil.rmtree(made.paths.root)


@pytest.fixture
def bracketed(project, plan):
    """Plan runs of a set whose captions are all `caption`."""
    folder = project.root / "datasets" / "raw" / "style" / "some_set"
    kept = {path: path.read_bytes() for path in folder.glob("*.txt")}

    def planned(caption, **given):
        for path in kept:
            path.write_text(f"{caption}, {path.stem}")
        return plan(**given)

    yield planned
    for path, content in kept.items():
        path.write_bytes(content)


@pytest.mark.parametrize("written", ["mika (moon)", r"mika \(moon\)"])
@pytest.mark.parametrize("given", [{}, {"trigger": r"mika \(moon\)"}, {"trigger": "mika (moon)"}])
def test_the_trigger_is_plain_text_and_the_prompts_have_it_escaped(bracketed, written, given):
    found = bracketed(written, **given)
    assert found.trigger == found.record.trigger == found.sweep.trigger == "mika (moon)"
    assert {picture.caption.split(",")[0] for picture in found.raw.pictures} == {"mika (moon)"}
    texts = {variant.name: variant.text for variant in found.variants}
    assert texts["trigger"] == r"mika \(moon\)"
    assert texts[""].startswith(r"mika \(moon\), ")
    assert texts["prompt-cat"].startswith(r"mika \(moon\), ")
    assert texts["prompt-cat.untriggered"].startswith("a white cat")


def test_a_set_with_escapes_is_another_and_is_said(bracketed):
    plain, escaped = bracketed("mika (moon)"), bracketed(r"mika \(moon\)")
    assert "captions" not in plain.training.identity.contents["raw"]
    assert escaped.training.identity.contents["raw"]["captions"] == "without escapes"
    assert notes(plain) == []
    assert notes(escaped) == [
        r"captions are trained without escapes: \( as (, wide letters, curly quotes and &amp;"
        " as the common ones"
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"positive": "(mika (moon):1.2), a {big} cat"},
        {"prompts": ["(mika (moon):1.2), a {big} cat"]},
    ],
)
def test_a_prompt_with_the_bare_trigger_is_taken_for_it_and_said(bracketed, given):
    found = bracketed("mika (moon)", **given)
    assert r"(mika \(moon\):1.2), a {big} cat" in [variant.text for variant in found.variants]
    (note,) = notes(found)
    assert note.startswith(r"mika (moon) in prompts is sent as mika \(moon\)")


def test_the_workflows_own_prompt_is_taken_so_too(bracketed, tmp_path):
    graph = json.loads((ROOT / "config/workflows/drawnworld_lora_bench.json").read_text())
    graph["3"]["inputs"]["text"] = "mika (moon), a (red) cat"
    (tmp_path / "w.json").write_text(json.dumps(graph))
    found = bracketed("mika (moon)", bench_workflow=str(tmp_path / "w.json"))
    assert found.positive(found.trigger) == r"mika \(moon\), a (red) cat"
    assert len(notes(found)) == 1
    graph["3"]["inputs"]["text"] = found.positive(found.trigger)
    (tmp_path / "w.json").write_text(json.dumps(graph))
    found = bracketed("mika (moon)", bench_workflow=str(tmp_path / "w.json"))
    assert (found.positive(found.trigger), notes(found)) == (None, [])


def test_what_comfyui_does_not_read_in_prompts_is_said(plan):
    found = plan(
        positive="trigger, a {red|blue} ball BREAK", negative="<lora:bad:1> embedding:worse"
    )
    assert notes(found)[0].startswith(
        "{red|blue}, BREAK, <lora:bad:1> in prompts is rendered as it stands"
    )
    assert notes(found)[1].startswith("embedding:worse in prompts is left out")
    elsewhere = plan(positive="embedding:x", comfy_url="http://127.0.0.1:1", prompts=[])
    assert notes(elsewhere) == []


# ---------------------------------------------------------------- the LoRA of a run


@pytest.mark.parametrize("name", ["trigger", "a__b"])
def test_a_set_may_be_called_what_looks_like_a_part_of_a_path(plan, project, name):
    project.add_set(name)
    trained = plan(raw_set=name)
    assert trained.paths.lora.name == f"style_{name}__{trained.paths.run_id}.safetensors"
    lora = project.root / "runs" / "c__d" / "train" / f"style_{name}__c__d.safetensors"
    lora.parent.mkdir(parents=True, exist_ok=True)
    lora.write_bytes(b"")
    benched = plan(raw_set=name, skip_train=True, run_id="c__d")
    for found in (trained, benched):
        assert (found.sweep.raw_set, found.sweep.profile) == (name, "style")


def test_a_raw_set_that_a_lora_from_elsewhere_is_not_compared_with_is_named(plan, project):
    train = project.root / "runs" / "theirs" / "train"
    train.mkdir(parents=True, exist_ok=True)
    for name in ("some_set", "other"):
        (train / f"style_{name}__theirs.safetensors").write_bytes(b"")
    benched = {"skip_train": True, "run_id": "theirs"}
    found = plan(**benched)
    assert len(notes(found)) == 1
    assert notes(found)[0].startswith("datasets/raw/style/some_set is not used: skip_train benches")
    assert notes(found)[0].endswith("say with trigger= which words call it")
    assert notes(plan(**benched, trigger="mofu"))[0].endswith("Judge its style by eye")
    assert notes(plan(**benched, raw_set="other")) == []  # no such set lies there


def test_a_comfyui_whose_checkpoint_is_not_here_renders_what_suits_most(plan, project):
    lora = project.root / "runs" / "theirs" / "train" / "style_some_set__theirs.safetensors"
    lora.parent.mkdir(parents=True, exist_ok=True)
    lora.write_bytes(b"")
    benched = {"skip_train": True, "run_id": "theirs", "trigger": "mofu"}
    for url, prompts, probe in (
        ("http://127.0.0.1:1", "sd_{profile}", "quick"),
        ("embedded", "drawnworld_{profile}", "full"),
    ):
        found = plan(**benched, comfy_url=url)
        assert Path(found.config.prompts).stem == prompts
        assert found.config.probe == probe
        assert found.sweep.bundled == found.embedded_server


@pytest.mark.parametrize("suffix", [".pt", ".PT", ".ckpt", ".bin"])
def test_a_file_of_pytorch_in_the_loras_place_is_named(plan, project, suffix):
    train = project.root / "runs" / "mine" / "train"
    train.mkdir(parents=True, exist_ok=True)
    found = train / f"style_some_set__mine{suffix}"
    found.write_bytes(b"PK")
    with pytest.raises(UserError) as raised:
        plan(skip_train=True, run_id="mine")
    found.unlink()
    said = str(raised.value)
    assert f"{found.name} is a PyTorch file, where style_some_set__mine.safetensors" in said
    assert "uv run python -c" in said


@pytest.fixture
def regularized(project, plan):
    """The same plans, where there is a set `plain` that has no trigger."""
    folder = project.root / "datasets" / "raw" / "style" / "plain"
    if not folder.exists():
        for number, text in enumerate(sorted(project.add_set("plain").glob("*.txt"))):
            text.write_text(f"a picture of thing {number}")
    return lambda **given: plan(**{"reg_set": "plain", **given})


def test_regularization_pictures_double_the_usual_steps(plan, regularized):
    plain, made = plan(), regularized()
    assert made.paths.run_id != plain.paths.run_id
    assert made.paths.normalized == plain.paths.normalized
    assert [len(one.raw.pictures) for one in made.sets] == [4, 4]
    assert (made.record.reg_set, made.record.identity.reg.files) == ("plain", 8)
    assert "reg_set" not in plain.record.contents()
    assert (plain.config.train.steps, made.config.train.steps) == (380, 760)
    assert notes(made)[-1].endswith("so there are 760 steps, twice the usual number")
    given = regularized(train="{steps: 100}")
    assert given.config.train.steps == 100
    assert notes(given)[-1].endswith("train={steps: 200}, show them as often as without")
    assert notes(regularized(train="{epochs: 3}"))[-1].endswith("an epoch has twice the steps")


def test_runs_share_their_normalized_regularization_pictures(project, plan, regularized):
    if not (project.root / "datasets" / "raw" / "characters" / "mofu").exists():
        project.add_set("mofu", profile="characters")
    one = regularized()
    other = regularized(raw_set="mofu", profile="char", trigger="mofu")
    assert (
        one.training.reg.folder
        == other.training.reg.folder
        == plan(raw_set="plain").paths.normalized
    )


def test_kohyas_folder_in_the_set_is_taken_where_it_is_named(project, plan):
    folder = project.root / "datasets" / "raw" / "style" / "project"
    if not folder.exists():
        project.add_set("project/img/2_sks thing")
        for text in project.add_set("project/reg/1_thing").glob("*.txt"):
            text.unlink()
    plain, made = plan(raw_set="project"), plan(raw_set="project", reg_set="reg")
    assert "not used: regularization pictures in reg/ (4); reg_set=reg uses them" in notes(plain)
    assert not any(note.startswith("not used") for note in notes(made))
    assert {picture.words for picture in made.training.reg.raw.pictures} == {"thing"}
    assert made.training.reg.folder.name.startswith("project-reg-")
    assert made.training.identity.contents["raw"] == plain.training.identity.contents["raw"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"reg_set": "nothing"}, "there is no raw set nothing.*Sets that exist: .*plain"),
        ({"reg_set": "some_set"}, "some_set is the raw set itself"),
        ({"reg_set": "reg"}, "there is no raw set reg, and no folder .*some_set/reg"),
        ({"trigger": "thing"}, "4 captions with the trigger 'thing'.*take it out"),
        ({"reg_set": "a/b"}, "reg_set: 'a/b': should be a name"),
    ],
)
def test_regularization_pictures_that_cannot_be_meant_are_refused(regularized, given, said):
    with pytest.raises(UserError, match=said):
        regularized(**given)


def test_regularization_pictures_need_captions(project, regularized):
    folder = project.root / "datasets" / "raw" / "style" / "bare"
    if not folder.exists():
        project.add_set("bare")
        (folder / "1.txt").unlink()
    with pytest.raises(UserError, match=r"1 picture without a caption \(1.png\)"):
        regularized(reg_set="bare", trigger="sks")


def test_older_records_have_no_regularization_pictures(plan):
    contents = plan().record.contents()
    assert list(contents) == ["run_id", "raw_set", "trigger", "identity", "preprocess", "train"]
    assert not {"validation", "prior_loss_weight"} & contents["train"].keys()


def test_what_each_parse_imports_is_light():
    modules = "lorabench.run.planning, lorabench.workflow.hooks, lorabench.workflow.targets"
    code = f"import sys, {modules}; print(*{{'torch', 'numpy', 'autograph'}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("\n", "")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"lora": None}, "lora: is empty; give it a value, or leave lora out"),
        ({"lora": ""}, "lora: is empty"),
        ({"training_set": None}, "training_set: is empty"),
        ({"matrix": "x" * 300}, "matrix: .*a name in it of more than 255 bytes"),
        ({"matrix": "\ud800.csv"}, "matrix: .*it is not UTF-8"),
        ({"bench_workflow": "\ud800.json"}, "bench_workflow: .*it is not UTF-8"),
        ({"raw_set": "x" * 300}, "raw_set: .*too long for the names of files"),
        ({"train": "[" * 2000}, "train: should be a section"),
        ({"weigths": None}, "weigths: no such key; did you mean weights"),
        ({"verdict": {"styel": None}}, "verdict.styel: no such key; did you mean verdict.style"),
        ({None: "x"}, "YAML reads a key as None"),
    ],
)
def test_what_no_setting_can_be_is_said_with_its_name(shared, monkeypatch, given, said):
    monkeypatch.chdir(shared.root)
    with pytest.raises(UserError, match=said):
        make_plan({"raw_set": "some_set", **given}, ROOT / "config/config.yaml")


def test_a_file_of_settings_that_is_too_deep_is_named(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("[" * 2000)
    with pytest.raises(UserError, match=r"config\.yaml cannot be read: it is nested too deeply"):
        make_plan({"raw_set": "some_set"}, path)
