"""The bundled benchmark in both formats: what opens in ComfyUI is what is sent to it."""

import json
from pathlib import Path

from lorabench.comfy.embedded import catalog
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.gui import to_gui
from lorabench.comfy.workflow import load

WORKFLOWS = Path(__file__).parents[2] / "config" / "workflows"
NAME = "drawnworld_lora_bench.json"


def drawn(tmp_path):
    nodes = catalog.nodes(Library(tmp_path, tmp_path, tmp_path, tmp_path))
    info = json.loads(json.dumps({name: node.info(name) for name, node in nodes.items()}))
    return to_gui(load(WORKFLOWS / NAME), info)


def test_the_gui_file_is_the_api_file_drawn(tmp_path):
    assert json.loads((WORKFLOWS / "gui" / NAME).read_text(encoding="utf-8")) == drawn(tmp_path)


def test_each_link_of_the_gui_file_joins_two_slots_that_name_it():
    gui = json.loads((WORKFLOWS / "gui" / NAME).read_text(encoding="utf-8"))
    nodes = {node["id"]: node for node in gui["nodes"]}
    assert len(gui["links"]) == 11
    for number, source, output, target, slot, kind in gui["links"]:
        assert nodes[target]["inputs"][slot]["link"] == number
        assert number in nodes[source]["outputs"][output]["links"]
        assert nodes[source]["outputs"][output]["type"] == kind
