"""What prompts are called on grids and pages."""

import pytest

from lorabench.sweep import labels, variants


@pytest.mark.parametrize(
    ("prompt", "probe", "label"),
    [
        ("", "", "benchmark's prompt"),
        ("cat", "", "cat"),
        ("白い猫", "", "白い猫"),
        ("trigger", "", "trigger"),
        ("", "trigger", "trigger words alone"),
        ("untriggered", "", "untriggered"),
        ("", "untriggered", "benchmark's prompt, without trigger"),
        ("cat", "untriggered", "cat, without trigger"),
    ],
)
def test_a_variant_has_a_name_for_people(prompt, probe, label):
    assert labels.label(prompt, probe) == label
    japanese = labels.label(prompt, probe, "ja")
    assert japanese.endswith("(トリガーなし)") == label.endswith(", without trigger")


def test_every_variant_of_a_plan_has_a_folder_and_a_label_of_its_own():
    prompts = [variants.Prompt("cat", "style, a cat"), variants.Prompt("trigger", "style, a dog")]
    extent = variants.EXTENTS["full"]
    planned = variants.plan("style, a fish", prompts, "style", extent, [0, 0.8], [1])
    assert len({variant.folder(0.8) for variant in planned}) == len(planned) == 7
    assert len({labels.label(one.prompt, one.probe) for one in planned}) == len(planned)
