"""The pictures of a sweep: which there are, and how they are read."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from lorabench.errors import UserError
from lorabench.sweep.loras import SweptLora
from lorabench.sweep.pictures import Picture, open_rgb, size
from lorabench.sweep.record import SweepRecord
from tests import records


def test_the_pictures_of_a_sweep_are_in_order_and_know_where_they_lie():
    variants = [records.variant("", "x", (0, 0.4), (2, 1), of) for of in ("", "trigger")]
    found = records.sweep(variants, batch_size=2).pictures_in(Path("runs/a/bench"))
    assert found == sorted(found) and len(found) == 16
    assert found[1] == Picture("", 1, 0, 0.4, Path())
    assert [one.path.as_posix() for one in found[1:10:8]] == [
        "runs/a/bench/w0.40/seed1_00.png",
        "runs/a/bench/trigger/w0.40/seed1_00.png",
    ]


@pytest.mark.parametrize(
    ("prompt", "probe", "folder"),
    [
        ("w0.40", "", "prompt-w0.40/"),
        ("trigger", "", "prompt-trigger/"),
        ("", "trigger", "trigger/"),
    ],
)
def test_a_name_that_looks_like_a_coordinate_is_a_name(prompt, probe, folder):
    variant = records.variant(prompt, "x", (0.8,), (3,), probe)
    (picture,) = records.sweep([variant]).pictures_in(Path("runs/trigger/bench"))
    assert picture.path == Path(f"runs/trigger/bench/{folder}w0.80/seed3_00.png")
    place = (picture.prompt, picture.probe, picture.weight, picture.seed, picture.index)
    assert place == (prompt, probe, 0.8, 3, 0)


def test_pictures_are_read_as_rgb(tmp_path):
    path = tmp_path / "grey.png"
    Image.new("L", (3, 2), 9).save(path)
    assert open_rgb(path).getpixel((0, 0)) == (9, 9, 9)
    assert size(path) == (3, 2)


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match=r"gone\.png: no such picture"):
        open_rgb(tmp_path / "gone.png")
    words = tmp_path / "words.png"
    words.write_text("no picture")
    with pytest.raises(UserError, match=r"words\.png: not a readable picture"):
        open_rgb(words)
    cut = tmp_path / "cut.png"
    Image.effect_noise((64, 64), 50).save(cut)
    cut.write_bytes(cut.read_bytes()[:500])
    with pytest.raises(UserError, match=r"cut\.png: not a readable picture"):
        open_rgb(cut)


def test_a_variant_of_a_lora_lies_in_its_folder_and_at_weight_0_in_that_of_none():
    variant = replace(records.variant("cat", weights=(-0.5, 0.0, 0.5)), lora="a", baseline="none")
    folders = [variant.folder(weight) for weight in variant.weights]
    assert folders == ["a/prompt-cat/", "none/prompt-cat/", "a/prompt-cat/"]
    own = replace(variant, lora="", baseline="")
    assert {own.folder(weight) for weight in own.weights} == {"prompt-cat/"}
    epoch = replace(records.variant(weights=(0.0, 0.5)), lora="epoch-000002")
    assert [epoch.folder(weight) for weight in epoch.weights] == ["", "epoch-000002/"]


def test_loras_share_a_picture_at_weight_0_and_each_has_it_in_its_part_of_the_record():
    loras = [SweptLora(key, "", key, trigger=key, baseline="none") for key in "ab"]
    variants = [
        replace(records.variant(weights=(0, 0.4)), lora=key, baseline="none") for key in "ab"
    ]
    sweep = records.sweep(variants, loras=loras, trigger="other")
    bench = Path("runs/x/bench")
    names = [one.path.relative_to(bench).as_posix() for one in sweep.pictures_in(bench)]
    assert sorted(names) == [f"{of}/seed1_00.png" for of in ("a/w0.40", "b/w0.40", "none/w0.00")]
    part = sweep.only("b")
    assert (part.loras, part.trigger) == ((), "b")
    names = [one.path.relative_to(bench).as_posix() for one in part.pictures_in(bench)]
    assert sorted(names) == ["b/w0.40/seed1_00.png", "none/w0.00/seed1_00.png"]
    assert part.contents()["run_id"] == sweep.run_id


def test_the_record_of_one_lora_is_written_as_before_there_were_several(tmp_path):
    content = records.sweep([records.variant()]).contents()
    assert not {"lora", "loras", "training_set", "epochs"} & content.keys()
    assert not {"lora", "baseline"} & content["variants"][0].keys()
    read = SweepRecord.read(records.write_sweep(tmp_path / "sweep.yaml", [records.variant()]))
    assert (read.loras, read.variants) == ((), (records.variant(),))
