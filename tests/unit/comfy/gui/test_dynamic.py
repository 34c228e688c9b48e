"""Widgets that bring widgets, and sockets that grow, against what the frontend sends."""

import json
from pathlib import Path

import pytest

from lorabench.comfy.gui.convert import to_api
from lorabench.errors import UserError

NODE_INFO = json.loads(
    (Path(__file__).parents[3] / "workflows" / "node_info_0.33.json").read_text("utf-8")
)


def converted(class_type, values, *inputs):
    """The inputs of a node in a workflow of its own, with links from a number and a picture."""
    kinds = {name: ("FLOAT", 1) if name.startswith("values") else ("IMAGE", 2) for name in inputs}
    sockets = [
        {"name": name, "type": kind, "link": number}
        for number, (name, (kind, _)) in enumerate(kinds.items(), 1)
    ]
    links = [
        [number, origin, 0, 9, slot, kind]
        for number, (slot, (kind, origin)) in enumerate(enumerate(kinds.values()), 1)
    ]
    nodes = [
        {"id": 1, "type": "PrimitiveFloat", "widgets_values": [2.5], "outputs": []},
        {"id": 2, "type": "LoadImage", "widgets_values": ["a.png", "image"], "outputs": []},
        {"id": 9, "type": class_type, "widgets_values": values, "inputs": sockets},
    ]
    return to_api({"nodes": nodes, "links": links}, NODE_INFO)["9"]["inputs"]


def test_a_choice_brings_its_own_widgets():
    sent = converted("SaveImageAdvanced", ["mine", "png", "16-bit", "sRGB"], "images")
    assert sent == {
        "images": ["2", 0], "filename_prefix": "mine", "format": "png",
        "format.bit_depth": "16-bit", "format.input_color_space": "sRGB",
    }  # fmt: skip


def test_another_choice_brings_others():
    several = ["scale dimensions", 640, 480, "center", "area"]
    assert converted("ResizeImageMaskNode", several, "input") == {
        "input": ["2", 0], "resize_type": "scale dimensions", "resize_type.width": 640,
        "resize_type.height": 480, "resize_type.crop": "center", "scale_method": "area",
    }  # fmt: skip
    one = converted("ResizeImageMaskNode", ["scale longer dimension", 640, "area"], "input")
    assert one == {
        "input": ["2", 0], "resize_type": "scale longer dimension",
        "resize_type.longer_size": 640, "scale_method": "area",
    }  # fmt: skip


def test_what_the_file_lacks_has_the_default():
    assert converted("SaveImageAdvanced", ["mine"], "images")["format.bit_depth"] == "8-bit"


def test_sockets_grow_with_their_links():
    sent = converted("ComfyMathExpression", ["a + b"], "values.a", "values.b")
    assert sent == {"expression": "a + b", "values.a": ["1", 0], "values.b": ["1", 0]}
    assert converted("ComfyMathExpression", ["1"]) == {"expression": "1"}


def test_a_choice_that_the_server_lacks_is_named():
    with pytest.raises(
        UserError, match="its format is 'webp', which the server does not have: png"
    ):
        converted("SaveImageAdvanced", ["mine", "webp"], "images")


def test_a_socket_of_any_type_takes_the_value_that_its_subgraph_shows():
    """Types that match each other, as a switch's, have no widget."""
    inner = "11111111-1111-4111-8111-111111111111"
    text = {
        "id": 1,
        "type": "PrimitiveString",
        "widgets_values": ["a cat"],
        "inputs": [{"name": "value", "type": "STRING", "link": 1, "widget": {"name": "value"}}],
    }
    switch = {"id": 2, "type": "ComfySwitchNode", "widgets_values": [False],
              "inputs": [{"name": "on_false", "type": "STRING", "link": 2}]}  # fmt: skip
    ends = [{"id": slot, "origin_id": -10, "origin_slot": 0, "target_id": slot, "target_slot": 0}
            for slot in (1, 2)]  # fmt: skip
    definition = {"id": inner, "inputs": [{"name": "text"}], "nodes": [text, switch], "links": ends}
    content = {"nodes": [{"id": 9, "type": inner}], "links": []}
    graph = to_api(content | {"definitions": {"subgraphs": [definition]}}, NODE_INFO)
    assert graph["9:2"]["inputs"] == {"on_false": "a cat", "switch": False}


def test_a_node_that_only_shows_pictures_is_left_out():
    nodes = [
        {"id": 2, "type": "LoadImage", "widgets_values": ["a.png", "image"]},
        {"id": 9, "type": "ImageCompare", "widgets_values": [],
         "inputs": [{"name": "image_a", "type": "IMAGE", "link": 1}]},
    ]  # fmt: skip
    graph = to_api({"nodes": nodes, "links": [[1, 2, 0, 9, 0, "IMAGE"]]}, NODE_INFO)
    assert list(graph) == ["2"]


def test_a_widget_of_two_types_is_that_of_the_type_that_the_frontend_shows():
    sent = converted("LTXVEmptyLatentAudio", [97, 25, 1])
    assert sent == {"frames_number": 97, "frame_rate": 25, "batch_size": 1}


def test_a_colour_is_sent_as_the_text_that_it_is():
    info = NODE_INFO | {"Fill": {"input": {"required": {
        "name": ["STRING", {}], "colour": ["COLOR", {"default": "#000000", "socketless": True}],
    }}}}  # fmt: skip
    node = {"id": 1, "type": "Fill", "widgets_values": ["mine", "#848484"], "outputs": []}
    sent = to_api({"nodes": [node], "links": []}, info)["1"]["inputs"]
    assert sent == {"name": "mine", "colour": "#848484"}
