"""LoRAs that are named by a folder, a pattern or a list: which, in which order, and refusals."""

import json
import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

from lorabench.errors import UserError
from lorabench.lora import receipt
from lorabench.run.notes import notes
from lorabench.sweep.loras import label
from lorabench.sweep.record import SweepRecord
from lorabench.workflow import commands, targets
from tests import records, transformer_files
from tests.loras import save_lora
from tests.project import ROOT, make_plan


@pytest.fixture
def plan(shared, monkeypatch):
    """Plan the bench of LoRAs; what a plan of one would write is noticed."""
    monkeypatch.chdir(shared.root)
    before = shared.files()
    yield lambda lora, **given: make_plan({"lora": lora, **given}, ROOT / "config" / "config.yaml")
    assert shared.files() == before


@pytest.fixture
def loras(tmp_path):
    """A folder beside the project, and LoRAs in it by name, each of another content."""
    folder = tmp_path / "my loras"

    def save(*names, trigger="my ink"):
        for name in names:
            number = 1 + len(list(folder.rglob("*.*")))
            metadata = {"modelspec.trigger_phrase": trigger} if trigger else None
            save_lora(folder / f"{name}.safetensors", number, metadata)
        return folder

    return save


def names(found):
    """Return the LoRAs of a plan as people call them."""
    return [label(one) for one in found.several]


def refused(plan, lora, **given):
    with pytest.raises(UserError) as raised:
        plan(lora, **given)
    return str(raised.value)


# ---------------------------------------------------------------- which, and how they are called


def test_a_folder_is_a_run_named_after_its_series(plan, loras):
    folder = loras("ink-000004", "ink", "ink-000002")
    found = plan(str(folder))
    assert found.paths.run_id == "ink"
    assert names(found) == ["epoch 2", "epoch 4", "ink"]
    assert found.loras == {one.key: found.paths.given_lora(one.key) for one in found.several}
    assert [one.file for one in found.several] == [f"{key}.safetensors" for key in found.loras]
    assert list(found.copied) == list(found.loras)
    assert (found.record, found.training, found.sets) == (None, None, [])


def test_one_more_of_another_training_is_in_the_same_run(plan, loras):
    before = plan(str(loras("ink-000004", "ink", "ink-000002")))
    after = plan(str(loras("mofu v2")))
    assert after.paths.run_id == before.paths.run_id == "ink"
    assert set(before.loras) < set(after.loras)
    assert names(after) == ["ink-000002", "ink-000004", "ink", "mofu v2"]


def test_other_loras_are_a_run_named_after_their_folder(plan, loras):
    folder = loras("ink", "mofu v2")
    for named in (
        str(folder),
        f"{folder}/*",
        f"{folder}/*.safetensors",
        [f"{folder}/ink.safetensors", f"{folder}/mofu v2.safetensors"],
    ):
        found = plan(named)
        assert (found.paths.run_id, names(found)) == ("my loras", ["ink", "mofu v2"])


def test_patterns_and_lists_name_the_same_however_they_are_written(plan, loras, shared):
    folder = loras("ink-000002", "ink-000004", "mofu")
    one = plan(f"{folder}/ink*").several
    files = [f"{folder}/ink-{epoch:06d}.safetensors" for epoch in (4, 2)]
    shutil.copytree(folder, shared.root / "loras")
    try:
        for named in (
            files,
            tuple(files),
            ",".join(files),
            ", ".join([*files, ""]),
            f"{folder}/ink-00000[24]*",
            f"{folder}/*2.safetensors,{folder}/*4.safetensors",
            "loras/ink*",
            "./loras/ink*",
        ):
            again = plan(named)
            assert (again.several, again.paths.run_id) == (one, "ink"), named
    finally:
        shutil.rmtree(shared.root / "loras")


def test_many_names_in_one_word_are_a_list(plan, loras, shared):
    folder = loras(*(f"ink-{epoch:06d}" for epoch in range(1, 21)))
    shutil.copytree(folder, shared.root, dirs_exist_ok=True)
    files = sorted(path.name for path in folder.iterdir())
    try:
        assert len(plan(",".join(files)).several) == 20, "no file may have so long a name"
    finally:
        for name in files:
            (shared.root / name).unlink()


def test_diffusers_checkpoints_are_found_in_their_folders(plan, tmp_path):
    for number, place in enumerate(("checkpoint-1000", "checkpoint-500", "."), 1):
        save_lora(tmp_path / "ink" / place / "pytorch_lora_weights.safetensors", number)
    (tmp_path / "ink" / "checkpoint-500" / "optimizer.bin").write_bytes(b"PK")
    for named in (f"{tmp_path}/ink", [f"{tmp_path}/ink/checkpoint-*", f"{tmp_path}/ink/pytorch*"]):
        found = plan(named)
        assert found.paths.run_id == "ink"
        assert [(one.series, one.step) for one in found.several] == [
            ("ink", 500),
            ("ink", 1000),
            ("ink", None),
        ]


def test_one_file_twice_and_two_files_of_one_content_count_once(plan, loras):
    folder = loras("ink", "mofu")
    shutil.copy(folder / "ink.safetensors", folder / "ink copy.safetensors")
    ink = f"{folder}/ink.safetensors"
    assert names(plan([ink, ink, f"{folder}/mofu.safetensors"])) == ["ink", "mofu"]
    (folder / "again").mkdir()
    shutil.copy(ink, folder / "again")
    assert names(plan([ink, f"{folder}/again/ink.safetensors", f"{folder}/mofu.safetensors"])) == [
        "ink",
        "mofu",
    ]


def test_the_same_name_in_two_folders_is_told_apart(plan, loras):
    folder = loras("a/ink", "b/ink", "b/mofu")
    found = plan([f"{folder}/a", f"{folder}/b"])
    assert names(found) == ["a/ink", "b/ink", "mofu"]
    assert len(found.loras) == 3


def test_beside_another_training_an_epoch_is_called_by_its_file(plan, loras):
    folder = loras("ink-000002", "ink-000004", "mofu-000002", "mofu-000004")
    found = plan(str(folder))
    assert names(found) == ["ink-000002", "ink-000004", "mofu-000002", "mofu-000004"]
    assert found.paths.run_id == "my loras"
    twins = loras("x/zubo-000002", "x/zubo-000004", "y/zubo-000002", "y/zubo-000004")
    found = plan([f"{twins}/x", f"{twins}/y"])
    assert names(found) == ["x/zubo-000002", "x/zubo-000004", "y/zubo-000002", "y/zubo-000004"]


def test_another_content_is_another_lora_of_the_same_run(plan, loras):
    folder = loras("ink-000002", "ink-000004")
    before = plan(str(folder))
    save_lora(folder / "ink-000002.safetensors", 9)
    after = plan(str(folder))
    assert after.paths.run_id == before.paths.run_id
    assert len(after.loras.keys() & before.loras.keys()) == 1


# ---------------------------------------------------------------- what is left out, and refused


def test_what_else_lies_in_a_folder_is_left_out_with_a_line(plan, loras):
    folder = loras("ink-000002", "ink-000004")
    (folder / "older.pt").write_bytes(b"PK")
    (folder / "page.safetensors").write_text("<!doctype html>")
    (folder / "ink-000002.json").write_text("{}")
    (folder / "samples").mkdir()
    found = plan(str(folder))
    assert names(found) == ["epoch 2", "epoch 4"]
    of_checkpoint, of_page = [note for note in notes(found) if note.startswith("left out: ")]
    assert "older.pt: pickled files are not read" in of_checkpoint
    assert "a web page" in of_page
    assert len(plan(f"{folder}/*").several) == 2


def test_a_checkpoint_in_a_folder_is_left_out(plan, loras):
    folder = loras("ink", "mofu")
    save_file({"decoder.a": np.ones(2), "decoder.b": np.ones(2)}, folder / "vae.safetensors")
    found = plan(str(folder))
    assert names(found) == ["ink", "mofu"]
    assert any("vae.safetensors: it is not a LoRA but a VAE" in note for note in notes(found))


def test_models_and_encoders_in_a_folder_are_left_out_by_their_names(plan, loras):
    folder = loras("ink")
    save = transformer_files.save_tensors
    save(
        folder / "t5.safetensors", {"encoder.block.0.layer.0.layer_norm.weight": (4096,), "a": (1,)}
    )
    transformer_files.save(folder / "wan.safetensors", "Wan")
    transformer_files.save(folder / "flux2.safetensors", "FLUX.2")
    left_out = "\n".join(note for note in notes(plan(str(folder))) if "left out: " in note)
    for said in ("a FLUX.2 model", "a Wan model", "T5-XXL"):
        assert f"it is not a LoRA but {said}." in left_out


def test_without_any_lora_that_is_said_with_what_is_there(plan, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert refused(plan, str(empty)) == f"lora: there is no LoRA (.safetensors) in {empty}"
    (empty / "ink.ckpt").write_bytes(b"PK")
    said = refused(plan, str(empty))
    assert said.startswith(f"lora: there is no LoRA (.safetensors) in {empty}: {empty}/ink.ckpt: ")
    assert "uv run python -c" in said
    assert "in none*, empty?" in refused(plan, "none*,empty?")
    assert "there is no LoRA" in refused(plan, str(tmp_path / "none" / "*"))
    assert "there is no LoRA" in refused(plan, ",")


def test_of_a_list_each_has_to_be_a_lora(plan, loras):
    folder = loras("ink-000002", "ink-000004")
    misspelt = f"{folder}/ink-00002.safetensors"
    said = refused(plan, [f"{folder}/ink-000004.safetensors", misspelt])
    assert said.startswith(f"lora: there is no file {misspelt}; {folder} has ink-000002")
    (folder / "a.pt").write_bytes(b"PK")
    assert "pickled" in refused(plan, [f"{folder}/ink-000004.safetensors", f"{folder}/a.pt"])
    for named in ([1, 2], {"a": 1}, True):
        assert "should be a file, a folder, a pattern" in refused(plan, named)
    for name in ("x" * 300, ["x" * 300]):
        assert "more than 255 bytes" in refused(plan, name)


def test_a_run_that_trained_its_own_is_not_taken(plan, loras, shared):
    folder, run = loras("ink-000002", "ink-000004"), shared.root / "runs" / "mine"
    records.run().write(run / "run.yaml")
    with pytest.raises(UserError, match="run mine has trained a LoRA of its own"):
        plan(str(folder), run_id="mine")
    shutil.rmtree(run)


# ---------------------------------------------------------------- what is rendered


def test_at_weight_0_loras_of_the_same_words_share_what_is_drawn(plan, loras):
    found = plan(
        str(loras("ink-000002", "ink-000004")), weights="0.5", prompts=["cat: a cat"], probe="off"
    )
    first, second = found.loras
    assert list(found.by_folder) == [
        "no-lora.my-ink/", f"{first}/", "no-lora.my-ink/prompt-cat/", f"{first}/prompt-cat/",
        f"{second}/", f"{second}/prompt-cat/",
    ]  # fmt: skip
    asked = targets.pictures(found)
    assert (len(asked), len(set(asked))) == (8, 6)
    assert len(found.sweep.pictures_in(found.paths.bench)) == 6
    assert {found.loaded(folder) for folder in found.by_folder} == {"", first, second}
    assert found.loaded("no-lora.my-ink/prompt-cat/") == ""


def test_each_lora_is_called_by_its_own_words(plan, loras):
    loras("ink", trigger="my ink")
    folder = loras("mofu", trigger="mofu")
    prompts = ["cat: {trigger}, a cat"]
    found = plan(str(folder), prompts=prompts, probe="off")
    ink, mofu = found.loras
    assert found.text(f"{ink}/prompt-cat/") == "my ink, a cat"
    assert found.text(f"{mofu}/prompt-cat/") == "mofu, a cat"
    assert found.text("no-lora.mofu/prompt-cat/") == "mofu, a cat"
    assert "my ink" in found.text(f"{ink}/") and "mofu" in found.text(f"{mofu}/")
    assert "mofu" in found.text("no-lora.mofu/")
    assert notes(found) == ["the LoRA is called by 'my ink' and 'mofu'; other words: trigger="]
    alike = plan(str(folder), prompts=prompts, probe="off", trigger="zwirbl")
    assert [one.trigger for one in alike.several] == ["zwirbl", "zwirbl"]
    assert alike.text(f"{mofu}/prompt-cat/") == "zwirbl, a cat"
    assert notes(alike) == []


def test_words_that_make_one_folders_name_do_not_share_what_is_drawn_without_a_lora(plan, loras):
    words = ("my ink", "my-ink", "my/ink", "my_ink", "a" * 90, "a" * 95)
    for number, trigger in enumerate(words):
        folder = loras(f"lora {number}", trigger=trigger)
    found = plan(str(folder), probe="off")
    baselines = [one.baseline for one in found.several]
    assert len(set(baselines)) == len(words) and baselines[0] == "no-lora.my-ink"
    for one in found.several:
        assert one.trigger in found.text(f"{one.baseline}/")


def test_of_a_lora_without_words_that_is_said(plan, loras):
    loras("ink")
    found = plan(str(loras("mofu", trigger="")), probe="off", prompts=["a cat"])
    assert [one.baseline for one in found.several] == ["no-lora.my-ink", "no-lora"]
    assert notes(found)[0].startswith("WITHOUT TRIGGER WORDS: the metadata of mofu name none")


def test_beside_their_pictures_words_call_those_too_that_name_none(plan, loras):
    folder = loras("ink", "mofu", trigger="")
    found = plan(str(folder), raw_set="some_set")
    assert [one.trigger for one in found.several] == ["trigger", "trigger"]
    assert found.paths.run_id == "my loras"
    loras("zubo")
    assert {one.trigger for one in plan(str(folder), raw_set="some_set").several} == {"my ink"}


def test_one_more_or_less_changes_no_cell_of_the_others(plan, loras, shared):
    """Neither its options nor the LoRA that a cell without one names: the first that ever was."""
    folder = loras("ink-000002", "ink-000004")
    before = plan(str(folder))
    kept = before.several[1].key
    source = before.lora("")
    assert source == before.loras[before.several[0].key]
    written = shared.root / before.paths.receipt()
    for path in (source, written):
        (shared.root / path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "ink-000002.safetensors", source)
    receipt.write(receipt.Receipt("x", source, "0", source=str(source)), written)
    (folder / "ink-000002.safetensors").unlink()
    loras("ink-000006")
    after = plan(str(folder))
    stands_in = after.lora("")
    shutil.rmtree(shared.root / "runs")
    assert stands_in == source
    for one in (f"{kept}/", "no-lora.my-ink/"):
        assert commands.cell(after, one) == commands.cell(before, one)
        assert commands.receipts(after, one) == commands.receipts(before, one)


def test_the_record_has_the_loras_and_leads_to_the_same_run(plan, loras, tmp_path):
    sweep = plan(str(loras("ink-000002", "ink-000004")), weights="0.5").sweep
    read = SweepRecord.read(records.write(sweep, tmp_path / "sweep.yaml"))
    assert read.loras == sweep.loras
    assert read.variants == sweep.variants
    assert [json.loads(commands.record(one.contents()))["lora"] for one in (sweep, read)] == [
        sweep.lora
    ] * 2
