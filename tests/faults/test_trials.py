"""A short form of each program of bad inputs: no input is a traceback, a hang or a leak."""

import pytest

from tests.faults import configs, harness, lora_files, own_files, pictures, workflows


@pytest.mark.parametrize(
    ("trial", "cases"),
    [
        (pictures.TRIAL, 150),
        (workflows.TRIAL, 60),
        (lora_files.TRIAL, 60),
        (configs.TRIAL, 60),
        (own_files.TRIAL, 11),
    ],
    ids=lambda value: value.what if isinstance(value, harness.Trial) else str(value),
)
def test_no_input_is_a_fault(tmp_path, trial, cases):
    outcomes = harness.run(trial, cases, 20261129, tmp_path)
    assert len(outcomes) == cases
    assert [(one.name, one.kind, one.said) for one in harness.faults(outcomes)] == []
    assert any(one.kind == "refused" for one in outcomes)


@pytest.mark.long
def test_no_bomb_takes_the_memory(tmp_path):
    outcomes = harness.run(pictures.LARGE, len(pictures.BOMBS), 0, tmp_path)
    assert [(one.name, one.kind, one.said) for one in harness.faults(outcomes)] == []
    assert [one.kind for one in outcomes[:4]] == ["refused"] * 4
