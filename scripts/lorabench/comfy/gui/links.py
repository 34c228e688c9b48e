"""Find which nodes of a GUI workflow run, and where their inputs come from.

This does what the frontend does before it sends a graph: it resolves muted and bypassed nodes,
reroutes, primitives, notes and nested subgraphs. Where versions of the frontend differ, or its
behaviour is unknown, `UserError` names the node.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lorabench.comfy.gui.bypass import input_behind
from lorabench.comfy.gui.nodes import (
    Body,
    Literal,
    Output,
    RunningNode,
    Shown,
    Source,
    describe,
    refusal,
)
from lorabench.comfy.gui.object_info import NodeInfo
from lorabench.errors import UserError

MUTED, BYPASSED = 2, 4
NOTES = {"Note", "MarkdownNote"}
VIRTUAL = {"Reroute", "PrimitiveNode", *NOTES}
SUBGRAPH_INPUT, SUBGRAPH_OUTPUT = -10, -20  # the ids of a subgraph's own borders

_UNCLEAR = "its values do not show which of its inputs they are for"


def running_nodes(
    content: Mapping[str, Any], node_info: NodeInfo | None = None
) -> list[RunningNode]:
    """Return the nodes that run, those of subgraphs in the place of the subgraph's node.

    `node_info` is the server's `/object_info`: it says which widgets a bypassed node has that the
    file leaves out.
    """
    return list(_root(content, node_info or {}).running())


def stopped_nodes(content: Mapping[str, Any]) -> list[str]:
    """Return the nodes that are muted or bypassed, described for a message."""
    return list(_root(content, {}).stopped())


def _root(content: Mapping[str, Any], node_info: NodeInfo) -> "_Canvas":
    subgraphs = (content.get("definitions") or {}).get("subgraphs") or []
    definitions = {one["id"]: one for one in subgraphs}
    return _Canvas(content, _File(definitions, node_info))


class _Link(NamedTuple):
    id: int
    origin: Any
    slot: int
    target: Any
    target_slot: int


class Own(NamedTuple):
    """The value that the node has itself: its subgraph's outer node shows none for it."""


class _File(NamedTuple):
    """What all canvases of a file share."""

    definitions: Mapping[str, Mapping[str, Any]]
    node_info: NodeInfo


class _Canvas:
    """The root graph, or one use of a subgraph: `node` on the canvas `outer` stands for it."""

    def __init__(
        self,
        content: Mapping[str, Any],
        file: _File,
        outer: "_Canvas | None" = None,
        node: Body | None = None,
    ) -> None:
        self.file, self.outer, self.node = file, outer, node or {}
        self.prefix = f"{outer.prefix}{self.node['id']}:" if outer else ""
        self.inputs: list[Mapping[str, Any]] = content.get("inputs") or []
        self.nodes = {node["id"]: node for node in content["nodes"]}
        self.links = {link.id: link for link in map(_link, content.get("links") or [])}
        self.used: frozenset[str] = outer.used | {self.node["type"]} if outer else frozenset()
        self.inner = {
            key: self._enter(node)
            for key, node in self.nodes.items()
            if node["type"] in file.definitions
            and (outer or node.get("mode") not in (MUTED, BYPASSED))
        }  # the frontend sends the nodes of a muted subgraph inside another subgraph

    def _enter(self, node: Body) -> "_Canvas":
        if node["type"] in self.used:
            raise self._refusal(node, "this subgraph contains itself")
        if node.get("widgets_values") and (node.get("properties") or {}).get("proxyWidgets"):
            raise self._refusal(node, _UNCLEAR)  # until 1.44 the inner values count, then these
        return _Canvas(self.file.definitions[node["type"]], self.file, self, node)

    def running(self) -> Iterator[RunningNode]:
        for key, node in self.nodes.items():
            if key in self.inner:
                yield from self.inner[key].running()
            elif node.get("mode") not in (MUTED, BYPASSED) and node["type"] not in VIRTUAL:
                yield RunningNode(f"{self.prefix}{key}", node, dict(self._sources(node)))

    def stopped(self) -> Iterator[str]:
        for key, node in self.nodes.items():
            if key in self.inner:
                yield from self.inner[key].stopped()
            elif node.get("mode") in (MUTED, BYPASSED) and node["type"] not in VIRTUAL:
                yield describe(f"{self.prefix}{key}", node)

    def _sources(self, node: Body) -> Iterator[tuple[str, Source]]:
        """Yield the sources of a node's inputs, by the input's name."""
        for entry in node.get("inputs") or []:
            if entry.get("link") is None:
                continue
            source = self._source(node, entry, entry["type"], direct=True)
            if isinstance(source, Own):
                continue
            unseen = isinstance(source, Literal) and source.primitive and not entry.get("widget")
            if source is not None and not unseen:  # a primitive sets widgets, and no sockets
                yield entry["name"], source
            elif entry.get("widget"):
                why = f"its {entry['name']} is linked to a node that is muted or bypassed"
                raise self._refusal(node, why, "remove that link")

    # ------------------------------------------------------------ following one link

    def _source(
        self, node: Body, entry: Mapping[str, Any], kind: str, direct: bool
    ) -> Source | Own | None:
        """Return the source of an input of `node`, None without one.

        `direct` is false behind a reroute or a subgraph's border, where frontends treat primitives
        differently.
        """
        if entry.get("link") is None:
            return None
        link = self.links.get(entry["link"])
        if link is None:
            raise self._refusal(node, f"its {entry['name']} has a link that is not in the file")
        if link.origin == SUBGRAPH_INPUT:
            return self._from_outside(link, kind)
        if link.origin not in self.nodes:
            raise self._refusal(node, f"its {entry['name']} is linked to a node that is gone")
        return self._output(self.nodes[link.origin], link.slot, kind, direct)

    def _from_outside(self, link: _Link, kind: str) -> Source | Own | None:
        """Follow a link of a subgraph's input to the outer node's source, or its value."""
        assert self.outer is not None, "only subgraphs have a border"
        name = self.inputs[link.slot]["name"]
        for entry in self.node.get("inputs") or []:
            if entry["name"] == name and entry.get("link") is not None:
                return self.outer._source(self.node, entry, kind, direct=False)
        return self._promoted(name)

    def _output(self, node: Body, slot: int, kind: str, direct: bool) -> Source | Own | None:
        """Return the source behind an output of `node`."""
        mode = node.get("mode")
        if node["type"] == "PrimitiveNode":  # gives its value even if it is muted
            return self._primitive(node, direct)
        if mode == MUTED and node["type"] == "Reroute":
            raise self._refusal(node, "it is muted, which versions of ComfyUI treat differently")
        if mode == MUTED:
            return None
        if node["type"] == "Reroute":
            return self._source(node, node["inputs"][0], kind, direct=False)
        if mode == BYPASSED:
            return self._around(node, slot, kind)
        if node["id"] in self.inner:
            return self.inner[node["id"]]._inside(slot, kind)
        return Output(f"{self.prefix}{node['id']}", slot)

    def _inside(self, slot: int, kind: str) -> Source | Own | None:
        """Return the source behind an output of this subgraph."""
        for link in self.links.values():
            if (link.target, link.target_slot) != (SUBGRAPH_OUTPUT, slot):
                continue
            if link.origin == SUBGRAPH_INPUT:
                raise self._refusal_of_self("an input of this subgraph goes straight to an output")
            return self._output(self.nodes[link.origin], link.slot, kind, direct=False)
        return None

    def _around(self, node: Body, slot: int, kind: str) -> Source | Own | None:
        """Return the source of a bypassed node's input that takes the place of its output."""
        offered = node["outputs"][slot]["type"]
        if kind == "*" or offered != kind:
            raise self._refusal(node, f"it is bypassed between the types {offered} and {kind}")
        try:
            name = input_behind(node, slot, kind, self.file.node_info, self.file.definitions)
        except ValueError as error:
            raise self._refusal(node, str(error)) from None
        for entry in node.get("inputs") or []:
            if entry["name"] == name:
                return self._source(node, entry, kind, direct=False)
        return None

    # ------------------------------------------------------------ values from elsewhere

    def _primitive(self, node: Body, direct: bool) -> Literal:
        values = node.get("widgets_values") or [None]
        value = values[0] if isinstance(values, list) else None
        if value is None:
            raise self._refusal(node, "this primitive has no value in the file")
        if not direct:
            raise self._refusal(
                node,
                "this primitive goes through a reroute, a bypassed node or into a subgraph, which"
                " versions of ComfyUI treat differently",
                "link it directly",
            )
        replaces = (node.get("properties") or {}).get("Run widget replace on values")
        if replaces and "%" in str(value):
            raise self._refusal(node, "it puts other nodes' values into its text")
        return Literal(value, primitive=True)

    def _promoted(self, name: str) -> Literal | Shown | Own:
        """Return the value that the outer node shows for an input.

        Where the file does not have it there, it is that of the first widget that the input sets.
        """
        values = self.node.get("widgets_values") or []
        if not isinstance(values, list):
            raise self._refusal_of_self("its values have no order")
        firsts = {one["name"]: self._first_widget(slot) for slot, one in enumerate(self.inputs)}
        names = [one for one, widget in firsts.items() if widget]
        first = firsts.get(name)
        if first is None:
            return Own()
        if not values:
            inner = self.inner.get(first.body["id"])
            return inner._promoted(first.name) if inner else first
        if len(values) != len(names):
            raise self._refusal_of_self(_UNCLEAR)
        return Literal(values[names.index(name)], primitive=False)

    def _first_widget(self, slot: int) -> Shown | None:
        """Return the first widget inside that an input of this subgraph sets."""
        order = self.inputs[slot].get("linkIds") or []
        origin = SUBGRAPH_INPUT, slot
        links = [one for one in self.links.values() if (one.origin, one.slot) == origin]
        for link in sorted(links, key=lambda one: [*order, one.id].index(one.id)):
            body = self.nodes.get(link.target, {})
            for entry in body.get("inputs") or []:
                if entry.get("link") == link.id and entry.get("widget"):
                    return Shown(body, entry["name"])
        return None

    def _refusal(self, node: Body, why: str, instead: str = "") -> UserError:
        return refusal(f"{self.prefix}{node['id']}", node, why, instead)

    def _refusal_of_self(self, why: str) -> UserError:
        return refusal(self.prefix.rstrip(":"), self.node, why)


def _link(link: Any) -> _Link:
    """Return a link in either form: a list at the root of most files, an object elsewhere."""
    if isinstance(link, dict):
        keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot")
        return _Link(*(link[key] for key in keys))
    return _Link(*link[:5])
