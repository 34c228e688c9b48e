"""Write an API graph in GUI format, so that a picture opens in ComfyUI as a graph.

`node_info` maps class names to the server's `/object_info/<class>`.
"""

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from lorabench.comfy.graph.graph import Graph, is_link
from lorabench.comfy.gui.object_info import ClassInfo, NodeInfo, inputs

COLUMN, GAP, WIDTH = 400, 40, 320  # pixels
ROW, TEXT_BOX, HEADER = 26, 120, 60


def to_gui(graph: Graph, node_info: NodeInfo) -> dict[str, Any] | None:
    """Return `graph` in GUI format (version 0.4), laid out from left to right.

    None if `node_info` lacks one of its classes.
    """
    if any(body["class_type"] not in node_info for body in graph.values()):
        return None
    numbers = _numbers(graph)
    links: list[list[Any]] = []
    nodes = {
        node: _node(node, body, node_info[body["class_type"]], numbers)
        for node, body in graph.items()
    }
    for target, body in graph.items():
        for slot, entry in enumerate(nodes[target]["inputs"]):
            value = body["inputs"].get(entry["name"])
            if not is_link(value):
                continue
            source, output = value
            if output >= len(nodes[source]["outputs"]):
                continue  # the server will refuse this link, in better words
            number = len(links) + 1
            entry["link"] = number
            nodes[source]["outputs"][output]["links"].append(number)
            links.append([number, numbers[source], output, numbers[target], slot, entry["type"]])
    _lay_out(graph, nodes)
    return {
        "last_node_id": max(numbers.values()),
        "last_link_id": len(links),
        "nodes": list(nodes.values()),
        "links": links,
        "groups": [],
        "config": {},
        "extra": {},
        "version": 0.4,
    }


def _numbers(graph: Graph) -> dict[str, int]:
    """Return the GUI's number of each node: its id if that is a number, else a free one."""
    numbers = {node: int(node) for node in graph if node.isdecimal()}
    free = max(numbers.values(), default=0)
    for node in graph:
        if node not in numbers:
            free += 1
            numbers[node] = free
    return numbers


def _node(
    node: str, body: Mapping[str, Any], info: ClassInfo, numbers: Mapping[str, int]
) -> dict[str, Any]:
    sockets: list[dict[str, Any]] = []
    linked_widgets: list[dict[str, Any]] = []
    values: list[Any] = []
    height = HEADER
    for one in inputs(info):
        entry = {"name": one.name, "type": one.kind, "link": None}
        if not one.has_widget:
            sockets.append(entry)
            continue
        value = body["inputs"].get(one.name, one.default)
        if is_link(value):
            linked_widgets.append(entry | {"widget": {"name": one.name}})
            value = one.default
        extra = _extra_widget(one.options)
        values += [value, *extra]
        height += TEXT_BOX if one.options.get("multiline") else ROW * (1 + len(extra))
    names = info.get("output_name") or []  # a custom node may have fewer names than outputs
    outputs = [
        {"name": name or kind, "type": kind, "links": [], "slot_index": index}
        for index, (kind, name) in enumerate(zip_longest(info.get("output") or [], names))
        if kind is not None
    ]
    class_type = body["class_type"]
    title = (body.get("_meta") or {}).get("title")
    return {
        "id": numbers[node],
        "type": class_type,
        "pos": [0, 0],
        "size": [WIDTH, height + ROW * max(len(sockets) + len(linked_widgets), len(outputs))],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": sockets + linked_widgets,
        "outputs": outputs,
        **({"title": title} if title else {}),
        "properties": {"Node name for S&R": class_type},
        "widgets_values": values,
    }


def _extra_widget(options: Mapping[str, Any]) -> list[str]:
    """Return the value of the widget that the GUI adds after some inputs."""
    if options.get("control_after_generate"):
        return ["fixed"]
    if options.get("image_upload"):
        return ["image"]
    return []


def _lay_out(graph: Graph, nodes: Mapping[str, dict[str, Any]]) -> None:
    """Set position and order; a node's column is its number of steps from one without inputs."""
    depths: dict[str, int] = {}

    def depth(node: str) -> int:
        if node not in depths:
            depths[node] = 0  # ends a loop, which no sound graph has
            sources = [v[0] for v in graph[node]["inputs"].values() if is_link(v)]
            depths[node] = 1 + max(map(depth, sources), default=-1)
        return depths[node]

    bottoms: dict[int, int] = {}
    for order, node in enumerate(sorted(graph, key=depth)):
        column = depth(node)
        top = bottoms.get(column, 0)
        nodes[node]["order"] = order
        nodes[node]["pos"] = [column * COLUMN, top]
        bottoms[column] = top + nodes[node]["size"][1] + GAP
