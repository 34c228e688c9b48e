"""The files that one training saved on its way: recognized, and put in order."""

import json
import random
from pathlib import Path

import pytest

from lorabench.lora.series import Saved, of_metadata, of_name, order

KOHYA = {"ss_epoch": "4", "ss_steps": "1200"}
AI_TOOLKIT = {"training_info": json.dumps({"step": 1200, "epoch": 4})}


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("ink-000004", Saved("ink", epoch=4)),
        ("ink-step00001200", Saved("ink", step=1200)),
        ("ink_000001200", Saved("ink", step=1200)),
        ("ink2026-01-31_12-00-00-save-1200-4-0", Saved("ink", epoch=4, step=1200)),
        ("ink_e8", Saved("ink", epoch=8)),
        ("ink v2-epoch8", Saved("ink v2", epoch=8)),
        ("ink.Epoch-08", Saved("ink", epoch=8)),
        ("ink-1200steps", Saved("ink", step=1200)),
        ("ink_s1200", Saved("ink", step=1200)),
        ("墨-000004", Saved("墨", epoch=4)),
        ("ink", Saved()),
        ("ink_v3", Saved()),
        ("ink-2026", Saved()),
        ("style-e", Saved()),
        ("000004", Saved()),
    ],
)
def test_names_of_every_trainer_and_of_people(name, saved):
    assert of_name(Path("loras") / f"{name}.safetensors") == saved


def test_a_name_that_is_left_empty_is_that_of_its_folder():
    path = Path("ink") / "2026-01-31_12-00-00-save-1200-4-0.safetensors"
    assert of_name(path) == Saved("ink", epoch=4, step=1200)


def test_diffusers_has_folders_in_place_of_names():
    path = Path("out/ink/checkpoint-500/pytorch_lora_weights.safetensors")
    assert of_name(path) == Saved("ink", step=500)


@pytest.mark.parametrize(
    ("metadata", "saved"),
    [
        (KOHYA, Saved("", 4, 1200)),
        (AI_TOOLKIT, Saved("", 4, 1200)),
        ({"ss_epoch": "four", "training_info": "{"}, Saved()),
        ({"training_info": "[1]"}, Saved()),
        ({"training_info": '{"step": null, "epoch": 1.5}'}, Saved()),
        ({}, Saved()),
    ],
)
def test_metadata_of_every_trainer_and_damaged_ones(metadata, saved):
    assert of_metadata(metadata) == saved


def ordered(*files):
    """Return the stems in order with what is known; from any order, it is the same."""
    files = [
        (Path(name), metadata)
        for name, metadata in ((one, {}) if isinstance(one, str) else one for one in files)
    ]
    found = order(files)
    for seed in range(3):
        assert order(random.Random(seed).sample(files, len(files))) == found or len(files) < 2
    return [(path.stem, saved.epoch, saved.step) for path, saved in found]


def test_a_series_is_in_order_and_the_file_without_a_number_is_its_last():
    files = [f"ink-{epoch:06d}.safetensors" for epoch in (10, 4, 8)]
    assert ordered("ink.safetensors", *files) == [
        ("ink-000004", 4, None),
        ("ink-000008", 8, None),
        ("ink-000010", 10, None),
        ("ink", None, None),
    ]


def test_checkpoints_of_diffusers_are_in_order_of_their_numbers_and_the_last_lies_beside():
    name = "pytorch_lora_weights.safetensors"
    found = order(
        [(Path("ink") / place / name, {}) for place in ("checkpoint-1000", "", "checkpoint-500")]
    )
    assert [(saved.series, saved.step) for _, saved in found] == [
        ("ink", 500), ("ink", 1000), ("ink", None),
    ]  # fmt: skip


def test_metadata_come_before_names():
    first, second = {"ss_epoch": "9"}, {"ss_epoch": "3"}
    assert ordered(("ink-000001.safetensors", first), ("ink-000002.safetensors", second)) == [
        ("ink-000002", 3, None),
        ("ink-000001", 9, None),
    ]
    named = [("ink-000004.safetensors", {"ss_epoch": "4"}), ("ink.safetensors", {"ss_epoch": "6"})]
    assert ordered(*named)[-1] == ("ink", 6, None)


def test_metadata_that_some_tool_copied_do_not_count():
    files = [(f"ink-{epoch:06d}.safetensors", KOHYA) for epoch in (4, 2, 6)]
    assert ordered(*files) == [(f"ink-{epoch:06d}", epoch, None) for epoch in (2, 4, 6)]


def test_a_number_alone_makes_no_series():
    (found,) = order([(Path("ink-000004.safetensors"), {})])
    assert found[1] == Saved()
    listed = order([(Path("ink-000004.safetensors"), {}), (Path("mofu.safetensors"), {})])
    assert [saved for _, saved in listed] == [Saved(), Saved()]
    pair = order([(Path("ink-000004.safetensors"), {}), (Path("ink.safetensors"), {})])
    assert [saved.series for _, saved in pair] == ["ink", "ink"]


def test_two_series_stand_one_after_the_other():
    files = ["ink-000002", "mofu-000001", "ink-000001", "mofu-000002", "alone"]
    found = order([(Path(f"{name}.safetensors"), {}) for name in files])
    assert [(path.stem, saved.series) for path, saved in found] == [
        ("ink-000001", "ink"), ("ink-000002", "ink"), ("mofu-000001", "mofu"),
        ("mofu-000002", "mofu"), ("alone", ""),
    ]  # fmt: skip


def test_series_of_one_name_in_two_folders_are_two_trainings():
    names = [f"{folder}/ink-{epoch:06d}.safetensors" for folder in "ab" for epoch in (2, 1)]
    found = order([(Path(name), {}) for name in names])
    assert [path.as_posix()[:12] for path, _ in found] == [
        "a/ink-000001", "a/ink-000002", "b/ink-000001", "b/ink-000002",
    ]  # fmt: skip
    assert len({saved.series for _, saved in found}) == 2
