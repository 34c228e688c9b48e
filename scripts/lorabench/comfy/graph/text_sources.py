"""Find where the text of an input is written: behind primitives, switches and nodes that edit it.

A text that nodes put together, such as a system prompt and a prompt, is replaced where the prompt
is written, so that the rest stays.
"""

from lorabench.comfy.graph.graph import SIDES, Graph, Slot, is_link, running_inputs

_TEXTS = ("string_a", "string_b", "string", "text", "value", "prompt", "positive", "source")
"""The inputs of nodes that give, join, edit or generate a text: PrimitiveString,
StringConcatenate, StringReplace, TextGenerate and their kind."""
_TO_A_LANGUAGE_MODEL = "You are "
"""How system prompts begin: those of Lumina 2 and its kind, and of nodes that rewrite a prompt."""


def held(graph: Graph, slot: Slot) -> str | None:
    """Return the text of an input if it stands there, or in nodes that hold nothing else."""
    sources, edited = _sources(graph, slot)
    if edited or len(sources) != 1:
        return None
    text = _text(graph, sources[0])
    return text if isinstance(text, str) else None


def written(graph: Graph, slot: Slot) -> Slot | None:
    """Return where to write a text that `slot` has to get; None if that is not certain.

    That is the input itself, unless other nodes edit its text.
    """
    sources, edited = _sources(graph, slot)
    if not edited:
        return slot
    prompts = [one for one in sources if _is_prompt(_text(graph, one))]
    return prompts[0] if len(prompts) == 1 else None


def places(graph: Graph, slot: Slot) -> list[Slot]:
    """Return all inputs where a part of the text of `slot` is written."""
    return _sources(graph, slot)[0]


def _is_prompt(text: object) -> bool:
    return isinstance(text, str) and not text.startswith(_TO_A_LANGUAGE_MODEL)


def _text(graph: Graph, slot: Slot) -> object:
    return graph[slot.node]["inputs"][slot.input]


def _sources(graph: Graph, slot: Slot) -> tuple[list[Slot], bool]:
    """Return where the parts of a text stand, and whether a node edits or joins them."""
    found: dict[Slot, None] = {}
    edited = False
    seen, queue = {slot}, [slot]
    for one in queue:
        value = _text(graph, one)
        texts = _texts(graph, value[0]) if is_link(value) else []
        if not texts:  # it stands here, or comes from a node of another kind
            found[one] = None
            continue
        edited |= texts[0].input not in SIDES and len(graph[texts[0].node]["inputs"]) > 1
        queue += [text for text in texts if text not in seen]
        seen |= set(texts)
    return list(found), edited


def _texts(graph: Graph, node: str) -> list[Slot]:
    """Return the inputs that make a node's text: of one that edits a linked text, only that."""
    inputs = running_inputs(graph, node)
    names = [name for name in (*SIDES, *_TEXTS) if isinstance(inputs.get(name), str | list)]
    linked = [name for name in names if is_link(inputs[name])]
    joined = "string_b" in names
    return [Slot(node, name) for name in (names if joined else linked or names)]
