"""Prompts that nodes write together are replaced where they stand."""

import pytest

from lorabench.comfy.graph.graph import Slot
from lorabench.comfy.graph.roles import Choices, find_roles
from tests.graphs import a_graph, changed, node, patched


def composed(words, **more):
    graph = a_graph(pos=changed(a_graph(), "pos", text=["words", 0]), words=words, **more)
    return graph, find_roles(graph)


@pytest.mark.parametrize(
    ("words", "source"),
    [
        (node("StringConcatenate", string_a="You are an assistant", string_b=["own", 0]), "own"),
        (node("StringConcatenate", string_a="You are an assistant", string_b="a cat"), "words"),
        (node("StringReplace", string=["own", 0], find="cat", replace="dog"), "own"),
        (node("RegexReplace", string="a cat", regex_pattern="x", replace=""), "words"),
        (node("TextGenerate", prompt=["own", 0], max_length=9), "own"),
        (node("ComfySwitchNode", switch=False, on_true=["lm", 0], on_false=["lm", 0]), "own"),
    ],
)
def test_a_composed_prompt_is_written_at_its_source(words, source):
    own = node("PrimitiveStringMultiline", value="a cat")
    lm = node("TextGenerate", prompt=["own", 0], max_length=9)
    graph, roles = composed(words, own=own, lm=lm)
    (slot,) = roles.positive
    assert (slot.node, graph[slot.node]["inputs"][slot.input]) == (source, "a cat")
    result = patched(graph, positive="a fox")
    assert result[slot.node]["inputs"][slot.input] == "a fox"
    assert result["pos"] == graph["pos"]


def test_of_several_texts_the_prompt_is_named():
    graph, roles = composed(
        node("StringConcatenate", string_a=["style", 0], string_b=["own", 0], delimiter=", "),
        style=node("PrimitiveString", "Style", value="in ink"),
        own=node("PrimitiveString", "Own", value="a cat"),
    )
    assert not roles.positive
    assert "several nodes write the text of pos" in roles.reasons["positive"]
    assert find_roles(graph, Choices(positive="Own")).positive == (Slot("own", "value"),)
    assert find_roles(graph, Choices(positive="pos")).positive == (Slot("pos", "text"),)


def test_a_plain_link_is_replaced_as_ever():
    _, roles = composed(node("PrimitiveString", value="a cat"))
    assert roles.positive == (Slot("pos", "text"),)
