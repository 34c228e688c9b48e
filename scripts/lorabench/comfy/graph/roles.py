"""Find the nodes that a benchmark sets: the LoRA, seeds, prompts, batch size, checkpoint.

The search follows links backwards from SaveImage and ignores titles. If several nodes remain, the
user chooses with a `bench.*_node` key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lorabench.comfy.graph import choosing, seeds, sizes, tested_loras, text_encoders, text_sources
from lorabench.comfy.graph.graph import (
    SEED_INPUTS,
    TEXT_INPUTS,
    Graph,
    Slot,
    describe,
    is_link,
    listing,
    slots,
    upstream,
)
from lorabench.errors import UserError

_SAVES = ("SaveImage", "SaveImageAdvanced")
"""What saves pictures as files that `/history` lists under `images`."""


@dataclass(frozen=True)
class Choices:
    """Nodes that the user named, by id or by title, each in the config key `bench.<role>_node`.

    Of a LoRA of two files, `lora` is two, with a comma between them.
    """

    lora: str | None = None
    sampler: str | None = None
    positive: str | None = None
    negative: str | None = None
    save: str | None = None
    latent: str | None = None


@dataclass(frozen=True)
class Roles:
    """The nodes and inputs that a benchmark sets.

    `batch_size`, `size`, `positive`, `negative` and `checkpoint` may be empty, with the reason in
    `reasons`: a workflow is usable without them unless the user changes them.
    """

    save: str
    loras: tested_loras.Loaders
    seed: tuple[Slot, ...]
    idle: tested_loras.Loaders = ()
    """Loaders for the tested LoRA that are not to load it."""
    batch_size: tuple[Slot, ...] = ()
    size: tuple[Slot, ...] = ()
    positive: tuple[Slot, ...] = ()
    negative: tuple[Slot, ...] = ()
    checkpoint: tuple[Slot, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)


def find_roles(graph: Graph, choices: Choices | None = None) -> Roles:
    """Return the nodes to set, following links backwards from the node that saves pictures.

    Raises `UserError`, with the candidates and the key to set, if `choices` leaves several nodes
    for a role, or there is none for a role that every benchmark needs.
    """
    choices = choices or Choices()
    save = _find_save(graph, choices.save)
    samplers = _samplers(graph, save)
    if not samplers:
        raise choosing.NotFound(
            f"no sampler feeds {describe(graph, save)}: a node with a latent_image and a seed,"
            " such as KSampler or SamplerCustomAdvanced, was looked for"
        )
    loras = tested_loras.find(graph, save, samplers, choices.lora)
    reasons: dict[str, str] = {}
    batch_size = _find_batch_size(graph, samplers, choices.latent, reasons)
    return Roles(
        save=save,
        loras=loras,
        idle=tested_loras.idle(graph, save, loras),
        seed=seeds.find(
            graph, list(dict.fromkeys([*samplers, *_redrawing(graph, save)])), choices.sampler
        ),
        batch_size=batch_size,
        size=_find_size(graph, [slot.node for slot in batch_size], samplers, reasons),
        positive=_find_text(graph, samplers, "positive", choices.positive, reasons),
        negative=_find_text(graph, samplers, "negative", choices.negative, reasons),
        checkpoint=_find_checkpoint(graph, loras, reasons),
        reasons=reasons,
    )


def prompt(graph: Graph, roles: Roles) -> str | None:
    """Return the graph's prompt; None if it has none, several, or one that nodes compose."""
    texts = {text_sources.held(graph, slot) for slot in roles.positive}
    return texts.pop() if len(texts) == 1 else None


# ---------------------------------------------------------------- the picture and its samplers


def _find_save(graph: Graph, choice: str | None) -> str:
    saves = [node for node, body in graph.items() if body["class_type"] in _SAVES]
    if not saves:
        raise choosing.NotFound(_without_save(graph))
    if choice:
        found = choosing.named(graph, "save", choice, saves)
    else:
        sampled = [save for save in saves if _samplers(graph, save)]
        found = choosing.only(graph, "save", "SaveImage nodes", sampled or saves)
    if (kind := graph[found]["inputs"].get("format", "png")) != "png":
        raise UserError(
            f"{describe(graph, found)} saves {kind}, which is not read here; choose png"
        )
    return found


def _without_save(graph: Graph) -> str:
    """Return that no node saves pictures as ComfyUI does, and which ones are similar."""
    linked = {
        value[0] for body in graph.values() for value in body["inputs"].values() if is_link(value)
    }
    ends = [
        node
        for node, body in graph.items()
        if node not in linked
        and any(is_link(body["inputs"].get(name)) for name in ("images", "image"))
    ]
    others = f"; {listing(graph, ends)} is none" if ends else ""
    return (
        f"the workflow has no SaveImage node{others}. In ComfyUI add one behind VAEDecode, on the"
        " pictures to judge (others may stay beside it), and save the workflow again"
    )


def _samplers(graph: Graph, save: str) -> list[str]:
    """Return the samplers of the picture, the last first.

    Those that redraw a part of a picture count only if there are no others: their prompts may
    describe a face or a hand.
    """
    samplers = [
        node
        for node in upstream(graph, save)
        if "latent_image" in graph[node]["inputs"]
        and (slots(graph, node, SEED_INPUTS) or "noise" in graph[node]["inputs"])
    ]
    return samplers or _redrawing(graph, save)


def _redrawing(graph: Graph, save: str) -> list[str]:
    """Return samplers with a seed and no latent: FaceDetailer, UltimateSDUpscale."""
    return [
        node
        for node in upstream(graph, save)
        if {"sampler_name", "denoise"} & graph[node]["inputs"].keys()
        and "latent_image" not in graph[node]["inputs"]
        and slots(graph, node, SEED_INPUTS)
    ]


# ---------------------------------------------------------------- the LoRA's checkpoint


def _find_checkpoint(
    graph: Graph, loras: Sequence[str], reasons: dict[str, str]
) -> tuple[Slot, ...]:
    """Return the checkpoint that the LoRA is applied to, not that of a refiner."""
    behind = dict.fromkeys(node for lora in loras for node in upstream(graph, lora))
    found = [slot for node in behind for slot in slots(graph, node, tested_loras.MODELS)]
    if len(found) == 1:
        return tuple(found)
    reasons["checkpoint"] = (
        f"several nodes load one: {listing(graph, [slot.node for slot in found])}"
        if found
        else f"no node with a ckpt_name or unet_name feeds {listing(graph, loras)}"
    )
    return ()


# ---------------------------------------------------------------- batch size and prompts


def _find_batch_size(
    graph: Graph, samplers: Sequence[str], choice: str | None, reasons: dict[str, str]
) -> tuple[Slot, ...]:
    links = [graph[sampler]["inputs"].get("latent_image") for sampler in samplers]
    behind = [node for link in links if is_link(link) for node in upstream(graph, link[0])]
    sources = [node for node in dict.fromkeys(behind) if "batch_size" in graph[node]["inputs"]]
    if choice:
        return (Slot(choosing.named(graph, "latent", choice, sources), "batch_size"),)
    if not sources:
        reasons["batch_size"] = "the sampler's latent image comes from no node with a batch_size"
        return ()
    return (Slot(choosing.only(graph, "latent", "nodes with a batch_size", sources), "batch_size"),)


def _find_size(
    graph: Graph, latents: Sequence[str], samplers: Sequence[str], reasons: dict[str, str]
) -> tuple[Slot, ...]:
    if not (found := sizes.find(graph, latents, samplers)):
        reasons["size"] = "the sampler's latent image comes from no node with a width and a height"
    return found


def _find_text(
    graph: Graph, samplers: Sequence[str], role: str, choice: str | None, reasons: dict[str, str]
) -> tuple[Slot, ...]:
    """Return the text inputs behind the samplers' `positive` or `negative`.

    Each sampler has at most one; those of a refiner or a second pass are included.
    """
    behind = [node for sampler in samplers for node in upstream(graph, sampler)]
    texts = [node for node in dict.fromkeys(behind) if slots(graph, node, TEXT_INPUTS)]
    if choice:
        return _chosen_text(graph, texts, role, choice)
    found = [text_encoders.encoders(graph, sampler, role) for sampler in samplers]
    ours = list(dict.fromkeys(one for of_sampler in found for one in of_sampler))
    nodes = [one[0].node for one in ours]
    opposite = "negative" if role == "positive" else "positive"
    others = [
        one for sampler in samplers for one in text_encoders.encoders(graph, sampler, opposite)
    ]
    key = f"bench.{role}_node (--{role}-node)"
    if not nodes:
        way = f"; set {key} if it is one of: {listing(graph, texts)}" if texts else ""
        reasons[role] = f"no text feeds the sampler's {role}{way}"
    elif any(len(one) > 1 for one in found):
        reasons[role] = f"several texts feed it; set {key} to one of: {listing(graph, nodes)}"
    elif shared := [one[0].node for one in ours if one in others]:
        reasons[role] = f"positive and negative share the text {listing(graph, shared)}"
    else:
        return _written(graph, role, [slot for one in ours for slot in one], reasons)
    return ()


def _chosen_text(graph: Graph, encoders: list[str], role: str, choice: str) -> tuple[Slot, ...]:
    """Return the text inputs of the named encoder, or of a node that writes a part of its text."""
    written = [
        place
        for node in encoders
        for slot in text_encoders.of_node(graph, node, role)
        for place in text_sources.places(graph, slot)
        if place.node not in encoders
    ]
    nodes = [*encoders, *dict.fromkeys(place.node for place in written)]
    named = choosing.named(graph, role, choice, nodes)
    return (
        text_encoders.of_node(graph, named, role)
        if named in encoders
        else tuple(dict.fromkeys(place for place in written if place.node == named))
    )


def _written(
    graph: Graph, role: str, texts: Sequence[Slot], reasons: dict[str, str]
) -> tuple[Slot, ...]:
    """Return where these texts of encoders are written."""
    found = {slot: text_sources.written(graph, slot) for slot in texts}
    if unknown := [slot.node for slot, source in found.items() if source is None]:
        reasons[role] = (
            f"several nodes write the text of {listing(graph, unknown)}; set bench.{role}_node"
            f" (--{role}-node) to the one with the prompt"
        )
        return ()
    return tuple(dict.fromkeys(source for source in found.values() if source))
