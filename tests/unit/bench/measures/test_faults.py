"""What counts as a dead LoRA or a broken render, and what does not."""

import json
import re

import pandas as pd
import pytest

from lorabench.bench.measures import faults
from lorabench.errors import UserError


def table(*rows):
    """Rows of weight, seed, contrast, difference."""
    frame = pd.DataFrame(rows, columns=["weight", "seed", "contrast", "difference"])
    frame["file"] = [f"w{row[0]:.2f}/seed{row[1]}_00.png" for row in rows]
    return frame


def kinds(*rows):
    return [(fault.kind, fault.weight, fault.seeds) for fault in faults.find(table(*rows))]


def test_a_lora_that_works_has_no_fault():
    assert kinds((0, 1, 0.2, 0), (0.4, 1, 0.2, 0.05), (0.8, 1, 0.2, 0.1)) == []


@pytest.mark.parametrize("difference", [0, 0.0039])
def test_a_weight_whose_pictures_are_all_those_of_weight_0_is_dead(difference):
    rows = (0, 1, 0.2, 0), (0.4, 1, 0.2, difference), (0.4, 2, 0.2, 0), (0.8, 1, 0.2, 0.1)
    assert kinds(*rows) == [("dead_lora", 0.4, [1, 2])]


def test_more_than_one_grey_level_is_a_change():
    assert kinds((0.4, 1, 0.2, 1 / 255)) == [("dead_lora", 0.4, [1])]
    assert kinds((0.4, 1, 0.2, 0.004)) == []


def test_equality_to_the_bit_is_said():
    exact, near = (faults.find(table((0.4, 1, 0.2, d)))[0].words() for d in (0, 0.001))
    assert "to the bit" in exact
    assert "mean absolute difference at most 0.001" in near


def test_negative_weights_can_be_dead_too():
    assert kinds((-1, 1, 0.2, 0)) == [("dead_lora", -1, [1])]


def test_some_equal_pictures_are_no_dead_lora():
    assert kinds((0.4, 1, 0.2, 0), (0.4, 2, 0.2, 0.1)) == [("unchanged_picture", 0.4, [1])]


def test_without_a_baseline_nothing_is_called_dead():
    assert kinds((0.4, 1, 0.2, None)) == []


def test_a_constant_picture_is_broken_and_not_dead():
    rows = (0, 1, 0, 0), (0.4, 1, 0, 0)
    assert kinds(*rows) == [("broken_render", 0, [1]), ("broken_render", 0.4, [1])]


def test_a_broken_picture_does_not_hide_a_dead_lora():
    rows = (0.4, 1, 0, 0.3), (0.4, 2, 0.2, 0)
    assert kinds(*rows) == [("broken_render", 0.4, [1]), ("dead_lora", 0.4, [2])]


def test_faults_survive_their_file(tmp_path):
    found = faults.find(table((0, 1, 0, 0), (0.4, 2**64 - 1, 0.2, 0)))
    path = tmp_path / "warnings.json"
    faults.write(found, path)
    assert faults.read(path) == found
    assert json.loads(path.read_text(encoding="utf-8"))[1] == {
        "kind": "dead_lora",
        "weight": 0.4,
        "seeds": [2**64 - 1],
        "files": [f"w0.40/seed{2**64 - 1}_00.png"],
        "pictures": 1,
        "difference": 0.0,
    }


def test_every_fault_has_its_words_in_both_languages():
    found = faults.find(
        table(
            *((0.2, seed, 0.2, 0.0) for seed in (1, 2)),
            *((0.4, seed, 0.2, difference) for seed, difference in ((1, 0.0012), (2, 0.1))),
            *((0.6, seed, contrast, 0.1) for seed, contrast in ((1, 0.0), (2, 0.2), (3, 0.0))),
            (0.8, 1, 0.2, 0.002),
            (1.0, 1, 0.0, 0.1),
        )
    )
    assert {fault.kind for fault in found} == set(faults.KINDS)
    assert [fault.words() for fault in found] == [
        "weight 0.2: all 2 pictures are the same as at weight 0 (to the bit)",
        "weight 0.4: 1 of 2 pictures is the same as at weight 0 "
        "(mean absolute difference at most 0.001)",
        "weight 0.6: 2 of 3 pictures are of a single colour",
        "weight 0.8: the only picture is the same as at weight 0 "
        "(mean absolute difference at most 0.002)",
        "weight 1: the only picture is of a single colour",
    ]
    assert [fault.words("ja") for fault in found] == [
        "重み 0.2: 画像 2 枚すべてが重み 0 と完全に同じです",
        "重み 0.4: 画像 2 枚のうち 1 枚が重み 0 と同じです(平均絶対差は最大 0.001)",
        "重み 0.6: 画像 3 枚のうち 2 枚が単色です",
        "重み 0.8: 唯一の画像が重み 0 と同じです(平均絶対差は最大 0.002)",
        "重み 1: 唯一の画像が単色です",
    ]


def test_every_kind_has_its_title_and_its_advice_in_both_languages():
    for kind in faults.KINDS:
        fault = faults.Fault(kind, 0.4, [1], ["a.png"])
        for said in (fault.title, fault.advice):
            assert said().isascii() and not said("ja").isascii()


def test_both_languages_name_the_same_numbers():
    for name, (english, japanese) in faults.TEXTS.items():
        named = [set(re.findall(r"{(\w*)[:}]", text)) - {"faulty"} for text in (english, japanese)]
        assert named[0] == named[1], name
        assert english.isascii() and not japanese.isascii()


def test_what_version_0_1_wrote_keeps_its_sentence(tmp_path):
    path = tmp_path / "warnings.json"
    message = "weight 0.4: all 2 pictures are the same as at weight 0 (to the bit)"
    fault = {"kind": "dead_lora", "weight": 0.4, "seeds": [1, 2], "files": ["a.png", "b.png"]}
    path.write_text(json.dumps([fault | {"message": message}]))
    (found,) = faults.read(path)
    assert (found.kind, found.files) == ("dead_lora", ["a.png", "b.png"])
    assert found.words() == found.words("ja") == message


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"kind": 1}',
        "[1]",
        '[{"kind": "new", "weight": 0, "seeds": [], "files": [], "message": ""}]',
    ],
)
def test_another_file_is_refused_by_name(tmp_path, text):
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"other\.json.*; delete it, and the command of the run"):
        faults.read(path)


def test_the_block_is_loud_and_complete():
    rows = (0, 1, 0, 0), (0.4, 2, 0.2, 0), (0.6, 2, 0.2, 0)
    text = faults.block(faults.find(table(*rows)))
    assert "WARNING  DEAD LoRA" in text
    assert "WARNING  BROKEN RENDER" in text
    assert "weight 0.4: the only picture" in text
    assert "weight 0.6: the only picture" in text
    assert text.count("!" * 80) == 3
    assert max(map(len, text.splitlines())) == 80


def test_of_several_loras_each_has_its_faults_and_what_they_share_counts_once(tmp_path):
    rows = (0, 1, 0, 0), (0.4, 1, 0.2, 0), (0.4, 1, 0.2, 0.1), (0.4, 1, 0.2, 0.001)
    several = table(*rows).assign(lora=["no-lora", "a", "b", ""])
    found = faults.find(several)
    assert [(one.lora, one.kind, one.weight) for one in found] == [
        ("", "dead_lora", 0.4),
        ("a", "dead_lora", 0.4),
        ("no-lora", "broken_render", 0),
    ]
    assert found[1].words().startswith("a: weight 0.4: the only picture is the same")
    assert found[0].words("ja").startswith("重み 0.4: ")
    faults.write(found, tmp_path / "warnings.json")
    assert faults.read(tmp_path / "warnings.json") == found
    assert "a: weight 0.4" in faults.block(found)
