"""Records: what is written is read, what 0.1 wrote is, too, and anything else is named."""

import json

import pytest
import yaml

from lorabench.bench.verdicts import stored
from lorabench.errors import UserError
from lorabench.lora import receipt
from lorabench.run.record import RunRecord
from lorabench.settings.records import FORMAT
from lorabench.sweep.record import SweepRecord
from tests import records

OF_0_1 = [
    {"name": "", "text": "s, a cat", "probe": "", "of": ""},
    {"name": "prompt-dog", "text": "s, a dog", "probe": "", "of": "prompt-dog"},
    {"name": "trigger", "text": "s", "probe": "trigger", "of": "trigger"},
    {"name": "untriggered", "text": "a cat", "probe": "untriggered", "of": ""},
    {"name": "prompt-dog.untriggered", "text": "a", "probe": "untriggered", "of": "prompt-dog"},
]


def write(path, **changed):
    contents = records.sweep([records.variant("")]).contents()
    path.write_text(yaml.safe_dump({**contents, **changed}))
    return path


def test_what_is_written_is_read(tmp_path):
    listed = records.variants(["b", "a"])
    path = records.write_sweep(tmp_path / "sweep.yaml", listed, trigger="s", prompts=["x"])
    assert SweepRecord.read(path).variants == tuple(listed)
    written = records.sweep(listed, trigger="s", prompts=["x"], format=FORMAT)
    assert SweepRecord.read(path) == written


def test_a_sweep_of_version_0_1_keeps_its_folders(tmp_path):
    variants = [{**one, "weights": [0.0, 0.8], "seeds": [1]} for one in OF_0_1]
    record = SweepRecord.read(write(tmp_path / "sweep.yaml", variants=variants))
    assert [one.name for one in record.variants] == [one["name"] for one in OF_0_1]
    assert [one.prompt for one in record.variants] == ["", "dog", "", "", "dog"]
    assert record.format < FORMAT


def test_a_run_of_an_earlier_format_is_read(tmp_path):
    path = tmp_path / "run.yaml"
    records.run(train={"validation": 0.1}).write(path)
    written = yaml.safe_load(path.read_text())
    assert written["format"] == 3
    for earlier in (1, 2):  # without the settings that came after them
        train = {k: v for k, v in written["train"].items() if k != "validation"}
        path.write_text(yaml.safe_dump({**written, "format": earlier, "train": train}))
        assert RunRecord.read(path).train.validation == 0.0


@pytest.mark.parametrize("earlier", [1, 2])
def test_a_sweep_of_earlier_limits_is_read(tmp_path, earlier):
    limits = {"style": 0.2, "change": 0.2, "outside": 0.03, "beside": 8.0, "structure": 0.3}
    record = SweepRecord.read(write(tmp_path / "sweep.yaml", format=earlier, verdict=limits))
    assert (record.format, record.verdict.structure) == (earlier, 0.3)


def test_logins_that_older_records_hold_are_hidden(tmp_path):
    urls = ["https://me:secret@host", "http://b:1"]
    path = write(tmp_path / "sweep.yaml", comfy_url=urls)
    assert SweepRecord.read(path).comfy_url == ("https://host", "http://b:1")
    path = write(tmp_path / "sweep.yaml", comfy_url=["https://me:se/cret@host"])
    assert "cret" not in str(SweepRecord.read(path))


def test_keys_of_other_versions_are_passed_over(tmp_path):
    assert SweepRecord.read(write(tmp_path / "sweep.yaml", later=1)).weights == (0.4, 0.6, 0.8)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"variants": [{"name": "a"}]}, r"not the record of a sweep \(variants.0.*; delete it"),
        ({"weights": "many"}, "not the record of a sweep .*weights"),
    ],
)
def test_another_file_is_named(tmp_path, changed, said):
    with pytest.raises(UserError, match=rf"sweep\.yaml: {said}"):
        SweepRecord.read(write(tmp_path / "sweep.yaml", **changed))


@pytest.mark.parametrize("content", ["a: [b", "[1]", "", "text"])
def test_a_file_that_holds_no_record_is_named_in_one_line(tmp_path, content):
    path = tmp_path / "run.yaml"
    path.write_text(content)
    with pytest.raises(UserError) as raised:
        RunRecord.read(path)
    assert str(raised.value).startswith(f"{path}: not the record of a run (")
    assert str(raised.value).endswith(
        "; put it back, or move the folder of the run away, to train it again"
    )
    assert "\n" not in str(raised.value)


RECEIPT = {"name": "a.safetensors", "path": "loras/a.safetensors", "sha256": "ab"}
READERS = {"run": RunRecord.read, "sweep": SweepRecord.read, "lora": receipt.read}


@pytest.mark.parametrize("read", [*READERS.values(), stored.read], ids=[*READERS, "verdict"])
def test_what_a_newer_version_wrote_has_one_remedy(tmp_path, read):
    path = tmp_path / "written.json"
    path.write_text('{"format": 99, "label": "splendid"}')
    with pytest.raises(UserError) as raised:
        read(path)
    assert str(raised.value).startswith(f"{path}: was written by a newer lorabench (format 99; ")
    assert str(raised.value).endswith("; update this one")


@pytest.mark.parametrize(
    "wrong", [{"name": 5}, {"path": ["a"]}, {"sha256": None}, {"size": "1"}, {"file": []}]
)
def test_a_receipt_of_other_types_is_refused(tmp_path, wrong):
    path = tmp_path / "installed.json"
    path.write_text(json.dumps({**RECEIPT, "later": 1}))
    assert receipt.read(path).sha256 == "ab"
    path.write_text(json.dumps({**RECEIPT, **wrong}))
    with pytest.raises(
        UserError, match=r"not a LoRA receipt .*; delete it, and the command of the run"
    ):
        receipt.read(path)
