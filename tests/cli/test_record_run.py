"""record_run.py: what it writes, and what it says of nonsense."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lorabench.settings.records import FORMAT
from tests import records

SCRIPT = Path(__file__).parents[2] / "scripts" / "record_run.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True
    )


def test_it_records_contents_versions_and_digests(tmp_path):
    base = tmp_path / "base.safetensors"
    base.write_bytes(b"weights")
    record, memory = tmp_path / "run.yaml", tmp_path / "digests.json"
    contents = records.run(run_id="ぽにゅ", preprocess={"trigger": "ponnyu_v1"}).contents()
    done = run(
        *("run", "--output", record, "--contents", json.dumps(contents)),
        *("--digests", memory, "--of", base),
    )
    assert done.returncode == 0, done.stderr
    content = yaml.safe_load(record.read_text(encoding="utf-8"))
    assert (content["run_id"], content["format"]) == ("ぽにゅ", FORMAT)
    assert {"created", "commit", "host", "versions"} <= content.keys()
    # The set's name is no caption.
    assert "trigger" not in {**content["preprocess"], **content["identity"]["preprocess"]}
    assert list(json.loads(memory.read_text())) == [str(base)]


@pytest.mark.parametrize("contents", ["{bad", "[1]", "7", '{"run_id": "a"}'])
def test_contents_of_no_run_are_refused(tmp_path, contents):
    done = run("run", "--output", tmp_path / "run.yaml", "--contents", contents)
    assert done.returncode == 1
    assert "not the record of a run" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run.yaml").exists()


def test_help():
    done = run("--help")
    assert done.returncode == 0
    assert "--contents" in done.stdout
