"""What is said of a GUI workflow that lacks a node when a command is read."""

import json
from pathlib import Path

import pytest

from lorabench.errors import UserError
from tests.project import make_plan

GUI = Path(__file__).parents[3] / "config/workflows/gui/drawnworld_lora_bench.json"


@pytest.fixture
def without(tmp_path):
    """Write the bundled workflow with muted nodes; returns its path."""

    def without(*muted):
        gui = json.loads(GUI.read_text())
        for node in gui["nodes"]:
            node["mode"] = 2 if node["id"] in muted else 0
        path = tmp_path / "mine.json"
        path.write_text(json.dumps(gui))
        return str(path)

    return without


@pytest.fixture
def refused(project, monkeypatch):
    """Read a command with this workflow, and other settings; returns what is said of it."""
    project.add_set()
    monkeypatch.chdir(project.root)

    def refused(path, **config):
        given = {"raw_set": "some_set", "bench_workflow": path, **config}
        with pytest.raises(UserError) as caught:
            make_plan(given, project.root / "config/config.yaml")
        return str(caught.value)

    return refused


def test_a_muted_node_is_named_where_one_is_missing(refused, without):
    said = refused(without(8))
    assert "the workflow has no SaveImage node" in said
    assert '; muted or bypassed in this workflow: 8 (SaveImage "Save picture"); if it' in said


def test_a_muted_text_is_named_where_prompts_have_no_place(refused, without):
    said = refused(without(3, 4), prompts=["a cat", "a dog"])
    assert said.startswith("prompts: ")
    assert "one of" not in said
    assert 'workflow: 3 (CLIPTextEncode "Positive prompt"), 4 (CLIPTextEncode "Neg' in said
