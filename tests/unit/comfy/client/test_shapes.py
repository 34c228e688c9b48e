"""Answers of another shape than ComfyUI's: each is named, and none is a traceback."""

import pytest

from lorabench.comfy.client.client import Client
from lorabench.comfy.client.pictures import is_made_by
from lorabench.comfy.client.replies import rejection, saved_images
from lorabench.comfy.client.shapes import Odd, check, fits
from lorabench.comfy.client.transport import Pace
from lorabench.comfy.gui.draw import to_gui
from lorabench.comfy.gui.object_info import inputs
from lorabench.errors import UserError
from tests.fake_comfy import png, serving

GRAPH = {"8": {"class_type": "SaveImage", "inputs": {}}}
OK = {"status_str": "success"}
PACE = Pace(poll=0.005, backoff=0.005, greeting=0.05, patience=0.05)


def test_a_shape_says_where_an_answer_differs():
    shape = {"a": [{"b?": int | float, "c": (str, dict), "d?": bool}], str: object}
    assert fits({"a": [{"b": None, "c": ["x", {}, "more"]}, {"c": ["x", {}]}], "d": 1}, shape)
    for content, said in (
        ([], "the answer is a list, not an object"),
        ({}, "the answer has no a"),
        ({"a": None}, "the answer.a is null, not a list"),
        ({"a": [{"c": ["x"]}]}, "the answer.a[0].c has 1 items, not 2"),
        ({"a": [{"b": "1", "c": ["x", {}]}]}, "the answer.a[0].b is a text, not int | float"),
        ({"a": [{"c": ["x", {}], "d": "yes"}]}, "the answer.a[0].d is a text, not true or false"),
        ({"a": [{"c": ["x", 5]}]}, "the answer.a[0].c[1] is a number, not an object"),
    ):
        with pytest.raises(Odd) as caught:
            check(content, shape)
        assert str(caught.value) == said


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ([1], "the entry is a list"),
        (None, "the entry is null"),
        ({"status": "success"}, "the entry.status is a text"),
        ({"status": {"messages": 5}}, "the entry.status.messages is a number"),
        ({"status": OK | {"messages": [[1, 2, 3]]}}, r"messages\[0\]\[0\] is a number"),
        ({"status": OK | {"messages": [["execution_error"]]}}, "has 1 items, not 2"),
        ({"status": {"messages": [["execution_error", None]]}}, r"\[1\] is null, not an object"),
        ({"status": {"messages": [["execution_error", {"traceback": 5}]]}}, "traceback is a num"),
        ({"status": OK, "outputs": []}, "the entry.outputs is a list"),
        ({"status": OK, "outputs": {"8": "x"}}, r"what 8 \(SaveImage\) wrote is a text"),
        ({"status": OK, "outputs": {"8": {"images": [{}]}}}, r"images\[0\] has no filename"),
        ({"status": OK, "outputs": {"8": {"images": "x"}}}, "images is a text, not a list"),
        ({"status": OK, "outputs": {"8": {"images": [None]}}}, r"images\[0\] is null"),
    ],
)
def test_an_odd_history_is_named(entry, where):
    with pytest.raises(UserError, match=f"not in ComfyUI's form: .*{where}"):
        saved_images(GRAPH, "8", entry)


@pytest.mark.parametrize("outputs", [None, {}, {"8": None}, {"8": {}}, {"8": {"images": None}}])
def test_a_history_without_pictures_is_named(outputs):
    with pytest.raises(UserError, match="saved no picture"):
        saved_images(GRAPH, "8", {"status": OK, "outputs": outputs})


@pytest.mark.parametrize(
    "reply", [[1], {"error": 5}, {"node_errors": [1]}, {"node_errors": {"8": {"errors": [None]}}}]
)
def test_an_odd_refusal_gives_no_reason(reply):
    assert rejection(GRAPH, reply) == ""


@pytest.mark.parametrize("info", [[], {"SaveImage": []}, {"SaveImage": {}}, {"SaveImage": None}])
def test_odd_classes_are_named(info):
    with serving() as fake:
        fake.answer = lambda *_: (200, info)
        with pytest.raises(UserError, match="/object_info/SaveImage answered HTTP 200, but not as"):
            Client(fake.url, pace=PACE).render(GRAPH, "8", 1)


def test_odd_declarations_of_custom_nodes_are_read():
    info = {"input": {"required": {"a": [], "b": ["COMBO", {"options": 5}]}, "optional": None}}
    assert [one.choices for one in inputs(info)] == [None, None]
    info |= {"output": ["IMAGE", "MASK"], "output_name": ["picture"]}
    (node,) = to_gui({"1": {"class_type": "X", "inputs": {}}}, {"X": info})["nodes"]
    assert [(one["name"], one["type"]) for one in node["outputs"]] == [
        ("picture", "IMAGE"),
        ("MASK", "MASK"),
    ]


@pytest.mark.parametrize("stored", [[], "x", {"8": None}, {"8": {"inputs": []}}])
def test_a_picture_with_something_else_for_a_graph_has_none(stored):
    assert is_made_by(png(1, {"prompt": stored}), GRAPH)
