"""LoRAs of two files for a workflow with two models: which belong together, and refusals."""

import json
import shutil
from pathlib import Path

import pytest

from lorabench.errors import UserError
from lorabench.lora import receipt
from lorabench.pages import find_run
from lorabench.pages.run.repeat_command import repeat_command
from lorabench.run.notes import notes
from lorabench.sweep.record import SweepRecord
from lorabench.workflow import commands
from tests.graphs import a_graph, two_models
from tests.loras import save_lora
from tests.project import ROOT, make_plan

WAN = ROOT / "config/workflows/wan22_lora_bench.json"
SERVER = "http://127.0.0.1:8188"


@pytest.fixture
def plan(shared, monkeypatch):
    """Plan the bench of a LoRA with two models; what a plan of one would write is noticed."""
    monkeypatch.chdir(shared.root)
    before = shared.files()
    usual = {"bench_workflow": str(WAN), "comfy_url": SERVER, "trigger": "my ink"}
    yield lambda lora, **given: make_plan(
        {"lora": lora if isinstance(lora, list) else str(lora), **usual, **given},
        ROOT / "config" / "config.yaml",
    )
    assert shared.files() == before


@pytest.fixture
def loras(tmp_path):
    """A folder beside the project, and LoRAs in it by name, each of another content."""
    folder = tmp_path / "my loras"

    def save(*names):
        for name in names:
            save_lora(folder / f"{name}.safetensors", 1 + len(list(folder.glob("*"))))
        return folder

    return save


@pytest.fixture
def pair(loras):
    return loras("ink_high_noise", "ink_low_noise") / "ink_high_noise.safetensors"


def refused(plan, lora, **given):
    with pytest.raises(UserError) as raised:
        plan(lora, **given)
    return str(raised.value)


def test_either_file_is_the_lora_with_the_other_beside_it(plan, pair):
    found = plan(pair)
    train = found.paths.root / "train"
    high, low = train / pair.name, train / "ink_low_noise.safetensors"
    assert found.paths.run_id.startswith("ink-")
    assert (found.loras, found.low) == ({"": high}, {"low": low})
    assert {copy: one.source.name for copy, one in found.from_elsewhere.items()} == {
        high: high.name,
        low: low.name,
    }
    (one,) = found.several
    assert (one.key, one.name, one.file, one.low) == ("", "ink", high.name, low.name)
    again = plan(pair.with_name(low.name))
    assert (again.paths, again.several) == (found.paths, found.several)
    assert "ink_high_noise.safetensors and ink_low_noise.safetensors: one LoRA" in notes(found)[0]


def test_another_file_for_either_model_is_another_run(plan, pair):
    before = plan(pair).paths.run_id
    save_lora(pair.with_name("ink_low_noise.safetensors"), 7)
    assert plan(pair).paths.run_id not in (before, before[:-1])


def test_its_cells_load_both_that_for_high_noise_first(plan, pair):
    found = plan(pair)
    train = found.paths.root / "train"
    receipts = [str(train / "installed.json"), str(train / "low.installed.json")]
    for folder in found.by_folder:
        assert commands.receipts(found, folder) == receipts
    both = [str(train / pair.name), str(train / "ink_low_noise.safetensors")]
    assert commands.loaded({"": found})(type("Of", (), {"run_id": "", "variant": ""})) == both
    assert [str(found.lora(key)) for key in ("", "low")] == both
    assert str(pair) in commands.large_models(found)
    assert "ink_low_noise" in commands.large_models(found)


def test_a_folder_of_pairs_is_a_series_of_one_lora_each(plan, loras):
    folder = loras(*(f"ink-{side}-00000{at}" for at in (4, 2) for side in ("high", "low")), "mofu")
    found = plan(folder)
    assert found.paths.run_id == "ink"
    assert [(one.name, one.epoch) for one in found.several] == [
        ("ink-000002", 2),
        ("ink-000004", 4),
    ]
    first = found.several[0]
    digits = first.key.removeprefix("ink-000002-")
    assert (first.file, first.low) == (
        f"ink-high-000002-{digits}.safetensors",
        f"ink-low-000002-{digits}.safetensors",
    )
    train = found.paths.root / "train"
    assert found.loras[first.key] == train / first.file
    assert found.low[f"{first.key}.low"] == train / first.low == found.lora(f"{first.key}.low")
    assert len(found.copied) == 4
    assert [Path(one).name for one in commands.receipts(found, f"{first.key}/")] == [
        f"{first.key}.installed.json",
        f"{first.key}.low.installed.json",
    ]
    (left_out,) = found.left_out
    assert f"the name of {folder / 'mofu.safetensors'} says of neither" in left_out
    assert "ink-high-000002.safetensors and ink-low-000002.safetensors, ink-high" in notes(found)[0]


@pytest.mark.parametrize(
    "named", ["{0}/*high*", "{0}/ink_low_noise.safetensors,{0}/b_high.safetensors"]
)
def test_the_others_of_a_pattern_or_list_lie_beside_them(plan, loras, named):
    folder = loras("ink_high_noise", "ink_low_noise", "b_high", "b_low")
    assert sorted(one.name for one in plan(named.format(folder)).several) == ["b", "ink"]


def test_two_files_of_other_names_are_a_pair_if_they_are_all(plan, loras):
    folder = loras("ink_high_noise_e10", "mine-LOW-e8")
    (one,) = plan(folder).several
    assert one.file.startswith("ink_high_noise_e10-") and one.low.startswith("mine-LOW-e8-")
    both = [str(folder / "mine-LOW-e8.safetensors"), str(folder / "ink_high_noise_e10.safetensors")]
    assert plan(both).several[0].file == one.file


def test_pairs_that_would_be_called_alike_are_told_apart(plan, loras):
    folder = loras("ink_high", "ink_low", "ink-high", "ink-low")
    found = plan(folder)
    assert [one.name for one in found.several] == ["ink-high", "ink_high"]
    assert len(found.loras) == len(found.low) == 2


def test_a_stand_in_is_the_pair_that_stood_in_before(plan, loras, shared):
    folder = loras(*(f"ink_{side}_e{at}" for at in (2, 4, 6) for side in ("high", "low")))
    before = plan(folder)
    try:
        for key in ("", "low"):
            source = before.lora(key)
            written = before.paths.receipt(key and f"{key}.")
            (shared.root / source).parent.mkdir(parents=True, exist_ok=True)
            (shared.root / source).touch()
            receipt.write(receipt.Receipt("x", source, "0", source=str(source)), written)
        for side in ("high", "low"):
            (folder / f"ink_{side}_e2.safetensors").unlink()
        after = plan(folder)
        assert after.loras != before.loras
        assert [after.lora(key) for key in ("", "low")] == [before.lora(key) for key in ("", "low")]
    finally:
        shutil.rmtree(shared.root / "runs", ignore_errors=True)


# ---------------------------------------------------------------- other workflows, refusals


def test_with_one_loader_a_file_is_benched_alone_and_that_is_said(plan, pair, tmp_path):
    graph = a_graph()
    (tmp_path / "one.json").write_text(json.dumps(graph))
    found = plan(pair, bench_workflow=str(tmp_path / "one.json"))
    assert found.paths.run_id.startswith("ink_high_noise-")
    assert (found.low, found.several) == ({}, ())
    assert "only ink_high_noise.safetensors is benched" in notes(found)[0]
    assert "ink_low_noise.safetensors would need another" in notes(found)[0]
    alone = plan(pair, bench={"lora_node": "6"})
    assert (alone.low, alone.loras[""].name) == ({}, "ink_high_noise.safetensors")


def test_the_gui_form_for_a_comfyui_is_read_by_its_names(plan, pair, tmp_path):
    gui = WAN.parent / "gui" / WAN.name
    assert plan(pair, bench_workflow=str(gui)).low
    assert not plan(pair, bench_workflow=str(gui), bench={"lora_node": "6"}).low
    assert plan(pair, bench_workflow=str(gui), bench={"lora_node": "6,5"}).low
    other = WAN.parent / "gui" / "z_image_lora_bench.json"
    assert not plan(pair, bench_workflow=str(other)).low


def test_a_file_without_another_is_refused_with_what_is_looked_for(plan, loras):
    folder = loras("ink_high_noise", "mofu")
    said = refused(plan, folder / "ink_high_noise.safetensors")
    assert f"was looked for as {folder / 'ink_low_noise.safetensors'}" in said
    assert "name that model's LoRA loader in bench.lora_node" in said
    said = refused(plan, folder / "mofu.safetensors")
    assert "says of neither that it is for it: call the files of a pair alike but for high" in said
    said = refused(
        plan, [str(folder / f"{name}.safetensors") for name in ("mofu", "ink_high_noise")]
    )
    assert "mofu.safetensors says of neither" in said
    assert "there is no LoRA (.safetensors) in" in refused(plan, folder)


def test_the_other_file_has_to_be_a_lora(plan, pair):
    pair.with_name("ink_low_noise.safetensors").write_bytes(b"no")
    assert "ink_low_noise.safetensors" in refused(plan, pair)


def test_a_training_here_makes_no_pair(plan, tmp_path):
    (tmp_path / "two.json").write_text(json.dumps(two_models()))
    with pytest.raises(UserError, match="a training here makes one file; give both files with"):
        make_plan(
            {"raw_set": "some_set", "bench_workflow": str(tmp_path / "two.json")},
            ROOT / "config" / "config.yaml",
        )


def test_a_run_id_that_was_given_keeps_its_pair(plan, shared, pair):
    train = shared.root / "runs" / "mine" / "train"
    shutil.copytree(pair.parent, train)
    try:
        assert plan(pair, run_id="mine").low
        save_lora(train / "ink_low_noise.safetensors", 9)
        said = refused(plan, pair, run_id="mine")
        assert "run mine is another LoRA's: it has " in said and "ink_low_noise" in said
    finally:
        shutil.rmtree(shared.root / "runs")


# ---------------------------------------------------------------- records


def test_the_record_leads_to_the_same_run(plan, pair, tmp_path):
    found = plan(pair)
    path = tmp_path / "sweep.yaml"
    found.sweep.write(path)
    again = SweepRecord.read(path)
    assert again.loras == found.several
    command = repeat_command(None, again, None)
    assert f"lora={pair}" in command and "run_id" not in command


def test_a_run_is_found_by_either_file(plan, pair, shared):
    found = plan(pair)
    run = shared.root / found.paths.root
    other = shared.root / "runs" / "b"
    try:
        for folder in (run, other):
            (folder / "bench").mkdir(parents=True)
        found.sweep.write(run / "bench/sweep.yaml")
        for word in (pair, pair.with_name("ink_low_noise.safetensors")):
            assert find_run.find([str(word), "b"])[0].folder.name == found.paths.run_id
    finally:
        shutil.rmtree(shared.root / "runs")
