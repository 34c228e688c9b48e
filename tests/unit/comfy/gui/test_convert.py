"""GUI workflows against what ComfyUI's own frontend made of them.

`tests/workflows/gui` holds workflows written by hand, some of them saved again by a frontend;
`tests/workflows/api` what the frontend (1.58, in a browser) then sent. What has no twin there is
refused, because frontends differ about it or send it only by accident.
"""

import copy
import json
from datetime import datetime
from pathlib import Path

import pytest

from lorabench.comfy.gui.convert import to_api
from lorabench.comfy.gui.text import file_name, prompt_text
from lorabench.comfy.gui.widgets import widget_values
from lorabench.errors import UserError

WORKFLOWS = Path(__file__).parents[3] / "workflows"
NODE_INFO = {
    class_type: info
    for name in ("node_info_0.33", "node_info")
    for class_type, info in json.loads((WORKFLOWS / f"{name}.json").read_text("utf-8")).items()
}
NOW = datetime(2026, 1, 2, 3, 4, 5)


def gui(name="plain"):
    return json.loads((WORKFLOWS / "gui" / f"{name}.json").read_text("utf-8"))


def close(graph):
    """A graph without titles, its decimals without their last bits."""

    def rounded(value):
        return round(value, 9) if isinstance(value, float) else value

    return {
        node: (body["class_type"], {k: rounded(v) for k, v in body["inputs"].items()})
        for node, body in graph.items()
    }


def node_of(workflow, class_type):
    return next(node for node in workflow["nodes"] if node["type"] == class_type)


@pytest.mark.parametrize("name", sorted(path.stem for path in (WORKFLOWS / "api").glob("*.json")))
def test_the_graph_is_the_frontends(name):
    sent = json.loads((WORKFLOWS / "api" / f"{name}.json").read_text("utf-8"))
    assert close(to_api(gui(name), NODE_INFO, NOW)) == close(sent)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("muted_seed_source", r"node 6 \(KSampler\): its seed is linked to a node that is muted"),
        ("muted_reroute", r"node 9 \(Reroute\): it is muted"),
        ("bypassed_second_widget", r"node 9 \(CLIPTextEncode\): its text is linked to a node that"),
        ("custom_combo_outside", r"node 9:1 \(CustomCombo\): its INDEX is used, and its choice"),
        ("primitive_reroute", r"node 9 \(PrimitiveNode\): .* link it directly"),
        ("primitive_width", r"node 5 \(EmptyLatentImage\): its width does not take 513"),
        ("subgraph_passed_through", r'node 9 \(subgraph "Pass"\): an input .* straight to an outp'),
        ("subgraph_primitive_outside", r"node 10 \(PrimitiveNode\): .* into a subgraph"),
        ("subgraph_few_values", r'node 9 \(subgraph "Sampling"\): its values do not show'),
        ("subgraph_values_in_two_places", r'node 9 \(subgraph "Sampling"\): its values do not'),
    ],
)
def test_what_frontends_differ_about_is_refused_with_its_node(name, words):
    with pytest.raises(UserError, match=words) as caught:
        to_api(gui(name), NODE_INFO)
    assert "Export (API)" in str(caught.value)


def test_every_workflow_is_tested():
    refused = {path.stem for path in (WORKFLOWS / "gui").glob("*.json")} - {
        path.stem for path in (WORKFLOWS / "api").glob("*.json")
    }
    mark = next(
        mark
        for mark in test_what_frontends_differ_about_is_refused_with_its_node.pytestmark
        if mark.name == "parametrize"
    )
    assert refused == {name for name, _ in mark.args[1]}


# ---------------------------------------------------------------- nodes that stand in the way


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([7, "fixed", None, 7, "euler", "normal", 1], "None does not fit its steps"),
        ([5, 11, 6, "heun", "karras", 0.5], "'heun' does not fit its cfg"),
        (["77", "fixed", 20, 7, "euler", "normal", 1], "'77' does not fit its seed"),
        ({"seed": 3}, "its values have no order"),
    ],
)
def test_values_that_do_not_fit_the_class_are_refused(values, words):
    workflow = gui()
    node_of(workflow, "KSampler")["widgets_values"] = values
    with pytest.raises(UserError, match=rf"node 6 \(KSampler\): .*{words}"):
        to_api(workflow, NODE_INFO)


@pytest.mark.parametrize("text", ["a {cat|dog}", "a {cat}", "a {cat", "// x\n{a|b}"])
def test_random_choices_are_refused(text):
    workflow = gui()
    node_of(workflow, "CLIPTextEncode")["widgets_values"] = [text]
    with pytest.raises(UserError, match=r'node 3 \(CLIPTextEncode "Positive"\): .* at random'):
        to_api(workflow, NODE_INFO)


def test_a_class_that_the_server_lacks_is_named():
    workflow = gui()
    node_of(workflow, "VAEDecode")["type"] = "FancyDecode"
    with pytest.raises(UserError, match=r"node 7 \(FancyDecode\): the server has no class Fancy"):
        to_api(workflow, NODE_INFO)


@pytest.mark.parametrize("class_type", [None, 5])
def test_a_node_without_a_class_is_named(class_type):
    workflow = gui()
    node_of(workflow, "VAEDecode")["type"] = class_type
    with pytest.raises(UserError, match=r"node 7 .*: the file does not name its class"):
        to_api(workflow, NODE_INFO)


@pytest.mark.parametrize("mode", [2, 4])
def test_a_class_that_the_server_lacks_does_no_harm_where_it_does_not_run(mode):
    workflow = gui("bypassed_combine")
    node_of(workflow, "ConditioningCombine").update(type="FancyCombine", mode=mode)
    assert "FancyCombine" not in {n["class_type"] for n in to_api(workflow, NODE_INFO).values()}


def test_a_note_of_a_custom_node_is_left_out():
    workflow = gui()
    workflow["nodes"].append({"id": 99, "type": "Label (rgthree)", "widgets_values": ["hello"]})
    assert close(to_api(workflow, NODE_INFO)) == close(to_api(gui(), NODE_INFO))


@pytest.mark.parametrize("separator", "/>")
def test_a_legacy_group_node_is_refused(separator):
    workflow = gui()
    node_of(workflow, "VAEDecode")["type"] = f"workflow{separator}Decode"
    with pytest.raises(UserError, match="it is a group node; choose Convert to nodes"):
        to_api(workflow, NODE_INFO)


def test_a_custom_node_with_more_values_than_it_declares_is_refused():
    info = copy.deepcopy(NODE_INFO)
    info["KSampler"]["python_module"] = "custom_nodes.fancy"
    workflow = gui("many_values")
    assert to_api(workflow, NODE_INFO)
    with pytest.raises(UserError, match="holds 2 values that its class does not declare"):
        to_api(workflow, info)


def test_a_custom_node_that_rewrites_the_graph_is_refused():
    info = copy.deepcopy(NODE_INFO)
    info["VAEDecode"]["python_module"] = "custom_nodes.cg-use-everywhere"
    with pytest.raises(UserError, match=r"node 7 \(VAEDecode\): .* changes what is sent"):
        to_api(gui(), info)


@pytest.mark.parametrize(("choice", "place"), [("one", 0), ("two", 1), ("none", -1)])
def test_the_place_of_a_choice_is_computed_whatever_the_file_says(choice, place):
    """Frontend 1.58 saves -1, and sends the place."""
    values = [choice, -1, "one", "two", ""]
    node = {"id": 1, "type": "CustomCombo", "widgets_values": values}
    sent = to_api({"nodes": [node], "links": []}, NODE_INFO)["1"]["inputs"]
    assert sent == {
        "choice": choice, "index": place, "option1": "one", "option2": "two", "option3": "",
    }  # fmt: skip


def test_a_combo_of_the_first_frontends_has_a_choice_and_no_place():
    node = {"id": 1, "type": "CustomCombo", "widgets_values": ["two", "one", "two", ""]}
    sent = to_api({"nodes": [node], "links": []}, NODE_INFO)
    assert sent["1"]["inputs"] == {"choice": "two"}


def test_a_widget_of_a_kind_of_its_own_is_refused():
    info = copy.deepcopy(NODE_INFO)
    info["VAEDecode"]["input"]["required"]["colour"] = ["COLOUR", {"default": "#fff"}]
    with pytest.raises(UserError, match=r"its colour \(COLOUR\) is a widget that only"):
        to_api(gui(), info)


def test_a_subgraph_whose_definition_is_gone_is_refused():
    workflow = gui("subgraph")
    workflow["definitions"]["subgraphs"] = []
    with pytest.raises(UserError, match=r'9 \(subgraph "Sampling"\): its content is not'):
        to_api(workflow, NODE_INFO)


def test_a_subgraph_in_itself_is_refused():
    workflow = gui("subgraph")
    inner = workflow["definitions"]["subgraphs"][0]
    inner["nodes"].append({"id": 50, "type": inner["id"], "inputs": [], "outputs": []})
    with pytest.raises(UserError, match=r"node 9:50 \(subgraph\): this subgraph contains itself"):
        to_api(workflow, NODE_INFO)


def test_a_subgraph_with_the_same_value_in_two_places_is_refused():
    """Frontends until 1.44 send the inner value, 5, and those since 1.47 the outer one."""
    inner = "11111111-1111-4111-8111-111111111111"
    number = {"id": 1, "type": "PrimitiveInt", "widgets_values": [5, "fixed"]}
    shown = {"proxyWidgets": [["1", "value"]]}
    outer = {"id": 9, "type": inner, "properties": shown, "widgets_values": [9]}
    definition = {"id": inner, "inputs": [], "nodes": [number], "links": []}
    content = {"nodes": [outer], "links": [], "definitions": {"subgraphs": [definition]}}
    with pytest.raises(UserError, match=r"node 9 \(subgraph\): its values do not show which of"):
        to_api(content, NODE_INFO)
    outer["widgets_values"] = []
    assert to_api(content, NODE_INFO)["9:1"]["inputs"] == {"value": 5}


def test_a_link_to_a_node_that_is_gone_is_refused():
    workflow = gui()
    workflow["nodes"].remove(node_of(workflow, "EmptyLatentImage"))
    with pytest.raises(UserError, match="its latent_image is linked to a node that is gone"):
        to_api(workflow, NODE_INFO)


def test_a_damaged_file_is_refused():
    with pytest.raises(UserError, match="damaged"):
        to_api({"nodes": [{"type": "KSampler"}], "links": []}, NODE_INFO)


# ---------------------------------------------------------------- what the converter gets wrong


def test_a_file_that_the_server_does_not_list_keeps_its_name():
    graph = to_api(gui(), NODE_INFO)
    listed = NODE_INFO["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"][0]
    assert graph["1"]["inputs"]["ckpt_name"] == "base.safetensors" not in listed


def test_a_converter_that_reads_other_values_is_caught(monkeypatch):
    from lorabench.comfy.gui import convert

    def wrong(*arguments, **options):
        result = convert_with_errors(*arguments, **options)
        result.data["6"]["inputs"]["cfg"] = 8.0
        return result

    convert_with_errors = convert.convert_with_errors
    monkeypatch.setattr(convert, "convert_with_errors", wrong)
    with pytest.raises(UserError, match=r"node 6 \(KSampler\): the value of its cfg is not cert"):
        to_api(gui(), NODE_INFO)


def test_links_as_objects_are_read_too():
    workflow = gui()
    keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    workflow["links"] = [dict(zip(keys, link, strict=True)) for link in workflow["links"]]
    assert to_api(workflow, NODE_INFO) == to_api(gui(), NODE_INFO)


def test_titles_come_along():
    graph = to_api(gui(), NODE_INFO)
    assert graph["2"]["_meta"]["title"] == "LoRA under test"
    assert graph["7"]["_meta"]["title"] == "VAE Decode"


# ---------------------------------------------------------------- texts and values


def test_names_of_files_hold_dates_and_values():
    values = {("KSampler", "seed"): 7, ("KSampler", "denoise"): 1.0, ("Text", "text"): 'a/b:"c"\n'}

    def filled(text):
        return file_name(text, lambda *where: values.get(where), NOW)

    assert filled("%date:yyyy-MM-dd%/%date:yy_M_d h.m% %date:hhmmss%") == (
        "2026-01-02/%date:yy_M_d h.m% 030405"
    )
    assert filled("%KSampler.seed%_%KSampler.denoise%_%Text.text%") == "7_1_a_b__c__"
    assert filled("%width%_%KSampler.nope%_100%") == "%width%_%KSampler.nope%_100%"


def test_of_two_nodes_of_a_name_the_first_in_the_file_is_meant():
    workflow = gui()
    node_of(workflow, "SaveImage")["widgets_values"] = ["%CLIPTextEncode.text%"]
    assert to_api(workflow, NODE_INFO)["8"]["inputs"]["filename_prefix"] == "a cat"
    workflow["nodes"].reverse()
    assert to_api(workflow, NODE_INFO)["8"]["inputs"]["filename_prefix"] == "blurry"


def test_a_name_with_a_value_that_comes_by_link_is_refused():
    workflow = gui("primitive_seed")
    node_of(workflow, "SaveImage")["widgets_values"] = ["%KSampler.seed%"]
    with pytest.raises(UserError, match=r"node 8 \(SaveImage\): %KSampler.seed% .* by link"):
        to_api(workflow, NODE_INFO)


def test_a_backslash_at_the_end_is_refused():
    with pytest.raises(ValueError, match="ends with a backslash"):
        prompt_text("a cat\\")


def test_a_seed_has_a_second_value_even_where_the_class_does_not_say_so():
    info = {"input": {"required": {"seed": ["INT"], "steps": ["INT"]}}, "python_module": "nodes"}
    expected = {"seed": 3, "steps": 9}
    assert widget_values([3, "randomize", 9], info) == expected
    assert widget_values([3, 9], info) == expected


@pytest.mark.parametrize(("behind", "value"), [(["1:1", "2:1"], "1:1"), ("STRING", "a cat")])
def test_the_second_value_of_a_seed_is_not_that_of_the_widget_behind_it(behind, value):
    required = {"seed": ["INT", {"control_after_generate": True}], "next": [behind, {}]}
    info = NODE_INFO | {"Drawn": {"input": {"required": required}}}
    node = {"id": 1, "type": "Drawn", "widgets_values": [7, "randomize", value]}
    sent = to_api({"nodes": [node], "links": []}, info)["1"]["inputs"]
    assert sent == {"seed": 7, "next": value}
