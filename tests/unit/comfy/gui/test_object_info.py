"""What a server's `/object_info` says of a class, read."""

from lorabench.comfy.gui.object_info import Input, inputs, with_choices

INFO = {
    "input": {
        "required": {
            "model": ["MODEL"],
            "name": [["a", "b"], {"tooltip": "t"}],
            "mode": ["COMBO", {"options": ["x", "y"], "default": "y"}],
        },
        "optional": {"steps": ["INT", {"forceInput": True}], "odd": "IMAGE", "none": [[]]},
        "hidden": {"prompt": "PROMPT"},
    },
    "python_module": "nodes",
}


def test_inputs_come_in_order_and_a_list_of_choices_is_a_combo():
    assert list(inputs(INFO)) == [
        Input("model", "MODEL", {}, True),
        Input("name", "COMBO", {"options": ["a", "b"], "tooltip": "t"}, True),
        Input("mode", "COMBO", {"options": ["x", "y"], "default": "y"}, True),
        Input("steps", "INT", {"forceInput": True}, False),
        Input("odd", "IMAGE", {}, False),
        Input("none", "COMBO", {"options": []}, False),
    ]


def test_what_stands_on_a_node_and_with_what_value():
    found = {one.name: one for one in inputs(INFO)}
    assert [name for name, one in found.items() if one.has_widget] == ["name", "mode", "none"]
    assert [found[name].default for name in ("name", "mode", "none", "steps")] == [
        "a",
        "y",
        None,
        0,
    ]
    assert (found["name"].choices, found["model"].choices) == (["a", "b"], None)


def test_choices_are_added_in_the_form_that_the_server_has():
    longer = with_choices({"Node": INFO, "Other": INFO}, {"Node": ["c"]})
    assert list(longer) == ["Node"]
    required = longer["Node"]["input"]["required"]
    assert required["name"][0] == ["a", "b", "c"]
    assert required["mode"] == ["COMBO", {"options": ["x", "y", "c"], "default": "y"}]
    assert required["model"] == ["MODEL"] and longer["Node"]["python_module"] == "nodes"
    assert INFO["input"]["required"]["name"][0] == ["a", "b"]
