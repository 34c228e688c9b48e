"""Find the inputs that make a picture as large as it is."""

from collections.abc import Sequence

from lorabench.comfy.graph.graph import Graph, Slot, upstream

SIDES = ("width", "height")


def find(graph: Graph, latents: Sequence[str], samplers: Sequence[str]) -> tuple[Slot, ...]:
    """Return the sides of the empty latents, and of nodes that make noise levels for a size.

    Other sizes stay: those of later enlargements, and what SDXL's texts are told. Empty where a
    latent has none, as that of a picture has not.
    """
    if not latents or not all(_sided(graph, node) for node in latents):
        return ()
    behind = dict.fromkeys(node for sampler in samplers for node in upstream(graph, sampler))
    levels = [one for one in behind if _sided(graph, one) and "steps" in graph[one]["inputs"]]
    return tuple(Slot(node, side) for node in (*latents, *levels) for side in SIDES)


def _sided(graph: Graph, node: str) -> bool:
    return graph[node]["inputs"].keys() >= set(SIDES)
