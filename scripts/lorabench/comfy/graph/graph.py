"""ComfyUI's API graphs: node ids to `{"class_type", "inputs", "_meta"}`, and walks over them.

An input is a value or a link `[node id, output index]`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeGuard

Graph = dict[str, dict[str, Any]]

SEED_INPUTS = ("seed", "noise_seed")
TEXT_INPUTS = (
    *("text", "text_g", "text_l"),  # CLIPTextEncode, SDXL's
    *("clip_l", "clip_g", "t5xxl", "llama"),  # Flux's, SD3's, HiDream's
    *("bert", "mt5xl", "qwen25_7b", "user_prompt", "prompt"),  # HunyuanDiT's, Lumina's, Qwen's
)
NEGATIVE_TEXT = "negative_prompt"
"""The second text of an encoder whose second output is the negative conditioning."""
SIDES = ("on_true", "on_false")
"""The inputs of a switch, of which `switch` lets one run."""
STRENGTH_INPUTS = ("strength_model", "strength_clip")


class Slot(NamedTuple):
    """One input of one node."""

    node: str
    input: str


def is_link(value: object) -> TypeGuard[list[Any]]:
    """Return whether an input's value is a link to another node's output."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int)
    )


def running_inputs(graph: Graph, node: str, flipped: bool = False) -> dict[str, Any]:
    """Return a node's inputs without the side of a switch that is off; `flipped`: that is on.

    ComfyUI does not run what is behind that side. Both count if something computes the switch.
    """
    inputs = dict(graph[node]["inputs"])
    on = _constant(graph, inputs.get("switch"))
    if isinstance(on, bool) and inputs.keys() >= set(SIDES):
        del inputs[SIDES[on != flipped]]
    return inputs


def _constant(graph: Graph, value: Any) -> Any:
    """Return a value, or that of the PrimitiveBoolean that it is linked to."""
    if is_link(value) and graph[value[0]]["class_type"] == "PrimitiveBoolean":
        return graph[value[0]]["inputs"].get("value")
    return value


def upstream(graph: Graph, start: str, flipped: str | None = None) -> Iterator[str]:
    """Yield `start` and every node that it depends on, nearest first, each once.

    Of a switch, only the side that is on counts, and of the switch `flipped` the other.
    """
    seen = {start: None}
    queue = [start]
    for node in queue:
        yield node
        for value in running_inputs(graph, node, node == flipped).values():
            if is_link(value) and value[0] not in seen:
                seen[value[0]] = None
                queue.append(value[0])


def dangling(graph: Graph) -> Iterator[tuple[Slot, str]]:
    """Yield each input with a link to a missing node, and that node."""
    for node, body in graph.items():
        for name, value in body["inputs"].items():
            if is_link(value) and value[0] not in graph:
                yield Slot(node, name), value[0]


def slots(graph: Graph, node: str, names: Iterable[str]) -> tuple[Slot, ...]:
    """Return a node's inputs that are in `names`, in that order."""
    return tuple(Slot(node, name) for name in names if name in graph[node]["inputs"])


def title(graph: Graph, node: str) -> str:
    """Return a node's title, or its class if it has none."""
    return (graph[node].get("_meta") or {}).get("title") or graph[node]["class_type"]


def describe(graph: Graph, node: str) -> str:
    """Return a node's id, class and title for a message: `3 (LoraLoader "Tested")`."""
    class_type, name = graph[node]["class_type"], title(graph, node)
    return f'{node} ({class_type} "{name}")' if name != class_type else f"{node} ({class_type})"


def listing(graph: Graph, nodes: Iterable[str]) -> str:
    """Return several nodes for a message."""
    return ", ".join(describe(graph, node) for node in nodes) or "(there is none)"
