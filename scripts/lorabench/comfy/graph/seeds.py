"""Find the seeds of a picture: those of the samplers that add noise."""

from collections.abc import Sequence

from lorabench.comfy.graph import choosing
from lorabench.comfy.graph.graph import (
    SEED_INPUTS,
    Graph,
    Slot,
    describe,
    is_link,
    listing,
    slots,
    upstream,
)
from lorabench.errors import UserError


def find(graph: Graph, samplers: Sequence[str], choice: str | None) -> tuple[Slot, ...]:
    """Return the seed of every sampler that adds noise, or of the chosen one.

    Other nodes with a link to the same seed are included.
    """
    known = {node: seed for node in samplers if (seed := own(graph, node))}
    if choice:
        named = choosing.named(
            graph, "sampler", choice, [node for node in samplers if node in known]
        )
        noisy = [named]
    else:
        noisy = [node for node in samplers if node in known and adds_noise(graph, node)]
    if not noisy:
        raise UserError(
            f"no sampler adds noise of a seed: {listing(graph, samplers)};"
            f" {_remedy(graph, samplers)}"
        )
    found: dict[Slot, None] = {}
    for node in noisy:
        found |= dict.fromkeys(_with_same_source(graph, known[node]))
    return tuple(found)


def own(graph: Graph, sampler: str) -> Slot | None:
    """Return a sampler's seed: its own, or that of its noise (RandomNoise)."""
    noise = graph[sampler]["inputs"].get("noise")
    where = upstream(graph, noise[0]) if is_link(noise) else [sampler]
    return next((slot for node in where for slot in slots(graph, node, SEED_INPUTS)), None)


def adds_noise(graph: Graph, sampler: str) -> bool:
    """Return whether KSamplerAdvanced or SamplerCustom adds noise; every other sampler does."""
    return graph[sampler]["inputs"].get("add_noise", True) not in (False, "disable")


def _remedy(graph: Graph, samplers: Sequence[str]) -> str:
    """Return what to change: SamplerCustomAdvanced has its noise from a node, not a switch."""
    for sampler in samplers:
        if is_link(noise := graph[sampler]["inputs"].get("noise")):
            return f"replace {describe(graph, noise[0])} by RandomNoise"
    return "switch add_noise on"


def _with_same_source(graph: Graph, seed: Slot) -> list[Slot]:
    value = graph[seed.node]["inputs"][seed.input]
    if not is_link(value):
        return [seed]
    return [
        slot
        for node in graph
        for slot in slots(graph, node, SEED_INPUTS)
        if graph[node]["inputs"][slot.input] == value
    ]
