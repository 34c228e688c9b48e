"""Find the nodes with LoRAs: the loaders that a sweep can set, and all others."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from lorabench.comfy.graph.choosing import NotFound
from lorabench.comfy.graph.graph import (
    SIDES,
    STRENGTH_INPUTS,
    Graph,
    describe,
    is_link,
    slots,
    upstream,
)

PLACEHOLDER = re.compile(r"lora[ _-]?under[ _-]?test.*|lorabench.*", re.IGNORECASE)
"""File names that mark the tested LoRA, such as LORA_UNDER_TEST.safetensors."""

_FILE = re.compile(r".*\.(safetensors|sft|pt|pth|ckpt|bin)", re.IGNORECASE)
_TAG = re.compile(r"<lora:\s*([^:>]+)")
_SWITCHES = ("on", "active", "enabled", "switch")


def loaders(graph: Graph, nodes: Sequence[str]) -> list[str]:
    """Return the `nodes` that load one LoRA with a strength, as LoraLoader does."""
    return [
        node
        for node in nodes
        if "lora_name" in graph[node]["inputs"] and slots(graph, node, STRENGTH_INPUTS)
    ]


def switched(graph: Graph, save: str) -> set[str]:
    """Return the nodes that are there for a switch that is on: a turbo LoRA and its kind."""
    running = set(upstream(graph, save))
    switches = [node for node in running if slots(graph, node, SIDES)]
    return {node for one in switches for node in running - set(upstream(graph, save, one))}


def switched_on(graph: Graph, save: str, tested: Sequence[str]) -> list[str]:
    """Return a sentence for each other LoRA that is there for a switch: it is in every picture."""
    on = switched(graph, save)
    return [
        f"{describe(graph, node)} is switched on: {', '.join(names)} is in every picture, also at"
        " weight 0"
        for node in upstream(graph, save)
        if node in on and node not in tested and (names := held(graph, node))
    ]


def marked(graph: Graph, nodes: Sequence[str]) -> list[str]:
    """Return the `nodes` that hold a placeholder for the tested LoRA."""
    return [node for node in nodes if any(map(is_placeholder, held(graph, node)))]


def is_placeholder(name: object) -> bool:
    """Return whether a LoRA's name, with or without folders and suffix, marks the tested one."""
    if not isinstance(name, str):
        return False
    return bool(PLACEHOLDER.fullmatch(PurePosixPath(name.replace("\\", "/")).stem))


def held(graph: Graph, node: str) -> list[str]:
    """Return the LoRAs in a node's inputs, lists or texts, each once."""
    found = (name for key, value in graph[node]["inputs"].items() for name in _named(key, value))
    return list(dict.fromkeys(found))


def _named(key: str, value: Any) -> Iterator[str]:
    """Yield the LoRAs in an input; `key` is its name, with those of nested mappings."""
    if isinstance(value, dict):
        if not is_off(value):
            for name, inner in value.items():
                yield from _named(f"{key}.{name}", inner)
    elif isinstance(value, list) and not is_link(value):
        for inner in value:
            yield from _named(key, inner)
    elif isinstance(value, str):
        yield from (name.strip() for name in _TAG.findall(value))
        file = _FILE.fullmatch(value) or is_placeholder(value) or key.endswith("name")
        if "lora" in key.lower() and file and value not in ("", "None"):
            yield value


def is_off(inputs: Mapping[str, Any]) -> bool:
    """Return whether a loader's inputs, or a part of them, hold a switch that is off."""
    return any(inputs.get(switch) in (False, "Off") for switch in _SWITCHES)


def no_loader(graph: Graph, save: str, nodes: Sequence[str]) -> NotFound:
    """Return the error if no LoRA of `nodes`, on which the picture depends, can be swept."""
    others = [
        f"{describe(graph, node)} keeps its LoRAs in another form"
        + (f" ({', '.join(names)})" if names else "")
        for node in nodes
        if (names := held(graph, node)) or "lora" in graph[node]["class_type"].lower()
    ]
    return NotFound(
        f"no LoraLoader with the tested LoRA feeds {describe(graph, save)}; "
        + "".join(f"{other}; " for other in others)
        + "in ComfyUI add one between the checkpoint loader and both the sampler (MODEL) and the"
        " text encoders (CLIP), choose "
        + ("the LoRA in it, take it out where it is now," if others else "any LoRA in it,")
        + " and save the workflow again"
    )
