"""Set one cell of a sweep in a graph."""

import copy
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lorabench.comfy.graph.choosing import NotFound
from lorabench.comfy.graph.graph import STRENGTH_INPUTS, Graph, Slot, listing, slots
from lorabench.comfy.graph.roles import Roles
from lorabench.comfy.graph.sizes import SIDES
from lorabench.errors import UserError

NONCE = "lorabench_nonce"


@dataclass(frozen=True)
class Cell:
    """One cell of a sweep: the LoRA's name on the server, its strength, a seed, the file prefix.

    A LoRA of two files has two names, that for high noise first; without any, the workflow's stay.
    `weight` sets all strengths of its loaders. None keeps the workflow's value.
    """

    loras: tuple[str, ...]
    weight: float
    seed: int
    prefix: str
    batch_size: int = 1
    positive: str | None = None
    negative: str | None = None
    checkpoint: str | None = None
    size: tuple[int, int] | None = None
    """Width and height in px."""


def patch(graph: Graph, roles: Roles, cell: Cell) -> Graph:
    """Return a copy of `graph` that renders `cell`.

    A new value also replaces a link. Raises `UserError` if the workflow has no place for a value.
    """
    patched = copy.deepcopy(graph)

    def put(where: Iterable[Slot], value: str | float) -> None:
        for node, name in where:
            patched[node]["inputs"][name] = value

    if cell.loras:
        _check_number(graph, roles, cell)
    for node, name in zip(roles.loras, cell.loras, strict=False):
        put([Slot(node, "lora_name")], name)
    for node in roles.idle:  # a server checks the name at any strength
        put([Slot(node, "lora_name")], next(iter(cell.loras), ""))
        put(slots(graph, node, STRENGTH_INPUTS), 0.0)
    for node in roles.loras:
        put(slots(graph, node, STRENGTH_INPUTS), cell.weight)
    put(roles.seed, cell.seed)
    put([Slot(roles.save, "filename_prefix")], cell.prefix)
    if roles.batch_size or cell.batch_size != 1:
        put(_needed(roles, "batch_size"), cell.batch_size)
    for role in ("positive", "negative", "checkpoint"):
        value = getattr(cell, role)
        if value is not None:
            put(_needed(roles, role), value)
    if cell.size:
        sides = dict(zip(SIDES, cell.size, strict=True))
        for slot in _needed(roles, "size"):
            put([slot], sides[slot.input])
    return patched


def _check_number(graph: Graph, roles: Roles, cell: Cell) -> None:
    """Raise `UserError` unless each of the LoRA's files has a loader, and each loader a file."""
    there = listing(graph, roles.loras)
    if len(cell.loras) < len(roles.loras):
        raise UserError(
            f"it has a LoRA loader for each of two models ({there}), and the LoRA is one file; give"
            " the file for the other model, too, or name in bench.lora_node (--lora-node) the"
            " loader that gets the one"
        )
    if len(cell.loras) > len(roles.loras):
        raise UserError(
            f"the LoRA has a file for each of two models, {' and '.join(cell.loras)}, and the"
            f" workflow one loader for it ({there}); put one behind the other model, too, or name"
            " this one in bench.lora_node, so that one file is benched"
        )


def _needed(roles: Roles, role: str) -> tuple[Slot, ...]:
    found: tuple[Slot, ...] = getattr(roles, role)
    if not found:
        raise NotFound(f"{role} cannot be set: {roles.reasons[role]}")
    return found


def shared_digest(graph: Graph, roles: Roles, cell: Cell) -> str:
    """Return a hex digest of what all cells of a sweep share, without the names of saved files."""
    shared = unnamed(patch(graph, roles, replace(cell, weight=0.0, seed=0)))
    return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()


def unnamed(graph: Graph) -> Graph:
    """Return a copy without the names of saved files, which may hold the date."""
    copied = copy.deepcopy(graph)
    for node in copied:
        for _, name in slots(copied, node, ("filename_prefix",)):
            copied[node]["inputs"][name] = ""
    return copied


def cell_slots(graph: Graph, roles: Roles) -> tuple[Slot, ...]:
    """Return the inputs that differ between the cells of a sweep."""
    names = ("lora_name", *STRENGTH_INPUTS)
    loaders = (slot for node in roles.loras for slot in slots(graph, node, names))
    return (*roles.seed, *loaders)


def with_nonce(graph: Graph, save: str, nonce: str) -> Graph:
    """Return a copy whose save node runs again even if the server has cached everything.

    ComfyUI ignores an unknown input, but it is part of the node's cache key.
    """
    patched = copy.deepcopy(graph)
    patched[save]["inputs"][NONCE] = nonce
    return patched


def has_nonce(graph: Graph, save: str) -> bool:
    """Return whether `with_nonce` was applied."""
    return NONCE in graph[save]["inputs"]
