"""Find where the text of an input is written: behind primitives, switches and nodes that edit it.

A text that nodes put together, such as a system prompt and a prompt, is replaced where the prompt
is written, so that the rest stays.
"""

from lorabench.comfy.graph.graph import Graph, Slot, is_link, running_inputs

_TEXTS = ("string_a", "string_b", "string", "text", "value", "prompt", "positive", "source")
"""The inputs of nodes that give, join, edit or generate a text: PrimitiveString,
StringConcatenate, StringReplace, TextGenerate and their kind."""


def held(graph: Graph, slot: Slot) -> str | None:
    """Return the text of an input if it stands there, or in nodes that hold nothing else."""
    source, edited = _source(graph, slot)
    value = graph[source.node]["inputs"][source.input]
    return value if isinstance(value, str) and not edited else None


def written(graph: Graph, slot: Slot) -> Slot | None:
    """Return where to write a text that `slot` has to get; None if that is not certain.

    That is the input itself, unless other nodes edit its text.
    """
    source, edited = _source(graph, slot)
    if not edited:
        return slot
    return None if is_link(graph[source.node]["inputs"][source.input]) else source


def _source(graph: Graph, slot: Slot) -> tuple[Slot, bool]:
    """Return the input where the text stands, or the last one known, and whether it is edited."""
    edited = False
    for _ in graph:  # a limit, because links may lead in a circle
        value = graph[slot.node]["inputs"][slot.input]
        if not is_link(value):
            break
        inputs = running_inputs(graph, value[0])
        if "on_true" in inputs or "on_false" in inputs:
            sides = [name for name in ("on_true", "on_false") if name in inputs]
            if len(sides) > 1:
                return slot, True
            slot = Slot(value[0], sides[0])
            continue
        texts = [name for name in _TEXTS if isinstance(inputs.get(name), str | list)]
        linked = [name for name in texts if is_link(inputs[name])]
        if not texts:
            break  # a node of another kind, such as one that reads a file
        edited |= len(inputs) > 1
        if len(linked or texts) > 1:
            return slot, True
        slot = Slot(value[0], (linked or texts)[0])
    return slot, edited
