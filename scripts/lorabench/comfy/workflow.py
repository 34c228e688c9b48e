"""ComfyUI workflows in API format: find the nodes that a benchmark sets, and set them.

A graph maps node ids to `{"class_type", "inputs", "_meta"}`; an input is a value or a link
`[node id, output index]`. Roles are found by following links backwards from SaveImage, never by
titles; where that leaves a choice, the user makes it with a `bench.*_node` key.
"""

import copy
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from lorabench.errors import UserError

Graph = dict[str, dict[str, Any]]

SEED_INPUTS = ("seed", "noise_seed")
TEXT_INPUTS = ("text", "text_g", "text_l")
STRENGTH_INPUTS = ("strength_model", "strength_clip")
NONCE = "lorabench_nonce"


class Slot(NamedTuple):
    """One input of one node."""

    node: str
    input: str


@dataclass(frozen=True)
class Choices:
    """Nodes that the user named, by id or by title, each in the config key `bench.<role>_node`."""

    lora: str | None = None
    sampler: str | None = None
    positive: str | None = None
    negative: str | None = None
    save: str | None = None
    latent: str | None = None


@dataclass(frozen=True)
class Roles:
    """What a benchmark sets in a graph.

    `batch_size`, `positive`, `negative` and `checkpoint` may be empty: a workflow is usable
    without them as long as nobody wants to change them. `reasons` then says why, by field name.
    """

    save: str
    lora: str
    seed: tuple[Slot, ...]
    batch_size: tuple[Slot, ...] = ()
    positive: tuple[Slot, ...] = ()
    negative: tuple[Slot, ...] = ()
    checkpoint: tuple[Slot, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cell:
    """One cell of a sweep: the LoRA's name on the server, its strength, a seed, what to save.

    `weight` becomes both strengths of the LoRA loader. None keeps what the workflow says.
    """

    lora: str
    weight: float
    seed: int
    prefix: str
    batch_size: int = 1
    positive: str | None = None
    negative: str | None = None
    checkpoint: str | None = None


def load(path: Path) -> Graph:
    """Read a workflow file in API format; raise `UserError` for anything else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"workflow {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise UserError(f"workflow {path}: no valid JSON: {error}") from None
    try:
        return _api_graph(content)
    except UserError as error:
        raise UserError(f"workflow {path}: {error}") from None


def find_roles(graph: Graph, choices: Choices | None = None) -> Roles:
    """Return the nodes to set, following links backwards from the node that saves pictures.

    Raises `UserError` where the graph leaves a choice that `choices` does not settle, or has no
    node for a role that every benchmark needs; it names the candidates and the key to set.
    """
    choices = choices or Choices()
    save = _find_save(graph, choices.save)
    sampler = _find_sampler(graph, save, choices.sampler)
    lora = _find_lora(graph, sampler, choices.lora)
    reasons: dict[str, str] = {}
    return Roles(
        save=save,
        lora=lora,
        seed=_seed_slots(graph, sampler),
        batch_size=_find_batch_size(graph, sampler, choices.latent, reasons),
        positive=_find_text(graph, sampler, "positive", choices, reasons),
        negative=_find_text(graph, sampler, "negative", choices, reasons),
        checkpoint=_find_checkpoint(graph, sampler, reasons),
        reasons=reasons,
    )


def patch(graph: Graph, roles: Roles, cell: Cell) -> Graph:
    """Return a copy of `graph` that renders `cell`; `graph` itself stays as it is.

    A value that came by link is replaced together with its link. Raises `UserError` where the
    cell asks for something that the workflow has no place for.
    """
    patched = copy.deepcopy(graph)

    def put(slots: Iterable[Slot], value: str | float) -> None:
        for node, name in slots:
            patched[node]["inputs"][name] = value

    put([Slot(roles.lora, "lora_name")], cell.lora)
    put(_slots(graph, roles.lora, STRENGTH_INPUTS), cell.weight)
    put(roles.seed, cell.seed)
    put([Slot(roles.save, "filename_prefix")], cell.prefix)
    if roles.batch_size or cell.batch_size != 1:
        put(_needed(roles, "batch_size"), cell.batch_size)
    for role in ("positive", "negative", "checkpoint"):
        value = getattr(cell, role)
        if value is not None:
            put(_needed(roles, role), value)
    return patched


def prompt(graph: Graph, roles: Roles) -> str | None:
    """Return the graph's prompt; None where it has none, several or one that comes by link."""
    texts = {json.dumps(graph[node]["inputs"][name]) for node, name in roles.positive}
    text = json.loads(texts.pop()) if len(texts) == 1 else None
    return text if isinstance(text, str) else None


def shared_digest(graph: Graph, roles: Roles, cell: Cell) -> str:
    """Return a digest, in hex, of what all cells of the sweep that `cell` is one of share."""
    shared = patch(graph, roles, replace(cell, weight=0.0, seed=0, prefix=""))
    return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()


def cell_slots(graph: Graph, roles: Roles) -> tuple[Slot, ...]:
    """Return the inputs whose values tell one cell of a sweep from another."""
    return (*roles.seed, *_slots(graph, roles.lora, ("lora_name", *STRENGTH_INPUTS)))


def with_nonce(graph: Graph, save: str, nonce: str) -> Graph:
    """Return a copy whose save node runs again although the server has cached everything.

    ComfyUI ignores an unknown input but counts it into the node's cache key.
    """
    patched = copy.deepcopy(graph)
    patched[save]["inputs"][NONCE] = nonce
    return patched


def has_nonce(graph: Graph, save: str) -> bool:
    """Return whether `with_nonce` was applied."""
    return NONCE in graph[save]["inputs"]


def describe(graph: Graph, node: str) -> str:
    """Return a node's id, class and title as messages show them: `3 (LoraLoader "Tested")`."""
    class_type = graph[node]["class_type"]
    title = _title(graph, node)
    return f'{node} ({class_type} "{title}")' if title != class_type else f"{node} ({class_type})"


# ---------------------------------------------------------------- reading


def _api_graph(content: object) -> Graph:
    """Return `content` as a checked API graph. A converter for GUI files takes its place here."""
    if isinstance(content, dict) and isinstance(content.get("nodes"), list):
        raise UserError(
            "this is the GUI format; in ComfyUI choose Workflow > Export (API) and give that file"
        )
    if not isinstance(content, dict) or not content:
        raise UserError("not a workflow: expected an object of nodes, as Export (API) writes it")
    for node, body in content.items():
        if not isinstance(body, dict) or not isinstance(body.get("class_type"), str):
            raise UserError(f"not a workflow in API format: node {node} has no class_type")
        if not isinstance(body.get("inputs"), dict):
            raise UserError(f"not a workflow in API format: node {node} has no inputs")
    for node, body in content.items():
        for name, value in body["inputs"].items():
            if is_link(value) and value[0] not in content:
                raise UserError(
                    f"node {describe(content, node)}: its input {name} is linked to node"
                    f" {value[0]}, which is not in the file; export the workflow again"
                )
    return content


# ---------------------------------------------------------------- walking


def is_link(value: object) -> bool:
    """Return whether an input's value is a link to another node's output."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int)
    )


def _upstream(graph: Graph, start: str) -> Iterator[str]:
    """Yield `start` and every node that it depends on, nearest first, each once."""
    seen = {start: None}
    queue = [start]
    for node in queue:
        yield node
        for value in graph[node]["inputs"].values():
            if is_link(value) and value[0] not in seen:
                seen[value[0]] = None
                queue.append(value[0])


def _slots(graph: Graph, node: str, names: Iterable[str]) -> tuple[Slot, ...]:
    return tuple(Slot(node, name) for name in names if name in graph[node]["inputs"])


def _title(graph: Graph, node: str) -> str:
    return (graph[node].get("_meta") or {}).get("title") or graph[node]["class_type"]


# ---------------------------------------------------------------- choosing


def _named(graph: Graph, role: str, choice: str, allowed: list[str]) -> str:
    """Return the one node of `allowed` whose id or title is `choice`."""
    if choice in allowed:
        return choice
    titled = [node for node in allowed if _title(graph, node) == choice]
    if len(titled) == 1:
        return titled[0]
    problem = "fits several nodes" if titled else "fits no node that could be it"
    raise UserError(
        f"bench.{role}_node = {choice!r} {problem}; give the id of one of: "
        + _listing(graph, titled or allowed)
    )


def _only(graph: Graph, role: str, what: str, candidates: list[str]) -> str:
    """Return the single candidate, or ask for a choice."""
    if len(candidates) == 1:
        return candidates[0]
    raise UserError(
        f"the workflow has {len(candidates)} {what}; set bench.{role}_node"
        f" (--{role}-node) to the id or title of one of: {_listing(graph, candidates)}"
    )


def _listing(graph: Graph, nodes: list[str]) -> str:
    return ", ".join(describe(graph, node) for node in nodes) or "(there is none)"


def _needed(roles: Roles, role: str) -> tuple[Slot, ...]:
    slots: tuple[Slot, ...] = getattr(roles, role)
    if not slots:
        raise UserError(f"{role} cannot be set: {roles.reasons[role]}")
    return slots


# ---------------------------------------------------------------- the roles


def _find_save(graph: Graph, choice: str | None) -> str:
    saves = [node for node, body in graph.items() if body["class_type"] == "SaveImage"]
    if choice:
        return _named(graph, "save", choice, saves)
    if not saves:
        raise UserError("the workflow has no SaveImage node; add one behind VAEDecode")
    return _only(graph, "save", "SaveImage nodes", saves)


def _find_sampler(graph: Graph, save: str, choice: str | None) -> str:
    samplers = [node for node in _upstream(graph, save) if _is_sampler(graph, node)]
    if choice:
        return _named(graph, "sampler", choice, samplers)
    if not samplers:
        raise UserError(
            f"no sampler feeds {describe(graph, save)}: a node with a latent_image and a seed,"
            " such as KSampler or KSamplerAdvanced, was looked for"
        )
    return _only(graph, "sampler", "samplers", samplers)


def _is_sampler(graph: Graph, node: str) -> bool:
    return "latent_image" in graph[node]["inputs"] and bool(_slots(graph, node, SEED_INPUTS))


def _seed_slots(graph: Graph, sampler: str) -> tuple[Slot, ...]:
    """Return the sampler's seed, and every other seed that comes by link from the same output."""
    own = _slots(graph, sampler, SEED_INPUTS)[0]
    value = graph[sampler]["inputs"][own.input]
    if not is_link(value):
        return (own,)
    return tuple(
        slot
        for node in graph
        for slot in _slots(graph, node, SEED_INPUTS)
        if graph[node]["inputs"][slot.input] == value
    )


def _find_lora(graph: Graph, sampler: str, choice: str | None) -> str:
    loaders = [
        node
        for node in _upstream(graph, sampler)
        if "lora_name" in graph[node]["inputs"] and _slots(graph, node, STRENGTH_INPUTS)
    ]
    if choice:
        return _named(graph, "lora", choice, loaders)
    if not loaders:
        raise UserError(
            f"no LoraLoader feeds the sampler {describe(graph, sampler)}; in ComfyUI add one"
            " between the checkpoint loader and both the sampler (MODEL) and the text encoders"
            " (CLIP), with any LoRA chosen in it, and export the workflow again"
        )
    return _only(graph, "lora", "LoRA loaders", loaders)


def _find_batch_size(
    graph: Graph, sampler: str, choice: str | None, reasons: dict[str, str]
) -> tuple[Slot, ...]:
    link = graph[sampler]["inputs"]["latent_image"]
    sources = list(_upstream(graph, link[0])) if is_link(link) else []
    sources = [node for node in sources if "batch_size" in graph[node]["inputs"]]
    if choice:
        return (Slot(_named(graph, "latent", choice, sources), "batch_size"),)
    if not sources:
        reasons["batch_size"] = "the sampler's latent image comes from no node with a batch_size"
        return ()
    return (Slot(_only(graph, "latent", "nodes with a batch_size", sources), "batch_size"),)


def _find_text(
    graph: Graph, sampler: str, role: str, choices: Choices, reasons: dict[str, str]
) -> tuple[Slot, ...]:
    """Return the text inputs behind the sampler's `positive` or `negative`."""
    choice: str | None = getattr(choices, role)
    if choice:
        encoders = [n for n in _upstream(graph, sampler) if _slots(graph, n, TEXT_INPUTS)]
        return _slots(graph, _named(graph, role, choice, encoders), TEXT_INPUTS)
    encoders = _encoders(graph, sampler, role)
    other = _encoders(graph, sampler, "negative" if role == "positive" else "positive")
    key = f"bench.{role}_node (--{role}-node)"
    if not encoders:
        texts = [n for n in _upstream(graph, sampler) if _slots(graph, n, TEXT_INPUTS)]
        reasons[role] = f"no text feeds the sampler's {role}; set {key} if it is one of: " + (
            _listing(graph, texts)
        )
    elif len(encoders) > 1:
        reasons[role] = f"several texts feed it; set {key} to one of: {_listing(graph, encoders)}"
    elif encoders[0] in other:
        reasons[role] = f"positive and negative share the text {describe(graph, encoders[0])}"
    else:
        return _slots(graph, encoders[0], TEXT_INPUTS)
    return ()


def _encoders(graph: Graph, sampler: str, role: str) -> list[str]:
    """Return the nodes whose text reaches the sampler's conditioning `role`, nearest first.

    Only conditioning is followed. A zeroed one carries no text: ConditioningZeroOut ends the walk.
    """
    queue = [graph[sampler]["inputs"].get(role)]
    found: dict[str, None] = {}
    seen: set[tuple[str, int]] = set()
    for link in queue:
        if not is_link(link) or tuple(link) in seen:
            continue
        node, output = link
        seen.add((node, output))
        inputs = graph[node]["inputs"]
        if _slots(graph, node, TEXT_INPUTS):
            found[node] = None
        elif "positive" in inputs and "negative" in inputs:  # ControlNetApplyAdvanced and its kind
            queue.append(inputs["negative" if output == 1 else "positive"])
        elif graph[node]["class_type"] != "ConditioningZeroOut":
            queue += [value for name, value in inputs.items() if name.startswith("conditioning")]
    return list(found)


def _find_checkpoint(graph: Graph, sampler: str, reasons: dict[str, str]) -> tuple[Slot, ...]:
    loaders = [n for n in _upstream(graph, sampler) if "ckpt_name" in graph[n]["inputs"]]
    if len(loaders) == 1:
        return (Slot(loaders[0], "ckpt_name"),)
    reasons["checkpoint"] = (
        f"several nodes load one: {_listing(graph, loaders)}"
        if loaders
        else "no node with a ckpt_name feeds the sampler"
    )
    return ()
