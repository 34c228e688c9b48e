"""What is behind a switch, and a LoRA there."""

import pytest

from lorabench.comfy.graph.lora_nodes import switched_on
from lorabench.comfy.graph.roles import Choices, find_roles
from lorabench.errors import UserError
from tests.graphs import a_graph, changed, node, patched


def switched(on):
    """A turbo LoRA behind a switch, between the tested one and the sampler."""
    graph = a_graph(
        turbo=node("LoraLoaderModelOnly", "Turbo", model=["lora", 0], lora_name="turbo.safetensors",
                   strength_model=1.0),
        on=node("PrimitiveBoolean", value=on),
        switch=node(
            "ComfySwitchNode", switch=["on", 0], on_true=["turbo", 0], on_false=["lora", 0]
        ),
    )  # fmt: skip
    return graph | {"sampler": changed(graph, "sampler", model=["switch", 0])}


@pytest.mark.parametrize("on", [True, False])
def test_a_lora_behind_a_switch_is_not_the_tested_one(on):
    graph = switched(on)
    roles = find_roles(graph)
    assert roles.loras == ("lora",)
    result = patched(graph)
    assert result["turbo"] == graph["turbo"]
    said = switched_on(graph, roles.save, roles.loras)
    assert len(said) == on
    assert all("turbo.safetensors is in every picture, also at weight 0" in one for one in said)


@pytest.mark.parametrize("on", [True, False])
def test_alone_behind_a_switch_a_lora_is_tested_only_where_it_is_named(on):
    graph = switched(on)
    graph["lora"] = node("ModelSamplingDiscrete", model=["ckpt", 0])
    graph["pos"] = changed(graph, "pos", clip=["ckpt", 1])
    graph["neg"] = changed(graph, "neg", clip=["ckpt", 1])
    with pytest.raises(UserError, match="no LoraLoader with the tested LoRA"):
        find_roles(graph)
    if on:
        assert find_roles(graph, Choices(lora="Turbo")).loras == ("turbo",)


def test_of_a_switch_that_something_computes_both_sides_count():
    graph = switched(False)
    graph["on"] = node("ComfyMathExpression", expression="a > 1", **{"values.a": 2})
    with pytest.raises(UserError, match="the workflow has 2 LoRA loaders"):
        find_roles(graph)
