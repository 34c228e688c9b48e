"""The verdict in words, in both languages, and as a file."""

import json
import re
import string
from dataclasses import replace
from pathlib import Path

import pytest

from lorabench.bench.verdicts import judging, stored, verdict, words
from lorabench.bench.verdicts.verdict import Finding, Verdict
from lorabench.errors import UserError
from lorabench.settings.models import VerdictSettings
from tests.judged import table

FIRED = judging.judge(
    table({0.2: {"style_gained": 0.0}, 0.6: {"style_gained": 0.8}, 0.8: {}, 1.0: {"outside": 0.5}}),
    VerdictSettings(),
)


def test_the_lines_say_label_weight_window_and_both_reasons():
    said = words.lines(FIRED)
    assert said[0].startswith("Verdict: works; use it at 0.6")
    assert "usable from 0.6 to 0.8" in said[1]
    assert "at 0.20" in said[2]
    assert "at 1.00" in said[3]


def test_a_tie_is_said():
    found = Verdict("works", None, 0.6, [0.4, 0.6, 0.8], (0.4, 0.8))
    assert words.lines(found)[0] == "Verdict: works; use it at 0.6 (a tie with 0.4, 0.8)"


@pytest.mark.parametrize("code", words.FINDINGS)
def test_every_finding_has_words_in_both_languages(code):
    found = Finding(code, 0.8, 0.5, 0.25, similarity=0.92)
    english, japanese = words.finding(found), words.finding(found, "ja")
    assert "{" not in english + japanese
    fields = [
        {name for _, name, _, _ in string.Formatter().parse(text) if name}
        for text in words.FINDINGS[code]
    ]
    assert fields[0] == fields[1]
    assert not japanese.isascii()


def test_every_code_that_is_given_has_words_and_none_is_left():
    folder = Path(judging.__file__).parent
    modules = [path for path in folder.glob("*.py") if path.name != "words.py"]
    text = "".join(path.read_text(encoding="utf-8") for path in modules)
    assert set(re.findall(r'Finding\("(\w+)"', text)) <= words.FINDINGS.keys()
    assert [code for code in words.FINDINGS if f'"{code}"' not in text] == []


@pytest.mark.parametrize(
    ("value", "english", "japanese"),
    [
        (0, "no pictures of the trigger words alone were rendered, and 8", "画像がありません("),
        (1, "only 1 picture of the trigger words alone was rendered, and 8", "画像が 1 枚です("),
        (2, "only 2 pictures of the trigger words alone were rendered", "画像が 2 枚です("),
    ],
)
def test_no_picture_of_the_trigger_words_is_not_called_0_pictures(value, english, japanese):
    found = Finding("few_triggers", value=value, limit=8)
    assert english in words.finding(found)
    assert japanese in words.finding(found, "ja")


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.05, "5% of what"), (0.0303, "3.03% of what"), (0.034, "3.4% of what")],
)
def test_a_value_near_its_limit_has_the_digits_that_tell_them_apart(value, said):
    assert said in words.finding(Finding("off_range", 0.5, value, 0.03))


def test_what_it_would_cost_to_know_is_said():
    found = Finding("few_prompts", value=3, limit=8, pictures=20)
    assert words.finding(found).endswith("(up to 20 more pictures)")
    assert words.finding(found, "ja").endswith("(最大あと 20 枚)")


def test_a_verdict_is_read_back_as_it_was(tmp_path):
    path = tmp_path / "verdict.json"
    verdict.write(FIRED, path)
    assert stored.read(path) == FIRED


def unjudged(*codes):
    return Verdict("uncertain", unknown=[Finding(code, value=3, limit=8) for code in codes])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Verdict("fried"), "none"),
        (unjudged(), "not judged"),
        (unjudged("few_prompts"), "not judged"),
        (
            unjudged("few_prompts", "no_training_set"),
            "not judged (there is no training set to compare with)",
        ),
        (unjudged("no_training_set", "only_baseline"), "not judged (only weight 0 was rendered)"),
    ],
)
def test_what_is_not_known_is_not_none(found, said):
    assert words.no_weight(found) == said
    assert (f"weight to use: {said}" in "\n".join(words.lines(found))) == (said != "none")


def test_one_of_a_thing_is_no_plural():
    one, two = (words.finding(Finding("few_prompts", value=n, limit=8, pictures=n)) for n in (1, 2))
    assert "only 1 was rendered" in one and one.endswith("(up to 1 more picture)")
    assert "only 2 were rendered" in two and two.endswith("(up to 2 more pictures)")


OTHERS = (
    *("", "[]", '{"label": 3}', '{"reasons": [1]}', '{"label": "works", "leaks": "x"}'),
    '{"label": "works", "reasons": [{"code": "invented"}]}',
    '{"label": "works", "unknown": [{"code": "leaks"}]}',
    '{"label": "works", "labels": {"0.40": "good"}}',
    '{"label":' * 100_000,
)


@pytest.mark.parametrize("content", OTHERS)
def test_another_file_is_no_verdict(tmp_path, content):
    path = tmp_path / "verdict.json"
    path.write_text(content)
    with pytest.raises(UserError, match="not a verdict"):
        stored.read(path)


def test_what_changes_nothing_is_said_of_each_weight():
    said = [words.finding(Finding("no_effect", weight, 0.001, 0.01)) for weight in (0.4, 0.8)]
    assert said[0].startswith("at 0.40 ") and said[1].startswith("at 0.80 ")


def test_a_file_from_before_the_limit_of_copies_is_read(tmp_path):
    copied = Finding("copies", 0.8, 0.25, 0.25, measured=8, similarity=0.92)
    told = Verdict("copies", reasons=[copied], checks={"0.80": [copied]})
    verdict.write(told, tmp_path / "verdict.json")
    assert stored.read(tmp_path / "verdict.json") == told
    assert "25% of what they render correlates with one by more than 0.92 (limit: 25%)" in (
        words.finding(copied)
    )
    said = {"code": "copies", "weight": 0.8, "value": 0.25, "limit": 0.92, "pictures": None}
    (tmp_path / "older.json").write_text(
        json.dumps({"format": 1, "label": "copies", "reasons": [said], "checks": {"0.80": [said]}})
    )
    older = stored.read(tmp_path / "older.json")
    assert older.reasons == older.checks["0.80"] == [replace(copied, measured=None)]
    assert older.scores == {} and older.leak_prompts is None
