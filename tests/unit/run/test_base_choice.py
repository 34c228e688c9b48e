"""What a run is trained on where nothing is named, and whether it is drawn with the same."""

import json
import os
from pathlib import Path

import pytest

from lorabench.digests import Digests, model_digest
from lorabench.errors import UserError
from lorabench.run import base_choice
from lorabench.run.notes import notes
from lorabench.settings.models import BUNDLED_BASE
from tests import records, transformer_files
from tests.kohya import save_checkpoint
from tests.project import ROOT, make_plan

URL = "http://127.0.0.1:8188"
WORKFLOWS = ROOT / "config" / "workflows"
FORMS = ("MeinaMix_v12_lora_bench.json", "gui/MeinaMix_v12_lora_bench.json")
NAME = "MeinaMix_v12.safetensors"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(BUNDLED_BASE).mkdir(parents=True)
    return tmp_path


def workflow(form=FORMS[0], name=NAME, **changes):
    """Write a workflow that loads the checkpoint `name`; `changes` are texts to replace."""
    text = (WORKFLOWS / form).read_text().replace(json.dumps(NAME), json.dumps(name))
    for old, new in changes.items():
        text = text.replace(old, new)
    Path("workflow.json").write_text(text)
    return {"bench_workflow": "workflow.json", "comfy_url": URL}


def put(path):
    path = Path("models", "checkpoints", path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    return path


def refusal(given):
    with pytest.raises(UserError) as error:
        base_choice.choose(given)
    return str(error.value)


def test_without_a_workflow_it_is_the_bundled_one(here):
    assert base_choice.choose({}) == base_choice.choose({"comfy_url": URL}) == Path(BUNDLED_BASE)


@pytest.mark.parametrize("url", [URL, "embedded", None, [URL]])
@pytest.mark.parametrize("form", FORMS)
def test_it_is_what_the_workflow_loads(here, form, url):
    path = put(NAME)
    assert base_choice.choose({**workflow(form), "comfy_url": url}) == path


def test_what_the_user_names_wins(here, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    put(NAME)
    given = {**workflow(), "base_model": "~/b.safetensors"}
    assert base_choice.choose(given) == Path("/home/me/b.safetensors")
    other = put("other.safetensors")
    named = {**workflow(), "bench": {"checkpoint": "other.safetensors"}}
    assert base_choice.choose(named) == other


@pytest.mark.parametrize("name", ["anime/m.safetensors", "anime\\m.safetensors"])
def test_it_may_lie_in_a_subfolder_as_comfyui_lists_it(here, name):
    path = put("anime/m.safetensors")
    assert base_choice.choose(workflow(name=name)) == path


def test_another_servers_subfolder_does_not_matter(here):
    path = put("m.safetensors")
    assert base_choice.choose(workflow(name="SD1.5\\m.safetensors")) == path


def test_it_may_lie_in_the_comfyui_that_gets_the_lora(here):
    path = here / "ComfyUI" / "models" / "checkpoints" / NAME
    path.parent.mkdir(parents=True)
    path.touch()
    given = {**workflow(), "lora_install_dir": str(here / "ComfyUI" / "models" / "loras")}
    assert base_choice.choose(given) == path


def test_a_gui_workflow_with_nodes_of_others_is_read_too(here):
    path = put(NAME)
    given = workflow(FORMS[1], KSampler="Somebody's sampler")
    assert base_choice.choose(given) == path


def test_one_that_is_not_here_is_asked_for_with_the_nearest(here):
    put("meinamix_v12Final.safetensors")
    said = refusal(workflow())
    assert f"the workflow renders with {NAME}, and there is none in models/checkpoints/" in said
    assert "nearest there: meinamix_v12Final.safetensors" in said
    assert "a link will do" in said and "base_model=/path/to/" in said


@pytest.mark.parametrize("name", ["../up.safetensors", "/abs.safetensors"])
def test_a_name_does_not_lead_out_of_the_checkpoints(here, name):
    put("up.safetensors"), put("abs.safetensors")
    assert "none in models/checkpoints/" in refusal(workflow(name=name))


@pytest.mark.parametrize("name", ["checkpoint_under_test.safetensors",
                                  "sdxl_checkpoint_under_test.safetensors"])  # fmt: skip
def test_a_placeholder_tells_nothing(here, name):
    put(name)
    assert "nothing says which checkpoint" in refusal(workflow(name=name))


def test_without_it_the_bundled_one_is_drawn_or_none_is_needed(here):
    given = workflow()
    assert base_choice.choose({**given, "comfy_url": "embedded"}) == Path(BUNDLED_BASE)
    assert base_choice.choose({**given, "skip_train": "True"}) is None
    assert base_choice.choose({**given, "lora": "x.safetensors"}) is None
    assert base_choice.choose({"lora": "x.safetensors"}) == Path(BUNDLED_BASE)


@pytest.mark.parametrize("folder", ["diffusion_models", "unet"])
def test_a_model_in_a_file_alone_lies_where_a_comfyui_has_it(here, folder):
    path = here / "ComfyUI" / "models" / folder / "flux1-dev.safetensors"
    path.parent.mkdir(parents=True)
    path.touch()
    loras = str(here / "ComfyUI" / "models" / "loras")
    flux = WORKFLOWS / "flux1_lora_bench.json"
    given = {"comfy_url": URL, "bench_workflow": str(flux), "lora_install_dir": loras}
    assert base_choice.choose(given) == path


def test_a_lora_that_is_there_has_the_base_of_its_record(here):
    path = put("own.safetensors")
    records.write(records.run(path.name), here / "runs" / "r" / "run.yaml")
    given = {**workflow(), "skip_train": True, "run_id": "r"}
    save_checkpoint(put(NAME))
    assert base_choice.choose(given) == path
    path.unlink()
    assert base_choice.choose(given).name == NAME


@pytest.mark.parametrize("name", ["old.ckpt", "of_no_known_family.safetensors"])
def test_a_comfyui_may_render_with_a_model_that_is_not_read_here(here, name):
    path = put(name)
    trained, benched = workflow(name=name), {**workflow(name=name), "lora": "x.safetensors"}
    assert base_choice.choose(benched) is None
    assert base_choice.choose({**benched, "comfy_url": "embedded"}) == path
    assert base_choice.choose({**benched, "base_model": str(path)}) == path
    assert base_choice.choose(trained) == path


def test_what_is_wrong_with_a_workflow_is_told_where_it_is_used(here):
    Path("bad.json").write_text("no workflow")
    for path in ("bad.json", "none.json"):
        given = {"bench_workflow": path, "comfy_url": URL}
        assert base_choice.choose(given) == Path(BUNDLED_BASE)


# ---------------------------------------------------------------- a difference


def is_same(base, drawn):
    memory = Digests(Path("runs/.digests.json"))
    digest = model_digest(base, memory)
    return base_choice.is_same(base, digest, drawn, memory)


def test_a_difference_is_told_by_content(here):
    base, other, longer = put("a.safetensors"), put("b.safetensors"), put("c.safetensors")
    drawn = base_choice.Drawn("b.safetensors", other)
    assert is_same(base, drawn)
    other.write_text("y")
    longer.write_text("xx")
    for path in (other, longer):
        assert not is_same(base, base_choice.Drawn(path.name, path))
    os.link(base, here / "linked")
    assert is_same(base, base_choice.Drawn("l", here / "linked"))


def test_what_is_not_here_is_told_by_its_name(here):
    base = put("a.safetensors")
    assert is_same(base, base_choice.Drawn("SD\\a.safetensors", None))
    assert not is_same(base, base_choice.Drawn("b", None))


@pytest.fixture
def planned(project, monkeypatch):
    project.add_set()
    monkeypatch.chdir(project.root)
    for name in ("a", "b"):
        save_checkpoint(Path(f"models/checkpoints/{name}.safetensors"))
    save_checkpoint(Path("models/checkpoints/x/xl.safetensors"), "sdxl")
    monkeypatch.setenv("SD_SCRIPTS_DIR", str(ROOT / "tests/fake_kohya/sd_scripts"))

    def plan(**config):
        given = {"raw_set": "some_set", "trainer": "kohya", "comfy_url": URL, **config}
        return make_plan(given, Path("config/config.yaml"))

    return plan


def warned(plan):
    return [note for note in notes(plan) if note.startswith("warning: the LoRA is trained on")]


def test_a_run_follows_its_workflow(planned):
    plan = planned(**workflow(name="x\\xl.safetensors"))
    assert plan.config.base_model == "models/checkpoints/x/xl.safetensors"
    assert plan.config.preprocess.resolution == 1024, "the preset is that of the base"
    assert (plan.checkpoint_name, warned(plan)) == (None, [])
    named = planned(**workflow(), base_model="models/checkpoints/x/xl.safetensors")
    assert named.paths == plan.paths, "how it was found makes no other run"
    assert f"trained on xl.safetensors and rendered with {NAME}" in warned(named)[0]
    assert (plan.sweep.drawn_elsewhere, named.sweep.drawn_elsewhere) == (None, NAME)


def test_a_bundled_workflow_loads_the_base_model(planned):
    plan = planned(base_model="models/checkpoints/x/xl.safetensors")
    assert plan.config.bench_workflow == "config/workflows/sdxl_lora_bench.json"
    assert (plan.checkpoint_name, warned(plan)) == ("x/xl.safetensors", [])
    Path("models/checkpoints/b.safetensors").write_bytes(b"other")
    drawn = planned(
        base_model="models/checkpoints/a.safetensors", bench={"checkpoint": "b.safetensors"}
    )
    assert "rendered with b.safetensors" in warned(drawn)[0]


def test_a_lora_from_elsewhere_has_no_base_to_differ_from(planned):
    lora = Path("runs/r/train/style_some_set__r.safetensors")
    lora.parent.mkdir(parents=True)
    lora.touch()
    assert warned(planned(**workflow(), skip_train=True, run_id="r")) == []


@pytest.mark.parametrize("path", ["x" * 300, "a/" * 2048, "a\0b"])
def test_a_path_that_no_file_can_have_is_named(here, path):
    for key in ("base_model", "lora_install_dir"):
        with pytest.raises(UserError, match=rf"{key}: '.{{1,120}}: (is no path|has a name in it)"):
            base_choice.choose({key: path, "bench": {"checkpoint": "x"}})
    given = {"bench": {"checkpoint": path}, "run_id": path, "skip_train": True}
    assert base_choice.choose(given) == Path(BUNDLED_BASE)


def test_a_comfyui_draws_eight_prompts_and_quick_probes_of_its_family(planned):
    lora = Path("runs/r/train/style_some_set__r.safetensors")
    lora.parent.mkdir(parents=True, exist_ok=True)
    lora.touch()
    own = "models/checkpoints/a.safetensors"
    trained = {"base_model": own, "trainer": "kohya"}
    elsewhere = {**workflow(), "skip_train": True, "run_id": "r"}
    for given in (trained, elsewhere, {**elsewhere, "trigger": "zwirbl"}):
        given = {"raw_set": "some_set", "comfy_url": URL, **given}
        plan = make_plan(given, ROOT / "config/config.yaml")
        asked = [variant for variant in plan.variants if not variant.probe]
        assert len(asked) == 8
        assert asked[1].text.endswith("an old man reading a book in a library")
        assert asked[1].text.startswith(plan.trigger)
        assert "{" not in "".join(variant.text for variant in asked)
    given = {"raw_set": "some_set", "comfy_url": URL, **trained, "prompts": [], "probe": "off"}
    assert len(make_plan(given, ROOT / "config/config.yaml").variants) == 1
    assert planned(**trained).positive("trigger") == (
        "trigger, masterpiece, best quality, 1girl, solo, upper body, looking at viewer"
    ), "the family's own workflow has no trigger"


def test_a_folder_for_the_files_beside_the_base_model_is_named_once(planned):
    path = transformer_files.save(Path("flux.safetensors"), "FLUX.1")
    with pytest.raises(UserError, match=r"models\.ae: there is no file") as error:
        planned(base_model=str(path), models={"ae": "mine.safetensors"})
    assert str(error.value).count("models/vae") == 1
