"""Find the loader of the tested LoRA, or the two of a family with two models, such as Wan 2.2.

There one model draws while there is much noise and another from there on, each with a LoRA file of
its own. Which loader is for which is read from the loaders' placeholders, the names of the models,
or the order of the samplers.
"""

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any

from lorabench.comfy.graph import choosing, lora_nodes, seeds
from lorabench.comfy.graph.graph import Graph, describe, is_link, listing, slots, title, upstream
from lorabench.errors import UserError
from lorabench.lora import pair
from lorabench.lora.pair import Side

MODELS = ("ckpt_name", "unet_name")
"""The inputs that name the model: in a checkpoint, or in a file alone."""

Loaders = tuple[str, ...]
"""One node, or two: that for high noise first."""


def find(graph: Graph, save: str, samplers: Sequence[str], choice: str | None) -> Loaders:
    """Return the chosen loaders, those with placeholders, or those that are the only ones.

    `samplers` are those of the picture, the last first. Raises `UserError`: there is none, they
    leave a choice, or one is switched off.
    """
    behind = list(upstream(graph, save))
    loaders = lora_nodes.loaders(graph, behind)
    marked = lora_nodes.marked(graph, behind)
    switched = lora_nodes.switched(graph, save)
    unswitched = [node for node in loaders if node not in switched]
    if choice and loaders:
        found = _chosen(graph, choice, loaders)
    elif not (marked or unswitched) or (marked and not set(marked) & set(loaders)):
        raise lora_nodes.no_loader(graph, save, marked or behind)
    else:
        found = _fitting(graph, [n for n in loaders if n in marked] or unswitched, samplers)
    for node in found:
        if lora_nodes.is_off(graph[node]["inputs"]):
            raise UserError(
                f"{describe(graph, node)} is switched off, so that every weight would be 0; in"
                " ComfyUI switch it on, and save the workflow again"
            )
    return found


def idle(graph: Graph, save: str, tested: Sequence[str]) -> Loaders:
    """Return the loaders with a placeholder that get no LoRA, since the user chose another."""
    loaders = lora_nodes.loaders(graph, list(upstream(graph, save)))
    return tuple(node for node in lora_nodes.marked(graph, loaders) if node not in tested)


def _chosen(graph: Graph, choice: str, loaders: Sequence[str]) -> Loaders:
    """Return the loader that is called so, or the two with a comma between them."""
    whole = choice in loaders or choice in [title(graph, node) for node in loaders]
    both = [] if whole else [one.strip() for one in choice.split(",")]
    if len(both) != 2:
        return (choosing.named(graph, "lora", choice, loaders),)
    high, low = (choosing.named(graph, "lora", one, loaders) for one in both)
    if high == low:
        raise UserError(f"bench.lora_node = {choice!r} names one loader twice; name it once")
    return high, low


def _fitting(graph: Graph, loaders: Sequence[str], samplers: Sequence[str]) -> Loaders:
    """Return the only loader, or the two of two models; raise `UserError` for a choice."""
    if len(loaders) == 1:
        return (loaders[0],)
    ways: tuple[Callable[[str], Side | None], ...] = (
        lambda node: _agreed(lora_nodes.held(graph, node)),
        lambda node: _agreed(_models(graph, node)),
        lambda node: _turn(graph, node, loaders, samplers),
    )
    if len(loaders) == 2:
        for way in ways:
            found = {way(node): node for node in loaders}
            if found.keys() == set(pair.SIDES):
                return tuple(found[side] for side in pair.SIDES)
    raise UserError(
        f"the workflow has {len(loaders)} LoRA loaders; set bench.lora_node (--lora-node) to the id"
        " or title of the one that gets the LoRA, or, for a LoRA of two files (Wan 2.2), to those"
        f" of two with a comma between them, high noise first: {listing(graph, loaders)}"
    )


def _agreed(files: Sequence[str]) -> Side | None:
    """Return which noise all these names are for; None if they do not say, or differ."""
    sides = {pair.side(PurePath(name.replace("\\", "/")).stem) for name in files}
    return sides.pop() if len(sides) == 1 else None


def _models(graph: Graph, node: str) -> list[str]:
    """Return the names of the models that a loader is behind."""
    found = (slot for one in upstream(graph, node) for slot in slots(graph, one, MODELS))
    return [str(graph[slot.node]["inputs"][slot.input]) for slot in found]


def _turn(graph: Graph, node: str, loaders: Sequence[str], samplers: Sequence[str]) -> Side | None:
    """Return whether only the first sampler that has a loader has this one, or only later ones.

    Where those add noise of their own, or have other texts, they are no second half of it, but
    the second pass of a hires fix, or a refiner.
    """
    found = [
        (sampler, behind)
        for sampler in reversed(samplers)
        if (behind := set(_behind(graph, _guided(graph, sampler, "model")))) & set(loaders)
    ]
    if len(found) < 2 or any(_begins(graph, sampler) for sampler, _ in found[1:]):
        return None
    first, *later = (node in behind for _, behind in found)
    texts = [_guided(graph, sampler, "positive") for sampler, _ in found]
    if first == any(later) or any(text != texts[0] for text in texts):
        return None
    return "high" if first else "low"


def _begins(graph: Graph, sampler: str) -> bool:
    """Return whether a sampler adds noise of its own."""
    return seeds.adds_noise(graph, sampler) and seeds.own(graph, sampler) is not None


def _guided(graph: Graph, sampler: str, name: str) -> Any:
    """Return an input of a sampler, or of its guider."""
    inputs = graph[sampler]["inputs"]
    if is_link(guider := inputs.get("guider")):
        inputs = graph[guider[0]]["inputs"]
    return inputs.get(name)


def _behind(graph: Graph, link: Any) -> Sequence[str]:
    """Return the nodes that a link depends on."""
    return list(upstream(graph, link[0])) if is_link(link) else ()
