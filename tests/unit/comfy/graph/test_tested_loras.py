"""Which loaders get a LoRA of two files: one for each model of Wan 2.2."""

from dataclasses import replace

import pytest

from lorabench.comfy.graph.graph import Slot
from lorabench.comfy.graph.patching import Cell, cell_slots, patch, shared_digest
from lorabench.comfy.graph.roles import Choices, find_roles
from lorabench.errors import UserError
from tests.graphs import CELL, a_graph, changed, node, two_models

PAIR = ("h.safetensors", "l.safetensors")
BOTH = replace(CELL, loras=PAIR)


def loras(graph, choice=None):
    return find_roles(graph, Choices(lora=choice)).loras


def with_names(lora, model):
    """Return the graph with names of LoRAs and models; the first is that of the first sampler."""
    graph = two_models()
    for one, lora_name, model_name in zip("ab", lora, model, strict=True):
        graph[f"lora {one}"] = changed(graph, f"lora {one}", lora_name=lora_name)
        graph[one] = changed(graph, one, unet_name=model_name)
    return graph


def refused(graph, choice=None):
    with pytest.raises(UserError) as raised:
        loras(graph, choice)
    return str(raised.value)


def test_the_order_of_the_samplers_says_which_is_which():
    assert loras(two_models()) == ("lora a", "lora b")


@pytest.mark.parametrize(
    "changes",
    [{"add_noise": "enable"}, {"positive": ["neg", 0]}, {"model": ["both", 0]}],
    ids=["a second pass", "a refiner", "one model"],
)
def test_other_second_samplers_leave_a_choice(changes):
    graph = two_models()
    graph["both"] = changed(graph, "lora b", model=["lora a", 0])
    graph["later"] = changed(graph, "later", **changes)
    if "model" in changes:
        del graph["lora b"]
    assert "the workflow has 2 LoRA loaders; set bench.lora_node" in refused(graph)


def test_so_does_the_order_of_samplers_with_guiders():
    graph = two_models()
    for one, sampler in (("a", "earlier"), ("b", "later")):
        graph[f"guider {one}"] = node("CFGGuider", model=[f"lora {one}", 0], positive=["pos", 0],
                                      negative=["neg", 0], cfg=3.5)  # fmt: skip
        graph[sampler] = node(
            "SamplerCustomAdvanced", guider=[f"guider {one}", 0], noise=[f"noise {one}", 0],
            latent_image=[{"earlier": "latent", "later": "earlier"}[sampler], 0],
        )  # fmt: skip
    graph["noise a"] = node("RandomNoise", noise_seed=1)
    graph["noise b"] = node("DisableNoise")
    assert loras(graph) == ("lora a", "lora b")


def test_the_models_names_count_before_the_order():
    graph = with_names(["x.safetensors"] * 2, ["wan\\low_noise.gguf", "HighNoise.safetensors"])
    assert loras(graph) == ("lora b", "lora a")


def test_placeholders_count_before_the_models_names():
    marks = ["LORA_UNDER_TEST_LOW.safetensors", "LORA_UNDER_TEST_HIGH.safetensors"]
    graph = with_names(marks, ["high_noise.safetensors", "low_noise.safetensors"])
    assert loras(graph) == ("lora b", "lora a")


def test_placeholders_tell_the_tested_ones_from_others_in_both_branches():
    graph = with_names(["lora_under_test.safetensors"] * 2, ["a.safetensors", "b.safetensors"])
    for one, sampler in (("a", "earlier"), ("b", "later")):
        graph[f"fast {one}"] = changed(graph, f"lora {one}", model=[f"lora {one}", 0],
                                       lora_name="lightning.safetensors")  # fmt: skip
        graph[sampler] = changed(graph, sampler, model=[f"fast {one}", 0])
    assert loras(graph) == ("lora a", "lora b")
    for one in "ab":
        graph[f"lora {one}"]["inputs"]["lora_name"] = "old.safetensors"
    assert "the workflow has 4 LoRA loaders; set bench.lora_node" in refused(graph)
    assert "of two with a comma between them, high noise first" in refused(graph)


def test_two_loaders_of_one_model_leave_a_choice():
    graph = two_models(later=changed(two_models(), "later", model=["lora a", 0]))
    graph["earlier"] = changed(graph, "earlier", model=["lora b", 0])
    graph["lora b"] = changed(graph, "lora b", model=["lora a", 0])
    assert "the workflow has 2 LoRA loaders; set bench.lora_node" in refused(graph)


@pytest.mark.parametrize("choice", ["lora b,lora a", "lora b, Tested"])
def test_the_user_names_both_with_that_for_high_noise_first(choice):
    graph = two_models()
    graph["lora a"]["_meta"] = {"title": "Tested"}
    assert loras(graph, choice) == ("lora b", "lora a")


def test_one_that_the_user_names_is_benched_alone():
    graph = two_models()
    assert loras(graph, "lora b") == ("lora b",)
    graph["lora b"]["_meta"] = {"title": "low, tested"}
    assert loras(graph, "low, tested") == ("lora b",)
    assert "names one loader twice" in refused(graph, "lora b,lora b")
    assert "bench.lora_node = 'save' fits no node of that kind" in refused(graph, "lora a,save")


def test_a_placeholder_that_the_user_did_not_choose_loads_nothing():
    marks = ["lora_under_test_high.safetensors", "lora_under_test_low.safetensors"]
    graph = with_names(marks, ["a.safetensors", "b.safetensors"])
    assert find_roles(graph).idle == ()
    roles = find_roles(graph, Choices(lora="lora b"))
    assert (roles.loras, roles.idle) == (("lora b",), ("lora a",))
    patched = patch(graph, roles, CELL)
    (name,) = CELL.loras
    assert patched["lora a"] == changed(graph, "lora a", lora_name=name, strength_model=0.0)
    assert patched["lora b"] == changed(graph, "lora b", lora_name=name, strength_model=CELL.weight)


def test_one_of_both_that_is_switched_off_is_an_error():
    graph = two_models()
    graph["lora b"]["inputs"]["enabled"] = False
    assert "lora b (LoraLoaderModelOnly) is switched off" in refused(graph)


def test_both_get_the_weight_each_with_its_own_file():
    graph = two_models()
    roles = find_roles(graph)
    patched = patch(graph, roles, BOTH)
    for name, lora in zip(("lora a", "lora b"), PAIR, strict=True):
        assert patched[name] == changed(graph, name, lora_name=lora, strength_model=CELL.weight)
    assert {slot for slot in cell_slots(graph, roles) if slot.node.startswith("lora")} == {
        Slot(f"lora {one}", name) for one in "ab" for name in ("lora_name", "strength_model")
    }
    other = replace(BOTH, loras=(PAIR[0], "other.safetensors"))
    assert shared_digest(graph, roles, BOTH) != shared_digest(graph, roles, other)


def test_before_there_is_a_lora_the_workflows_names_stay():
    graph = two_models()
    patched = patch(graph, find_roles(graph), replace(CELL, loras=()))
    assert patched["lora a"]["inputs"]["lora_name"] == "old.safetensors"


def test_only_the_sampler_that_adds_noise_gets_the_seed():
    graph = two_models()
    patched = patch(graph, find_roles(graph), BOTH)
    assert patched["earlier"]["inputs"]["noise_seed"] == CELL.seed
    assert patched["later"] == graph["later"]


def test_no_checkpoint_can_be_set_for_two_models():
    roles = find_roles(two_models())
    assert roles.checkpoint == ()
    assert roles.reasons["checkpoint"].startswith("several nodes load one: a (UNETLoader)")


@pytest.mark.parametrize(
    ("graph", "cell", "says"),
    [
        (two_models(), CELL, "a LoRA loader for each of two models (lora a (LoraLoaderModelOnly),"),
        (a_graph(), BOTH, "h.safetensors and l.safetensors, and the workflow one loader for it"),
    ],
)
def test_as_many_files_as_loaders_are_needed(graph, cell: Cell, says):
    with pytest.raises(UserError) as raised:
        patch(graph, find_roles(graph), cell)
    assert says in str(raised.value)
