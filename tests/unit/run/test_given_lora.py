"""A LoRA that is named by its file: its run, its trigger words and training pictures, refusals."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from lorabench import files
from lorabench.errors import UserError
from lorabench.pages.run.repeat_command import repeat_command
from lorabench.run.notes import notes
from lorabench.sweep.record import SweepRecord
from tests import records
from tests.loras import save_lora
from tests.project import ROOT, make_plan


@pytest.fixture
def plan(shared, monkeypatch):
    """Plan the bench of a LoRA; what a plan of one would write is noticed."""
    monkeypatch.chdir(shared.root)
    before = shared.files()
    yield lambda lora, **given: make_plan(
        ({"lora": str(lora) if isinstance(lora, Path) else lora} if lora else {}) | given,
        ROOT / "config" / "config.yaml",
    )
    assert shared.files() == before


@pytest.fixture
def lora(tmp_path):
    named = {"modelspec.trigger_phrase": "my ink"}
    return save_lora(tmp_path / "ink_v3.safetensors", metadata=named)


def test_its_run_is_named_by_stem_and_content_wherever_the_file_lies(plan, lora, tmp_path):
    found = plan(lora)
    assert found.paths.run_id == f"ink_v3-{files.sha256(lora)[:8]}"
    assert found.loras == {"": found.paths.root / "train" / "ink_v3.safetensors"}
    assert (found.sets, found.record, found.training) == ([], None, None)
    (tmp_path / "other").mkdir()
    moved = shutil.copy(lora, tmp_path / "other" / "ink_v3.safetensors")
    assert plan(moved).paths == found.paths
    save_lora(lora, number=2)
    assert plan(lora).paths != found.paths


@pytest.mark.parametrize("stem", ["-[x] {a}'b\"", ".hidden", " a", "墨" * 60, "a\nb"])
def test_any_name_of_a_file_makes_a_run(plan, tmp_path, stem):
    found = plan(save_lora(tmp_path / f"{stem}.safetensors"))
    assert len(found.paths.run_id.encode()) <= 100
    assert not set("{}/\n") & set(found.paths.run_id)
    assert found.paths.run_id[0] not in ".-"
    assert plan(found.from_elsewhere[found.loras[""]].source, run_id=found.paths.run_id)


def test_its_trigger_words_are_those_of_its_metadata_unless_others_are_given(plan, lora):
    found, given = plan(lora), plan(lora, trigger="mofu")
    assert (found.trigger, found.sweep.trigger_given) == ("my ink", False)
    assert notes(found) == ["the LoRA is called by 'my ink'; other words: trigger="]
    assert (given.trigger, given.sweep.trigger_given, notes(given)) == ("mofu", True, [])
    assert "my ink" in found.positive("my ink") and "mofu" in given.positive(given.trigger)


def test_without_trigger_words_that_is_said(plan, tmp_path):
    found = plan(save_lora(tmp_path / "plain.safetensors"))
    assert found.trigger == ""
    assert notes(found)[0].startswith("WITHOUT TRIGGER WORDS: the LoRA's metadata name none")
    assert "the prompts have none, the probes are left out" in notes(found)[0]
    assert len(found.variants) == 8
    assert not any(one.probe or "{trigger}" in one.text for one in found.variants)


def test_its_pictures_are_those_of_a_raw_set_or_of_a_folder_anywhere(plan, lora, tmp_path):
    folder = tmp_path / "the pictures"
    shutil.copytree("datasets/raw/style/some_set", folder)
    beside, elsewhere = plan(lora, raw_set="some_set"), plan(lora, training_set=str(folder))
    for found, name in ((beside, "some_set"), (elsewhere, "the pictures")):
        assert found.paths.run_id == plan(lora).paths.run_id
        assert found.trigger == "my ink"
        (one,) = found.sets
        assert one.folder == found.paths.normalized
        assert one.folder.name.startswith(f"{name}-")
        assert len(one.raw.pictures) == 4
    trained = make_plan({"raw_set": "some_set"}, ROOT / "config" / "config.yaml")
    assert beside.paths.normalized == trained.paths.normalized
    without = save_lora(tmp_path / "plain.safetensors")
    assert plan(without, raw_set="some_set").trigger == "trigger"


def test_the_copy_in_its_run_is_not_copied_over_itself(plan, lora):
    found = plan(lora)
    assert list(found.copied) == ["ink_v3"]
    copy = found.loras[""]
    copy.parent.mkdir(parents=True)
    shutil.copy(lora, copy)
    again = plan(copy)
    copied = again.copied
    shutil.rmtree(found.paths.root)
    assert (again.paths, again.trigger, copied) == (found.paths, "my ink", {})


def test_a_run_id_that_was_given_keeps_its_lora(plan, shared, lora):
    train = shared.root / "runs" / "mine" / "train"
    train.mkdir(parents=True)
    shutil.copy(lora, train)
    assert plan(lora, run_id="mine").paths.run_id == "mine"
    save_lora(lora, number=2)
    with pytest.raises(UserError, match=r"run mine is another LoRA's: it has .*ink_v3"):
        plan(lora, run_id="mine")
    with pytest.raises(UserError, match="run mine is another LoRA's"):
        plan(save_lora(lora.with_name("other.safetensors")), run_id="mine")
    shutil.rmtree(train.parent)
    records.run().write(train.parent / "run.yaml")
    with pytest.raises(UserError, match=r"it has .*run\.yaml"):
        plan(lora, run_id="mine")
    shutil.rmtree(train.parent)


def refused(plan, lora, **given):
    with pytest.raises(UserError) as raised:
        plan(lora, **given)
    return str(raised.value)


def test_what_is_no_lora_is_refused_with_what_to_do(plan, lora, tmp_path):
    said = refused(plan, tmp_path / "ink_v2.safetensors")
    assert said.startswith("lora: there is no file ") and said.endswith("has ink_v3.safetensors")
    for suffix in (".pt", ".CKPT"):
        pickled = tmp_path / f"a{suffix}"
        pickled.write_bytes(b"PK")
        said = refused(plan, pickled)
        assert f"lora: {pickled}: pickled files are not read" in said and "uv run python -c" in said
    text = tmp_path / "a.txt"
    text.write_text("words")
    assert ".txt is not read; name one .safetensors file" in refused(plan, text)
    page = tmp_path / "page.safetensors"
    page.write_text("<!doctype html>")
    assert "a web page; download the file itself" in refused(plan, page)
    page.write_bytes(lora.read_bytes()[:-1])
    assert f"lora: {page}" in refused(plan, page)
    save_file({"decoder.a": np.ones(2), "decoder.b": np.ones(2)}, page)
    assert refused(plan, page) == f"lora: {page}: it is not a LoRA but a VAE."


def test_only_loras_are_named_as_the_nearest(plan, lora):
    save_file({"decoder.a": np.ones(2), "decoder.b": np.ones(2)}, lora.with_name("ink.safetensors"))
    lora.with_name("ink_v1.safetensors").write_bytes(b"")
    assert refused(plan, lora.with_name("ink_v4.safetensors")).endswith(" has ink_v3.safetensors")
    assert refused(plan, lora.with_name("nope")).endswith(" has ink_v3.safetensors")


def test_what_does_not_go_together_is_refused(plan, lora, tmp_path):
    assert "goes with lora=" in refused(plan, None, raw_set="some_set", training_set="x")
    both = refused(plan, lora, raw_set="some_set", training_set=str(tmp_path))
    assert "give one of them" in both
    assert "training_set: there is no folder none" in refused(plan, lora, training_set="none")
    assert "raw_set names several" in refused(plan, lora, raw_set="some_set,other")
    assert "raw_set: there is no folder" in refused(plan, lora, raw_set="some_sett")
    assert "there is no file a" in refused(plan, ["a", "b"])
    assert refused(plan, None).endswith("give its file with lora=")


def test_the_record_has_the_file_and_leads_to_the_same_run(plan, lora, tmp_path):
    sweep = plan(lora, training_set="datasets/raw/style/some_set", weights="0.5").sweep
    read = SweepRecord.read(records.write(sweep, tmp_path / "sweep.yaml"))
    assert (read.lora, read.training_set) == (str(lora), "datasets/raw/style/some_set")
    assert read.only_benched and not read.skip_train
    command = repeat_command(None, read, None)
    assert f" lora={lora} " in command and " training_set=datasets/raw/style/some_set" in command
    assert "run_id" not in command and "raw_set=" not in command and "trigger=" not in command
    named = repeat_command(None, read.model_copy(update={"run_id": "mine"}), None)
    assert " run_id=mine" in named


def test_the_record_of_a_sweep_without_one_is_as_before(shared, monkeypatch):
    monkeypatch.chdir(shared.root)
    trained = make_plan({"raw_set": "some_set"}, ROOT / "config" / "config.yaml")
    assert not {"lora", "training_set"} & trained.sweep.contents().keys()


def test_a_checkpoint_that_is_not_here_is_no_matter(plan, lora):
    """As with `skip_train`: a ComfyUI elsewhere may have it."""
    found = plan(lora, comfy_url="http://127.0.0.1:1")
    assert Path(found.config.prompts).stem == "sd_{profile}"
