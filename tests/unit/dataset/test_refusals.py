"""Why pictures are left out: codes and fields in the log, words of both languages beside them."""

import csv
import os
import re

import pytest

from lorabench.base.stable_diffusion import BUNDLED
from lorabench.dataset.normalize import normalize_set
from lorabench.dataset.raw import read
from lorabench.dataset.refusals import KINDS, TEXTS, Refusal
from lorabench.settings.layers import resolve
from tests.pictures import photo

SENTENCE = "too small: 32×40, at least 64 on the shorter edge"


def english(text):
    """The English words of a text, names of files left out."""
    return re.findall(r"[A-Za-z]{3,}", re.sub(r"\S+\.(png|jpg)", "", text))


def refused(raw, tmp_path, **changes):
    """Normalize, and return the refusals that the log holds, by source."""
    settings = resolve({"raw_set": "raw"}, BUNDLED.preset).preprocess.model_copy(update=changes)
    normalize_set(read(raw), tmp_path / "set", settings, tmp_path / "store")
    with (tmp_path / "set/preprocess_log.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ok"] == "False"]
    found = {row["source"]: Refusal.of_row(row) for row in rows}
    assert {row["source"]: row["reason"] for row in rows} == {
        name: refusal.words() for name, refusal in found.items()
    }
    return found


@pytest.mark.parametrize("code", TEXTS)
def test_every_code_has_both_languages_with_the_same_fields(code):
    of_kind, *texts = TEXTS[code]
    named, in_japanese = (re.findall(r"{(\w+)", text) for text in texts)
    assert set(named) == set(in_japanese)
    assert Refusal(code, {}).kind("ja") == KINDS[of_kind][1] != KINDS[of_kind][0]
    if code != "other":
        assert english(re.sub("{.+?}", "", texts[1])) == []
        assert texts[0] != texts[1]


def test_no_kind_is_left_over():
    assert {of_kind for of_kind, *_ in TEXTS.values()} == set(KINDS)


def test_what_is_refused_comes_back_from_the_log_with_its_numbers_and_names(tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    sizes = {"small": (32, 40), "enlarged": (70, 70), "wide": (600, 100), "tall": (100, 600)}
    for at, (name, size) in enumerate([*sizes.items(), ("many", (800, 800))]):
        photo(at, *size).save(raw / f"{name}.png")
    photo(9, 200, 200).save(raw / "good.png")
    photo(9, 200, 200).save(raw / "twin.png")
    photo(9, 200, 200).save(raw / "near.jpg", quality=95)
    whole = (raw / "good.png").read_bytes()
    (raw / "cut.png").write_bytes(whole[:2000])
    (raw / "bad.png").write_bytes(b"\0\0\0\x1cftypavif" + b"\0" * 99)
    (raw / "empty.png").touch()
    (raw / "words.png").write_text("words, no picture")
    (raw / "link.png").symlink_to(raw / "gone.png")
    os.mkfifo(raw / "pipe.png")
    found = refused(raw, tmp_path, max_pixels=0.5)
    assert {name: refusal.code for name, refusal in found.items()} == {
        "small.png": "too_small",
        "enlarged.png": "enlarged",
        "wide.png": "too_wide",
        "tall.png": "too_tall",
        "many.png": "too_large",
        "twin.png": "same",
        "near.jpg": "similar",
        "cut.png": "truncated",
        "bad.png": "damaged",
        "empty.png": "empty",
        "words.png": "no_picture",
        "link.png": "broken_link",
        "pipe.png": "no_file",
    }
    said = {name: refusal.words("ja") for name, refusal in found.items()}
    assert {name: text for name, text in said.items() if english(text) not in ([], ["AVIF"])} == {}
    assert found["small.png"].words() == SENTENCE
    assert said["small.png"] == "32×40(短辺は 64 以上が必要)"
    assert said["wide.png"] == "縦横比 6:1(上限 3:1)"
    assert found["near.jpg"].fields["other"] == "good.png"
    assert "ハッシュ距離" in said["near.jpg"]


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"code": ""},
        {"code": "too_small"},
        {"code": "ugly", "fields": '{"score": 1}'},
        {"code": "too_small", "fields": "{}"},
        {"code": "too_small", "fields": "width 32"},
        {"code": "too_small", "fields": "[32, 40, 64]"},
        {"code": "too_large", "fields": '{"width": 1, "height": 1, "millions": "x", "limit": 1}'},
        {"code": "same", "fields": None},
        {"code": "other", "fields": "{}"},
    ],
)
def test_a_row_of_0_1_or_of_another_program_keeps_its_sentence(columns):
    found = Refusal.of_row({"source": "a.png", "ok": "False", "reason": SENTENCE, **columns})
    assert found.words() == found.words("ja") == SENTENCE
    assert (found.kind(), found.kind("ja")) == ("other", "その他")
