"""record_run.py: what it writes, and what it says of nonsense."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SCRIPT = Path(__file__).parents[2] / "scripts" / "record_run.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True
    )


def test_it_records_contents_versions_and_digests(tmp_path):
    base = tmp_path / "base.safetensors"
    base.write_bytes(b"weights")
    record, memory = tmp_path / "run.yaml", tmp_path / "digests.json"
    done = run(
        *("--output", record, "--contents", '{"run_id": "ぽにゅ"}'),
        *("--digests", memory, "--of", base),
    )
    assert done.returncode == 0, done.stderr
    content = yaml.safe_load(record.read_text(encoding="utf-8"))
    assert content["run_id"] == "ぽにゅ"
    assert {"created", "commit", "host", "versions"} <= content.keys()
    assert list(json.loads(memory.read_text())) == [str(base)]


@pytest.mark.parametrize("contents", ["{bad", "[1]", "7"])
def test_contents_that_are_no_object_are_refused(tmp_path, contents):
    done = run("--output", tmp_path / "run.yaml", "--contents", contents)
    assert done.returncode == 2
    assert "a JSON object" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run.yaml").exists()


def test_help():
    done = run("--help")
    assert done.returncode == 0
    assert "--contents" in done.stdout
