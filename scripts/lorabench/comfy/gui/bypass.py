"""Find the way through a bypassed node, as the frontend (1.27 to 1.58) does."""

from collections.abc import Mapping

from lorabench.comfy.gui.nodes import Body
from lorabench.comfy.gui.object_info import WIDGETS, NodeInfo
from lorabench.comfy.gui.widgets import for_node, widgets

ANY = "*"


def input_behind(
    node: Body, slot: int, kind: str, node_info: NodeInfo, definitions: Mapping[str, Body]
) -> str | None:
    """Return the name of the input that a bypassed node passes to its output `slot`, None if none.

    It is the input in the same place, if it takes the type `kind`; else the first of that type;
    else the first that takes any. A widget counts, linked or not. `definitions` are the file's
    subgraphs. Raises `ValueError` if the node's values do not fit its class.
    """
    order = _inputs(node, kind, node_info, definitions)
    same_place = [name for name, takes in order[slot : slot + 1] if takes in (kind, ANY)]
    same_type = [name for name, takes in order if takes == kind]
    any_type = [name for name, takes in order if takes == ANY]
    return next(iter((*same_place, *same_type, *any_type)), None)


def _inputs(
    node: Body, kind: str, node_info: NodeInfo, definitions: Mapping[str, Body]
) -> list[tuple[str, str]]:
    """Return the names and types of a node's inputs in the order in which the frontend has them.

    A file may leave out the widgets without a link, and the older frontends did. They are read from
    the class, but only for a `kind` that a widget may have.
    """
    if node["type"] in definitions:
        return [(one["name"], one["type"]) for one in definitions[node["type"]].get("inputs") or []]
    saved = node.get("inputs") or []
    if node["type"] not in node_info:
        return [(entry["name"], entry["type"]) for entry in saved]
    sockets = [(entry["name"], entry["type"]) for entry in saved if not entry.get("widget")]
    if kind not in WIDGETS:
        return sockets
    return sockets + [(widget.name, widget.kind) for widget in widgets(for_node(node, node_info))]
