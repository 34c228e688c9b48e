"""The bundled benchmarks in both formats: what opens in ComfyUI is what is sent to it."""

import json
from pathlib import Path

import pytest

from lorabench.comfy.embedded import catalog
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.graph.graph import is_link
from lorabench.comfy.graph.roles import find_roles
from lorabench.comfy.graph.workflow import load, read
from lorabench.comfy.gui.convert import to_api
from lorabench.comfy.gui.draw import to_gui

ROOT = Path(__file__).parents[3]
WORKFLOWS = ROOT / "config" / "workflows"
NAMES = sorted(path.name for path in WORKFLOWS.glob("*.json"))


@pytest.fixture(scope="module")
def info():
    recorded = (ROOT / "tests" / "workflows" / "node_info_bundled.json").read_text(encoding="utf-8")
    return json.loads(recorded) | catalog.object_info(Library.nowhere())


def test_each_workflow_has_its_twin():
    assert [path.name for path in sorted((WORKFLOWS / "gui").glob("*.json"))] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_gui_file_is_the_api_file_drawn(info, name):
    drawn = to_gui(load(WORKFLOWS / name), info)
    assert json.loads((WORKFLOWS / "gui" / name).read_text(encoding="utf-8")) == drawn


@pytest.mark.parametrize("name", NAMES)
def test_the_gui_file_is_sent_as_the_api_file(info, name):
    assert to_api(read(WORKFLOWS / "gui" / name), info) == load(WORKFLOWS / name)


@pytest.mark.parametrize("name", NAMES)
def test_every_role_can_be_set(name):
    graph = load(WORKFLOWS / name)
    roles = find_roles(graph)
    zeroed = any(body["class_type"] == "ConditioningZeroOut" for body in graph.values())
    left_out = {"negative"} if zeroed else set()
    assert roles.reasons.keys() == left_out | ({"checkpoint"} if len(roles.loras) > 1 else set())


@pytest.mark.parametrize("name", NAMES)
def test_each_link_of_the_gui_file_joins_two_slots_that_name_it(name):
    gui = json.loads((WORKFLOWS / "gui" / name).read_text(encoding="utf-8"))
    nodes = {node["id"]: node for node in gui["nodes"]}
    graph = load(WORKFLOWS / name)
    links = [value for body in graph.values() for value in body["inputs"].values()]
    assert len(gui["links"]) == sum(map(is_link, links))
    for number, source, output, target, slot, kind in gui["links"]:
        assert nodes[target]["inputs"][slot]["link"] == number
        assert number in nodes[source]["outputs"][output]["links"]
        assert nodes[source]["outputs"][output]["type"] == kind
