"""What prompts are called on grids, and which of them are probes."""

import pytest

from lorabench.bench import shown, variants
from lorabench.bench.variants import probe_of
from lorabench.errors import UserError
from tests import sweeps


@pytest.mark.parametrize(
    ("folder", "label", "probe"),
    [
        ("", "benchmark's prompt", False),
        ("prompt-cat", "cat", False),
        ("prompt-白い猫", "白い猫", False),
        ("prompt-trigger", "trigger", False),
        ("trigger", "trigger words alone", True),
        ("prompt-untriggered", "untriggered", False),
        ("untriggered", "benchmark's prompt, without trigger", True),
        ("prompt-cat.untriggered", "cat, without trigger", True),
    ],
)
def test_a_folder_has_a_name_for_people(folder, label, probe):
    assert not folder or variants.FOLDER.fullmatch(folder)
    assert shown.label(folder) == label
    assert shown.label(folder, "ja").endswith("(トリガーなし)") == label.endswith(
        ", without trigger"
    )
    assert bool(probe_of(folder)) == probe


def test_every_variant_of_a_plan_is_told_from_the_others():
    prompts = [variants.Prompt("cat", "style, a cat"), variants.Prompt("dog", "style, a dog")]
    extent = variants.EXTENTS["full"]
    planned = variants.plan("style, a fish", prompts, "style", extent, [0, 0.8], [1])
    assert [bool(probe_of(variant.name)) for variant in planned] == [
        bool(variant.probe) for variant in planned
    ]
    assert len({shown.label(variant.name) for variant in planned}) == len(planned)


def test_the_record_gives_the_order(tmp_path):
    listed = sweeps.variants(["b", "a"])
    sweeps.write_sweep(tmp_path / "sweep.yaml", listed)
    read = shown.read(tmp_path / "sweep.yaml")
    assert [(one.name, one.text) for one in read] == [(one.name, one.text) for one in listed]
    assert shown.ordered({"trigger", "prompt-a", "prompt-b", ""}, read) == [
        "",
        "prompt-b",
        "prompt-a",
        "trigger",
    ]


@pytest.mark.parametrize(
    "content", [None, "", "weights: [1]", "variants: [{name: a}]", "a: [", "- 1"]
)
def test_another_file_is_named(tmp_path, content):
    path = tmp_path / "sweep.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=r"sweep\.yaml: not the record of a sweep"):
        shown.read(path)
