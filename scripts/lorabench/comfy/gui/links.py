"""Find which nodes of a GUI workflow run, and where their inputs come from.

This does what the frontend does before it sends a graph: it resolves muted and bypassed nodes,
reroutes, primitives, notes and nested subgraphs. Where versions of the frontend differ, or its
behaviour is unknown, `UserError` names the node.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lorabench.errors import UserError

Body = Mapping[str, Any]
"""A node in the file."""

MUTED, BYPASSED = 2, 4
NOTES = {"Note", "MarkdownNote"}
VIRTUAL = {"Reroute", "PrimitiveNode", *NOTES}
SUBGRAPH_INPUT, SUBGRAPH_OUTPUT = -10, -20  # the ids of a subgraph's own borders

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

REMEDY = "in ComfyUI choose Workflow > Export (API) and give that file"


class Output(NamedTuple):
    """An output of a node that runs."""

    node: str
    slot: int


class Literal(NamedTuple):
    """A value that reaches an input from elsewhere: a primitive, or a subgraph's outer node."""

    value: Any
    primitive: bool


class Own(NamedTuple):
    """The value of a node's own widget, shown on the outer node of its subgraph."""


Source = Output | Literal | Own


@dataclass(frozen=True)
class RunningNode:
    """A node that the frontend sends: its id there (`9:3` in subgraph 9), and its links."""

    id: str
    body: Body
    sources: Mapping[str, Source]

    @property
    def verbatim(self) -> set[str]:
        """The inputs set on a subgraph's outer node: their texts are sent unchanged."""
        return {
            name
            for name, source in self.sources.items()
            if isinstance(source, Own) or (isinstance(source, Literal) and not source.primitive)
        }

    def refusal(self, why: str, instead: str = "") -> UserError:
        """Return the error with the node, what is wrong and what to do."""
        return refusal(self.id, self.body, why, instead)


class _Link(NamedTuple):
    id: int
    origin: Any
    slot: int
    target: Any
    target_slot: int


def refusal(node: str, body: Body, why: str, instead: str = "") -> UserError:
    """Return the error with a node, what is wrong and what to do."""
    name, kind = body.get("title"), str(body["type"])
    kind = "subgraph" if is_subgraph(kind) else kind
    title = f' "{name}"' if name and name != kind else ""
    ways = f"{instead}, or {REMEDY}" if instead else REMEDY
    return UserError(f"node {node} ({kind}{title}): {why}; {ways}")


def is_subgraph(class_type: str) -> bool:
    """Return whether a node stands for a subgraph: then its class is a UUID."""
    return bool(_UUID.fullmatch(class_type))


def running_nodes(content: Mapping[str, Any]) -> list[RunningNode]:
    """Return the nodes that run, those of subgraphs in the place of the subgraph's node."""
    subgraphs = (content.get("definitions") or {}).get("subgraphs") or []
    definitions = {one["id"]: one for one in subgraphs}
    return list(_Canvas(content, definitions).running())


class _Canvas:
    """The root graph, or one use of a subgraph: `node` on the canvas `outer` stands for it."""

    def __init__(
        self,
        content: Mapping[str, Any],
        definitions: Mapping[str, Mapping[str, Any]],
        outer: "_Canvas | None" = None,
        node: Body | None = None,
    ) -> None:
        self.outer, self.node = outer, node or {}
        self.prefix = f"{outer.prefix}{self.node['id']}:" if outer else ""
        self.inputs: list[Mapping[str, Any]] = content.get("inputs") or []
        self.nodes = {node["id"]: node for node in content["nodes"]}
        self.links = {link.id: link for link in map(_link, content.get("links") or [])}
        self.used: frozenset[str] = outer.used | {self.node["type"]} if outer else frozenset()
        self.inner = {
            key: self._enter(node, definitions)
            for key, node in self.nodes.items()
            if node["type"] in definitions and (outer or node.get("mode") not in (MUTED, BYPASSED))
        }  # the frontend sends the nodes of a muted subgraph inside another subgraph

    def _enter(self, node: Body, definitions: Mapping[str, Mapping[str, Any]]) -> "_Canvas":
        if node["type"] in self.used:
            raise self._refusal(node, "this subgraph contains itself")
        return _Canvas(definitions[node["type"]], definitions, self, node)

    def running(self) -> Iterator[RunningNode]:
        for key, node in self.nodes.items():
            if key in self.inner:
                yield from self.inner[key].running()
            elif node.get("mode") not in (MUTED, BYPASSED) and node["type"] not in VIRTUAL:
                yield RunningNode(f"{self.prefix}{key}", node, dict(self._sources(node)))

    def _sources(self, node: Body) -> Iterator[tuple[str, Source]]:
        """Yield the sources of a node's inputs, by the input's name."""
        for entry in node.get("inputs") or []:
            if entry.get("link") is None:
                continue
            source = self._source(node, entry, entry["type"], direct=True)
            if source is not None and (entry.get("widget") or isinstance(source, Output)):
                yield entry["name"], source
            elif entry.get("widget"):
                why = f"its {entry['name']} is linked to a node that is muted or bypassed"
                raise self._refusal(node, why, "remove that link")

    # ------------------------------------------------------------ following one link

    def _source(
        self, node: Body, entry: Mapping[str, Any], kind: str, direct: bool
    ) -> Source | None:
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

    def _from_outside(self, link: _Link, kind: str) -> Source | None:
        """Follow a link of a subgraph's input to the outer node's source."""
        assert self.outer is not None, "only subgraphs have a border"
        name = self.inputs[link.slot]["name"]
        for entry in self.node.get("inputs") or []:
            if entry["name"] == name and entry.get("link") is not None:
                source = self.outer._source(self.node, entry, kind, direct=False)
                return self._promoted(name) if isinstance(source, Own) else source
        return self._promoted(name)

    def _output(self, node: Body, slot: int, kind: str, direct: bool) -> Source | None:
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

    def _inside(self, slot: int, kind: str) -> Source | None:
        """Return the source behind an output of this subgraph."""
        for link in self.links.values():
            if (link.target, link.target_slot) != (SUBGRAPH_OUTPUT, slot):
                continue
            if link.origin == SUBGRAPH_INPUT:
                raise self._refusal_of_self("an input of this subgraph goes straight to an output")
            return self._output(self.nodes[link.origin], link.slot, kind, direct=False)
        return None

    def _around(self, node: Body, slot: int, kind: str) -> Source | None:
        """Return a bypassed node's source: its input of the same type, the same slot first."""
        entries = node.get("inputs") or []
        sockets = [entry for entry in entries if not entry.get("widget")]
        offered = node["outputs"][slot]["type"]
        if kind == "*" or offered != kind:
            raise self._refusal(node, f"it is bypassed between the types {offered} and {kind}")
        for entry in (*sockets[slot : slot + 1], *sockets):
            if entry["type"] == kind:
                return self._source(node, entry, kind, direct=False)
        if any(entry["type"] == kind and entry.get("link") is not None for entry in entries):
            raise self._refusal(node, "it is bypassed, and its only source is a linked widget")
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

    def _promoted(self, name: str) -> Literal | Own:
        """Return the outer node's value for a subgraph's input, if it has one."""
        values = self.node.get("widgets_values") or []
        if not isinstance(values, list):
            raise self._refusal_of_self("its values have no order")
        names = [one["name"] for slot, one in enumerate(self.inputs) if self._has_widget(slot)]
        if not values or name not in names:
            return Own()
        if len(values) != len(names) or (self.node.get("properties") or {}).get("proxyWidgets"):
            raise self._refusal_of_self("its values do not show which of its inputs they are for")
        return Literal(values[names.index(name)], primitive=False)

    def _has_widget(self, slot: int) -> bool:
        """Return whether a subgraph's input sets a widget inside."""
        return any(
            entry.get("widget")
            for link in self.links.values()
            if (link.origin, link.slot) == (SUBGRAPH_INPUT, slot) and link.target in self.nodes
            for entry in self.nodes[link.target].get("inputs") or []
            if entry.get("link") == link.id
        )

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
