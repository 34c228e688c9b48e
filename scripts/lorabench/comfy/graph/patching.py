"""Set one cell of a sweep in a graph."""

import copy
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from lorabench.comfy.graph.graph import STRENGTH_INPUTS, Graph, Slot, slots
from lorabench.comfy.graph.roles import Roles
from lorabench.errors import UserError

NONCE = "lorabench_nonce"


@dataclass(frozen=True)
class Cell:
    """One cell of a sweep: the LoRA's name on the server, its strength, a seed, the file prefix.

    `weight` sets both strengths of the LoRA loader. None keeps the workflow's value.
    """

    lora: str
    weight: float
    seed: int
    prefix: str
    batch_size: int = 1
    positive: str | None = None
    negative: str | None = None
    checkpoint: str | None = None


def patch(graph: Graph, roles: Roles, cell: Cell) -> Graph:
    """Return a copy of `graph` that renders `cell`.

    A new value also replaces a link. Raises `UserError` if the workflow has no place for a value.
    """
    patched = copy.deepcopy(graph)

    def put(where: Iterable[Slot], value: str | float) -> None:
        for node, name in where:
            patched[node]["inputs"][name] = value

    put([Slot(roles.lora, "lora_name")], cell.lora)
    put(slots(graph, roles.lora, STRENGTH_INPUTS), cell.weight)
    put(roles.seed, cell.seed)
    put([Slot(roles.save, "filename_prefix")], cell.prefix)
    if roles.batch_size or cell.batch_size != 1:
        put(_needed(roles, "batch_size"), cell.batch_size)
    for role in ("positive", "negative", "checkpoint"):
        value = getattr(cell, role)
        if value is not None:
            put(_needed(roles, role), value)
    return patched


def _needed(roles: Roles, role: str) -> tuple[Slot, ...]:
    found: tuple[Slot, ...] = getattr(roles, role)
    if not found:
        raise UserError(f"{role} cannot be set: {roles.reasons[role]}")
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
    return (*roles.seed, *slots(graph, roles.lora, ("lora_name", *STRENGTH_INPUTS)))


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
