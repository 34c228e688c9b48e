"""The page on a set: what it shows of pictures and captions, and what the program says."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lorabench.dataset import checks, facts
from lorabench.dataset.facts import Use
from lorabench.errors import UserError
from lorabench.pages.dataset import given_back
from lorabench.pages.dataset.build import build
from lorabench.pages.dataset.contents import Contents
from tests import checkpoints
from tests.normalized import USE, normalized

PROGRAM = Path(__file__).parents[4] / "scripts" / "dataset_page.py"
BASE = Path(__file__).parents[4] / "models" / "checkpoints" / "drawnworld"


@pytest.fixture
def made(tmp_path):
    """A raw set with something of everything, and the set that it was normalized to."""
    return normalized(tmp_path)


def contents(made, **use):
    found = facts.of_normalized(made.folder, Use(**{**USE, **use}))
    return Contents(made.folder, found, checks.find(found))


def test_pictures_stand_by_bucket_with_what_is_cropped(made):
    found = contents(made)
    sizes = {size: len(pictures) for size, pictures in found.buckets}
    assert sum(sizes.values()) == 12 and list(sizes.values()) == sorted(sizes.values())[::-1]
    wide = next(one for one in found.shown if one.picture.name == "wide.png")
    assert wide.raw_size == (300, 160) and wide.crop.height == 1 and 0 < wide.crop.lost < 0.3
    assert wide.crop.left == pytest.approx((1 - wide.crop.width) / 2, abs=0.01)
    small = next(one for one in found.shown if one.picture.name == "small.png")
    assert small.scale > 1 and found.figures["enlarged"] == 1


def test_near_pairs_and_what_was_refused_are_shown_with_why(made):
    found = contents(made)
    assert {one.why.code for one in found.refused} == {"same", "truncated"}
    pair = next(pair for pair in found.pairs if pair.refused)
    assert pair.names == ("0.png", "double.png") and pair.distance == 0


def test_captions_are_counted_and_the_trigger_is_marked(made):
    found = contents(made)
    captions = [str(one.caption) for one in found.shown]
    assert sum("<mark>zw</mark>, a mushroom" in caption for caption in captions) == 9
    assert any("&lt;b&gt;" in caption for caption in captions), "captions are no HTML"
    assert [one.picture.name for one in found.uncaptioned] == ["small.png"]
    assert [(slip.word, slip.meant) for slip in found.misspellings] == [("mushrom", "mushroom")]
    assert found.words[0].text == "mushroom" and found.words[0].times == 9
    assert "mushrom" not in found.once and "teapot" in found.once
    assert found.tags[0].text == "a mushroom"


def test_a_set_is_said_in_a_line(made):
    assert contents(made).sentence.startswith("12 of 14 pictures in ")
    assert contents(made).sentence.endswith(", 1 enlarged; 11 captions")


def test_the_page_and_the_file_beside_it_hold_the_same(made, tmp_path):
    build(contents(made, trigger="zubo"), made.raw, {}, tmp_path / "dataset.html")
    page = (tmp_path / "dataset.html").read_text("utf-8")
    for words in ("'zubo' stand in none of 11 captions", "トリガーワード", "Begin each caption"):
        assert words.replace("'", "&#39;") in page
    said = json.loads((tmp_path / "dataset.json").read_text("utf-8"))
    assert said["risks"][0]["code"] == "trigger_nowhere" and said["enlarged"] == 1
    assert said["risks"][0]["fields"] == {"trigger": "zubo", "count": 11}
    assert {one["name"] for one in said["pictures"]} >= {"wide.png", "small.png"}


def test_a_page_without_the_raw_pictures_shows_the_normalized_ones(made, tmp_path):
    build(contents(made), tmp_path / "gone", {}, tmp_path / "dataset.html")
    page = (tmp_path / "dataset.html").read_text("utf-8")
    assert page.count('<script type="text/plain"') == 14
    assert page.count('id="p0"></script>') == 0


def test_the_log_of_another_program_will_do(made, tmp_path):
    log = made.folder / "preprocess_log.csv"
    names = [path.name for path in (made.folder / "images").glob("*.png")]
    log.write_text("source,ok,reason,result\n" + "".join(f"{n},True,,{n}\n" for n in names))
    found = contents(made)
    assert len(found.shown) == 12 and found.figures["lost"] is None
    build(found, made.raw, {}, tmp_path / "dataset.html")


def look_through(made, *options, **use):
    command = [sys.executable, PROGRAM, made.folder, "--raw", made.raw, "--use", "/dev/stdin"]
    given = json.dumps({**USE, **use})
    return subprocess.run(
        [*command, "--base-model", BASE, *options],
        input=given, capture_output=True, text=True,
    )  # fmt: skip


def test_the_program_says_what_the_workflow_has_not_said(made, tmp_path):
    page = tmp_path / "dataset.html"
    done = look_through(made, "--output", page, "--said=trigger_nowhere", trigger="zubo")
    assert done.returncode == 0, done.stderr
    assert "stand in none" not in done.stderr and "captions, up to" in done.stderr
    assert "Perhaps misspelt in captions: mushrom for mushroom" in done.stderr
    said = json.loads(page.with_suffix(".json").read_text("utf-8"))
    assert said["risks"][0]["code"] == "trigger_nowhere"
    assert sum(one["given_back"] is not None for one in said["pictures"]) == 8
    assert all(one["tokens"] for one in said["pictures"])


def test_what_a_run_passed_through_the_autoencoder_is_not_passed_again(made, tmp_path):
    first = sorted((made.folder / "images").glob("*.png"))[0]
    reference = tmp_path / "reference"
    reference.mkdir()
    (reference / first.name).write_bytes(first.read_bytes())
    found = facts.of_normalized(made.folder, Use(**USE))
    gone = tmp_path / "no base model"
    (decoded,) = given_back.find(found, made.folder, gone, "cpu", reference).items()
    assert decoded[0] == first.name and decoded[1].share == pytest.approx(1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no base model"):
        given_back.find(found, made.folder, gone, "cpu", tmp_path / "empty")


def test_of_a_large_autoencoder_on_a_cpu_parts_of_two_pictures_are_measured(
    made, tmp_path, monkeypatch
):
    base = checkpoints.save_micro_folder(tmp_path / "sd15")
    unet = base / "unet" / "config.json"
    unet.write_text(json.dumps({**json.loads(unet.read_text()), "cross_attention_dim": 768}))
    monkeypatch.setattr(given_back, "SQUARE", 64)
    found = facts.of_normalized(made.folder, Use(**USE))
    decoded = given_back.find(found, made.folder, base, "cpu")
    assert len(decoded) == 2 and all(0 <= one.share <= 1 for one in decoded.values())
    assert {one.picture.size for one in decoded.values()} == {(64, 64)}
    assert {one.image.size for one in decoded.values()} == {(64, 64)}
    measured = [replace(p, given_back=given_back.share(p, decoded)) for p in found.pictures]
    shown = Contents(made.folder, replace(found, pictures=tuple(measured)), [])
    build(shown, made.raw, decoded, tmp_path / "dataset.html")
    page = (tmp_path / "dataset.html").read_text("utf-8")
    assert "squares with the most detail of two pictures" in page and "2 枚の画像" in page


def test_strict_fails_with_what_would_spoil_the_training(made):
    done = look_through(made, "--strict", trigger="zubo")
    assert done.returncode == 1
    assert "error: strict: this would spoil the training:" in done.stderr
    assert "Traceback" not in done.stderr
