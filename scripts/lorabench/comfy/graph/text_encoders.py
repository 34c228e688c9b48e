"""Find the texts that reach a sampler's positive and negative conditioning."""

from typing import Any

from lorabench.comfy.graph.graph import SIDES, TEXT_INPUTS, Graph, is_link, running_inputs, slots

GUIDES = {"positive": ("positive", "conditioning", "cond1", "cond2"), "negative": ("negative",)}
"""The inputs for conditioning of guiders (CFGGuider, BasicGuider, DualCFGGuider)."""

_PASSED_ON = ("conditioning", *SIDES)


def encoders(graph: Graph, sampler: str, role: str) -> list[str]:
    """Return the nodes whose text reaches the sampler's conditioning `role`, nearest first.

    This follows only conditioning, and ends at ConditioningZeroOut, which removes the text.
    """
    queue = _conditioning(graph, sampler, role)
    found: dict[str, None] = {}
    seen: set[tuple[str, int]] = set()
    for link in queue:
        if not is_link(link) or tuple(link) in seen:
            continue
        node, output = link
        seen.add((node, output))
        inputs = running_inputs(graph, node)
        if slots(graph, node, TEXT_INPUTS):
            found[node] = None
        elif "positive" in inputs and "negative" in inputs:  # ControlNetApplyAdvanced and its kind
            queue.append(inputs["negative" if output == 1 else "positive"])
        elif graph[node]["class_type"] != "ConditioningZeroOut":
            queue += [value for name, value in inputs.items() if name.startswith(_PASSED_ON)]
    return list(found)


def _conditioning(graph: Graph, sampler: str, role: str) -> list[Any]:
    """Return the links of the sampler's conditioning, or of its guider's."""
    inputs = graph[sampler]["inputs"]
    guider = inputs.get("guider")
    if not is_link(guider):
        return [inputs.get(role)]
    return [graph[guider[0]]["inputs"].get(name) for name in GUIDES[role]]
