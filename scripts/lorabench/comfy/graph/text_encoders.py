"""Find the texts that reach a sampler's positive and negative conditioning."""

from collections.abc import Sequence
from typing import Any

from lorabench.comfy.graph.graph import (
    NEGATIVE_TEXT,
    SIDES,
    TEXT_INPUTS,
    Graph,
    Slot,
    is_link,
    running_inputs,
    slots,
)

Texts = tuple[Slot, ...]
"""The text inputs of an encoder, all for one conditioning."""

GUIDES = {"positive": ("positive", "conditioning", "cond1"), "negative": ("negative",)}
"""The inputs for conditioning of guiders (CFGGuider, BasicGuider, DualCFGGuider)."""
_MIDDLE = "cond2"
"""DualCFGGuider's input between both: of another prompt, or of the negative one with a picture."""

_PASSED_ON = ("conditioning", *SIDES)


def encoders(graph: Graph, sampler: str, role: str) -> list[Texts]:
    """Return the texts that reach the sampler's conditioning `role`, by encoder, nearest first.

    This follows only conditioning, and ends at ConditioningZeroOut, which removes the text.
    """
    inputs = graph[sampler]["inputs"]
    if not is_link(guider := inputs.get("guider")):
        return _reaching(graph, [inputs.get(role)])
    inputs = graph[guider[0]]["inputs"]
    found = _reaching(graph, [inputs.get(name) for name in GUIDES[role]])
    if role == "positive":
        negative = _reaching(graph, [inputs.get(name) for name in GUIDES["negative"]])
        middle = _reaching(graph, [inputs.get(_MIDDLE)])
        found += [one for one in middle if one not in [*negative, *found]]
    return found


def of_node(graph: Graph, node: str, role: str = "positive") -> Texts:
    """Return a node's text inputs; of an encoder of both prompts, those of `role`."""
    if role == "negative" and NEGATIVE_TEXT in graph[node]["inputs"]:
        return (Slot(node, NEGATIVE_TEXT),)
    return slots(graph, node, TEXT_INPUTS)


def _reaching(graph: Graph, links: Sequence[Any]) -> list[Texts]:
    """Return the texts whose conditioning reaches these links."""
    queue = list(links)
    found: dict[Texts, None] = {}
    seen: set[tuple[str, int]] = set()
    for link in queue:
        if not is_link(link) or tuple(link) in seen:
            continue
        node, output = link
        seen.add((node, output))
        inputs = running_inputs(graph, node)
        if slots(graph, node, TEXT_INPUTS):
            found[of_node(graph, node, "negative" if output == 1 else "positive")] = None
        elif "positive" in inputs and "negative" in inputs:  # ControlNetApplyAdvanced and its kind
            queue.append(inputs["negative" if output == 1 else "positive"])
        elif graph[node]["class_type"] != "ConditioningZeroOut":
            queue += [value for name, value in inputs.items() if name.startswith(_PASSED_ON)]
    return list(found)
