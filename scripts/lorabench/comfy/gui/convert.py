"""Convert a workflow in GUI format to the API graph that the frontend would send.

`comfyui-autograph` gives the values their names, but does not report its mistakes. So `links`
resolves beforehand what it cannot, `widgets` checks its result, and where the two differ the
workflow is refused with the node.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from autograph.api import convert_with_errors

from lorabench.comfy.graph.graph import Graph, dangling, describe
from lorabench.comfy.gui import dynamic
from lorabench.comfy.gui import text as gui_text
from lorabench.comfy.gui.links import running_nodes
from lorabench.comfy.gui.nodes import REMEDY, Literal, Output, RunningNode, Shown, is_subgraph
from lorabench.comfy.gui.object_info import ClassInfo, NodeInfo, inputs, module, with_choices
from lorabench.comfy.gui.widgets import (
    Widget,
    completed,
    for_node,
    is_known,
    widget_values,
    widgets,
)
from lorabench.errors import UserError

REWRITERS = ("cg-use-everywhere",)
"""Custom nodes whose frontend part changes the graph when it is sent."""


def to_api(content: Mapping[str, Any], node_info: NodeInfo, now: datetime | None = None) -> Graph:
    """Return the graph that ComfyUI's frontend would send for the GUI workflow `content`.

    `node_info` is the server's `/object_info`; `now` (default: this moment) is the date of
    `%date:…%` in file names. Raises `UserError` with the node that cannot be converted: a custom
    node that the server lacks, a group node, random choices in a prompt.
    """
    try:
        running = [
            one for one in running_nodes(content, node_info) if not _is_scenery(one, node_info)
        ]
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise UserError(f"this GUI workflow is damaged ({error!r}); {REMEDY}") from None
    for node in running:
        _check_class(node, node_info)
    infos = {node.id: _of_node(node, node_info) for node in running}
    converted = _converted(running, infos)
    graph: Graph = {}
    look_up = _look_up(content, node_info)
    for node in running:
        info = infos[node.id]
        _check(node, converted[node.id]["inputs"], info)
        values = dict(converted[node.id]["inputs"]) | _brought(node, info, node_info)
        _fill_in_texts(node, values, info, look_up, now or datetime.now())
        graph[node.id] = {
            "class_type": node.body["type"],
            "inputs": values,
            "_meta": {"title": _title(node.body, node_info)},
        }
    for (number, name), source in dangling(graph):
        raise UserError(
            f"node {describe(graph, number)}: its {name} is linked to node {source}, which"
            f" does not run; {REMEDY}"
        )
    return graph


# ---------------------------------------------------------------- what runs


def _is_scenery(node: RunningNode, node_info: NodeInfo) -> bool:
    """Return whether nothing needs a node: it is connected to nothing, or shows what was made.

    That counts only where it could not be sent: the server does not know it, or it has a widget
    of its own, as ImageCompare.
    """
    if any(output.get("links") for output in node.body.get("outputs") or []):
        return False
    info = node_info.get(node.body["type"])
    if info is None:
        return not node.sources
    return bool(info.get("output_node")) and not is_known(info)


def _check_class(node: RunningNode, node_info: NodeInfo) -> None:
    class_type = node.body["type"]
    if not isinstance(class_type, str):
        raise node.refusal("the file does not name its class")
    if class_type.startswith(("workflow/", "workflow>")):
        raise node.refusal("it is a group node", "choose Convert to nodes in its menu")
    if is_subgraph(class_type):
        raise node.refusal("its content is not in the file")
    if class_type not in node_info:
        raise node.refusal(
            f"the server has no class {class_type}: its custom node is missing there, or it is a"
            " helper that only the frontend handles",
            "install it on the server",
        )
    brought_by = module(node_info[class_type])
    if any(name in brought_by for name in REWRITERS):
        raise node.refusal(f"its frontend part ({brought_by}) changes what is sent")


# ---------------------------------------------------------------- the converter


def _of_node(node: RunningNode, node_info: NodeInfo) -> ClassInfo:
    """Return the entry of a node's class, with the inputs that this node has."""
    try:
        return for_node(node.body, node_info)
    except ValueError as error:
        raise node.refusal(str(error)) from None


def _converted(running: Sequence[RunningNode], infos: Mapping[str, ClassInfo]) -> Graph:
    """Return comfyui-autograph's graph of the nodes that run, each as a class of its own."""
    values: dict[str, list[Any]] = {}
    texts: dict[str, list[Any]] = {}
    for node in running:
        try:
            values[node.id] = completed(node.body.get("widgets_values"), infos[node.id])
        except ValueError as error:
            raise node.refusal(str(error)) from None
        texts[node.id] = [value for value in values[node.id] if isinstance(value, str)]
    result = convert_with_errors(
        _plain(running, values),
        node_info=with_choices(infos, texts),
        disable_AUTOGRAPH_meta=True,
    )
    for problem in (*result.errors, *result.warnings):
        raise UserError(f"node {problem.node_id}: {problem.message}; {REMEDY}")
    return dict(result.data or {})


def _plain(running: Sequence[RunningNode], values: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Return the nodes that run as a GUI workflow without subgraphs, modes and virtual nodes."""
    links: list[list[Any]] = []
    nodes = []
    for node in running:
        inputs = []
        for slot, (name, source) in enumerate(node.sources.items()):
            if isinstance(source, Output):
                links.append([len(links) + 1, source.node, source.slot, node.id, slot, "*"])
                inputs.append({"name": name, "type": "*", "link": len(links)})
        plain = {"id": node.id, "type": node.id, "inputs": inputs}
        nodes.append(plain | {"widgets_values": values[node.id]})
    return {"nodes": nodes, "links": links}


# ---------------------------------------------------------------- the check


def _check(node: RunningNode, converted: Mapping[str, Any], info: ClassInfo) -> None:
    """Refuse a node whose inputs the converter and our own walk find different."""
    try:
        expected = widget_values(node.body.get("widgets_values"), info)
    except ValueError as error:
        raise node.refusal(str(error)) from None
    for name, source in node.sources.items():
        if isinstance(source, Output):
            expected[name] = list(source)
    for name in expected.keys() | converted.keys():
        if not _agree(expected.get(name), converted.get(name)):
            raise node.refusal(
                f"the value of its {name} is not certain: {expected.get(name)!r} or"
                f" {converted.get(name)!r}"
            )


def _agree(one: Any, other: Any) -> bool:
    """Return whether two values are the same, except for a decimal's last bits."""
    if {type(one), type(other)} in ({float}, {int, float}):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return type(one) is type(other) and one == other


# ---------------------------------------------------------------- values from elsewhere


def _brought(node: RunningNode, info: ClassInfo, node_info: NodeInfo) -> dict[str, Any]:
    """Return the values that primitives and the outer nodes of subgraphs give to a node."""
    known = {one.name: Widget(*one) for one in inputs(info)}
    values: dict[str, Any] = {}
    for name, source in node.sources.items():
        if isinstance(source, Output):
            continue
        value = source.value if isinstance(source, Literal) else _shown(node, source, node_info)
        target = known.get(name)
        primitive = isinstance(source, Literal) and source.primitive
        accepts = target and (target.takes if primitive else target.fits)
        if not accepts or not accepts(value):
            raise node.refusal(
                f"its {name} does not take {value!r}, which comes from another node, unchanged"
            )
        values[name] = value
    return values | _computed(node, values, info)


def _computed(node: RunningNode, values: Mapping[str, Any], info: ClassInfo) -> dict[str, Any]:
    """Return the value that a CustomCombo computes: the place of its choice among its options.

    If its choice comes from elsewhere, one frontend sends the place of its own, and another that of
    the choice it gets.
    """
    if node.body["type"] != dynamic.OPTIONS_OF_ITS_OWN or "index" not in info["input"]["required"]:
        return {}
    own = node.body["widgets_values"]
    used = any(output.get("links") for output in (node.body.get("outputs") or [])[1:])
    if used and values.get("choice", own[0]) != own[0]:
        raise node.refusal("its INDEX is used, and its choice comes from outside its subgraph")
    return {"index": dynamic.place(own)}


def _shown(node: RunningNode, source: Shown, node_info: NodeInfo) -> Any:
    """Return the value of a widget that a subgraph's outer node shows."""
    class_type = source.body["type"]
    if class_type not in node_info:
        raise node.refusal(f"it gets a value from {class_type}, which the server does not have")
    try:
        info = for_node(source.body, node_info)
        return widget_values(source.body.get("widgets_values"), info)[source.name]
    except (ValueError, KeyError):
        raise node.refusal(
            f"its value comes from a {class_type} that does not fit its class"
        ) from None


# ---------------------------------------------------------------- texts


def _fill_in_texts(
    node: RunningNode,
    values: dict[str, Any],
    info: ClassInfo,
    look_up: Callable[[str, str], Any],
    now: datetime,
) -> None:
    """Change the texts as the frontend does when it sends them."""
    for widget in widgets(info):
        text = values.get(widget.name)
        if not isinstance(text, str) or widget.name in node.verbatim:
            continue
        try:
            if widget.options.get("dynamicPrompts"):
                values[widget.name] = gui_text.prompt_text(text)
            elif widget.name == "filename_prefix":
                values[widget.name] = gui_text.file_name(text, look_up, now)
            elif widget.name == "sampler_name":  # as the first frontends called them
                values[widget.name] = text.removeprefix("sample_")
        except ValueError as error:
            raise node.refusal(str(error)) from None


def _look_up(content: Mapping[str, Any], node_info: NodeInfo) -> Callable[[str, str], Any]:
    """Return the function that finds the value for `%node.widget%`.

    If several nodes have that name, the first in the file counts, as in the frontend.
    """

    def named(name: str) -> Mapping[str, Any] | None:
        nodes = content["nodes"]
        properties = [(node.get("properties") or {}).get("Node name for S&R") for node in nodes]
        titles = [_title(node, node_info) for node in nodes]
        for names in (properties, titles):
            if name in names:
                return nodes[names.index(name)]
        return None

    def look_up(name: str, widget: str) -> Any:
        node = named(name)
        if node is None:
            return None
        entries = node.get("inputs") or []
        linked = {entry["name"] for entry in entries if entry.get("link") is not None}
        if widget in linked or node["type"] not in node_info:
            raise ValueError(f"%{name}.{widget}% in its name is a value that comes by link")
        return widget_values(node.get("widgets_values"), node_info[node["type"]]).get(widget)

    return look_up


def _title(body: Mapping[str, Any], node_info: NodeInfo) -> str:
    info = node_info.get(body["type"], {})
    return body.get("title") or info.get("display_name") or body["type"]
