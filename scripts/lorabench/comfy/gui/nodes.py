"""A node of a GUI workflow that runs, and what gives its inputs their values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lorabench.errors import UserError

Body = Mapping[str, Any]
"""A node in the file."""

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


class Shown(NamedTuple):
    """The value of a widget in a subgraph, which the outer node shows for one of its inputs.

    All that is linked to this input gets it, also the other widgets and sockets.
    """

    body: Body
    name: str


Source = Output | Literal | Shown


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
            if isinstance(source, Shown) or (isinstance(source, Literal) and not source.primitive)
        }

    def refusal(self, why: str, instead: str = "") -> UserError:
        """Return the error with the node, what is wrong and what to do."""
        return refusal(self.id, self.body, why, instead)


def refusal(node: str, body: Body, why: str, instead: str = "") -> UserError:
    """Return the error with a node, what is wrong and what to do."""
    ways = f"{instead}, or {REMEDY}" if instead else REMEDY
    return UserError(f"node {describe(node, body)}: {why}; {ways}")


def describe(node: str, body: Body) -> str:
    """Return a node's id, class and title for a message: `3 (LoraLoader "Tested")`."""
    name, kind = body.get("title"), str(body["type"])
    kind = "subgraph" if is_subgraph(kind) else kind
    title = f' "{name}"' if name and name != kind else ""
    return f"{node} ({kind}{title})"


def is_subgraph(class_type: str) -> bool:
    """Return whether a node stands for a subgraph: then its class is a UUID."""
    return bool(_UUID.fullmatch(class_type))
