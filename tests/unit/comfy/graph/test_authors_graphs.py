"""The roles in graphs as authors have them: refiners, guiders, stacks, loops, newer nodes."""

import copy
from pathlib import Path

import pytest

from lorabench.comfy.graph.graph import Slot
from lorabench.comfy.graph.lora_nodes import held
from lorabench.comfy.graph.patching import shared_digest
from lorabench.comfy.graph.roles import Choices, find_roles
from lorabench.errors import UserError
from tests.graphs import CELL, a_graph, changed, node, patched, two_loras, with_refiner

BUNDLED = Path("config/workflows")

# ---------------------------------------------------------------- graphs that authors have


def test_a_refiner_gets_the_prompts_but_no_seed():
    result = patched(with_refiner(), positive="p", negative="n", batch_size=2)
    assert result["sampler"]["inputs"]["noise_seed"] == 7
    assert result["second"]["inputs"]["noise_seed"] == 0
    assert [result[name]["inputs"]["text"] for name in ("pos", "rpos")] == ["p", "p"]
    assert [result[name]["inputs"]["text"] for name in ("neg", "rneg")] == ["n", "n"]
    assert result["latent"]["inputs"]["batch_size"] == 2


def test_samplers_that_add_no_noise_are_no_benchmark():
    graph = with_refiner()
    graph["sampler"] = changed(graph, "sampler", add_noise="disable")
    with pytest.raises(UserError, match=r"of a seed: second.*switch add_noise on$"):
        find_roles(graph)


def custom(**guider):
    """SamplerCustomAdvanced, with its noise and its guider in nodes of their own."""
    return a_graph(
        noise=node("RandomNoise", noise_seed=1),
        guider=node("CFGGuider", **{"model": ["lora", 0], **guider}),
        sampler=node(
            "SamplerCustomAdvanced", noise=["noise", 0], guider=["guider", 0],
            latent_image=["latent", 0],
        ),
    )  # fmt: skip


def test_the_noise_of_a_custom_sampler_takes_the_seed_and_its_guider_has_the_prompts():
    graph = custom(positive=["pos", 0], negative=["neg", 0], cfg=7.0)
    result = patched(graph, positive="p", negative="n", batch_size=2)
    assert result["noise"]["inputs"]["noise_seed"] == 7
    assert (result["pos"]["inputs"]["text"], result["neg"]["inputs"]["text"]) == ("p", "n")


def test_a_custom_sampler_without_noise_is_to_get_the_noise_of_a_seed():
    graph = custom(positive=["pos", 0], negative=["neg", 0]) | {"noise": node("DisableNoise")}
    with pytest.raises(UserError, match=r"; replace noise \(DisableNoise\) by RandomNoise$"):
        find_roles(graph)


def test_a_basic_guider_has_no_negative():
    graph = custom(conditioning=["pos", 0])
    assert patched(graph, positive="p")["pos"]["inputs"]["text"] == "p"
    with pytest.raises(UserError, match="negative cannot be set: no text feeds"):
        patched(graph, negative="n")


def test_a_second_pass_without_noise_of_its_own_is_left_alone():
    graph = custom(positive=["pos", 0], negative=["neg", 0])
    graph["none"] = node("DisableNoise")
    graph["second"] = changed(graph, "sampler", noise=["none", 0], latent_image=["sampler", 0])
    graph["vae"] = changed(graph, "vae", samples=["second", 0])
    assert find_roles(graph).seed == (Slot("noise", "noise_seed"),)


@pytest.mark.parametrize(
    "name",
    ["LORA_UNDER_TEST.safetensors", "styles\\lora-under-test.pt", "x/lorabench_a.safetensors"],
)
def test_a_placeholder_marks_the_tested_lora_among_several(name):
    graph = two_loras()
    graph["lora"] = changed(graph, "lora", lora_name=name)
    result = patched(graph)
    assert result["lora"]["inputs"]["lora_name"] == "new.safetensors"
    assert result["first"] == graph["first"]


def test_two_placeholders_are_still_a_choice():
    graph = two_loras()
    for loader in ("lora", "first"):
        graph[loader] = changed(graph, loader, lora_name="lora_under_test.safetensors")
    with pytest.raises(UserError, match=r"2 LoRA loaders; set bench\.lora_node"):
        find_roles(graph)


def test_a_loader_that_keeps_its_loras_in_its_own_way_is_named():
    power = node(
        "Power Lora Loader (rgthree)", model=["ckpt", 0], clip=["ckpt", 1],
        lora_1={"on": True, "lora": "a.safetensors", "strength": 1},
    )  # fmt: skip
    with pytest.raises(
        UserError,
        match=r"Power Lora Loader.*keeps its LoRAs in another form \(a.safe.*take it out where",
    ):
        find_roles(a_graph(lora=power))
    graph = a_graph(power=power)
    graph["lora"] = changed(graph, "lora", model=["power", 0], clip=["power", 1])
    assert patched(graph)["power"] == power


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        ({"lora_name": "a.safetensors", "lora_model_strength": 1}, ["a.safetensors"]),
        ({"lora_name_1": "a.pt", "lora_name_2": "None", "switch_1": "On"}, ["a.pt"]),
        ({"lora_1": {"on": False, "lora": "a.pt"}, "lora_2": {"on": True, "lora": "b"}}, []),
        ({"lora_1": {"on": True, "lora": "b.pt", "strength": 1}}, ["b.pt"]),
        ({"loras": {"__value__": [{"name": "a", "active": True}, {"name": "b", "active": False}]}},
         ["a"]),
        ({"text": "a cat, <lora:a:0.8> <lora:b:1:0.5>"}, ["a", "b"]),
        ({"lora_name": "LORA_UNDER_TEST", "lora_stack": ["x", 0]}, ["LORA_UNDER_TEST"]),
        ({"lora_name": {"content": "a.safetensors", "image": None}}, ["a.safetensors"]),
        ({"ckpt_name": "a.safetensors", "text": "a lora"}, []),
    ],
)  # fmt: skip
def test_a_node_names_its_loras_in_many_ways(inputs, names):
    assert held({"n": node("X", **inputs)}, "n") == names


@pytest.mark.parametrize(
    "stack",
    [
        node("CR LoRA Stack", switch_1="On", lora_name_1="LORA_UNDER_TEST.safetensors"),
        node("LoraTagLoader", text="<lora:lora_under_test:1>"),
    ],
)
def test_a_placeholder_that_cannot_be_swept_is_refused_and_no_other_lora_taken_for_it(stack):
    graph = a_graph(stack=stack)
    graph["lora"] = changed(graph, "lora", optional=["stack", 0])
    with pytest.raises(
        UserError, match=rf"no LoraLoader with the tested LoRA.*stack \({stack['class_type']}"
    ):
        find_roles(graph)
    assert find_roles(graph, Choices(lora="lora")).loras == ("lora",)


def test_a_loader_that_is_switched_off_is_refused():
    graph = a_graph()
    graph["lora"] = changed(graph, "lora", switch="Off") | {"class_type": "CR Load LoRA"}
    with pytest.raises(UserError, match=r"lora \(CR Load LoRA\) is switched off"):
        find_roles(graph)
    graph["lora"]["inputs"]["switch"] = "On"
    assert find_roles(graph).loras == ("lora",)


def test_a_save_node_that_shows_no_sampled_picture_is_no_candidate():
    graph = a_graph(
        photo=node("LoadImage", image="x.png"),
        depth=node("SaveImage", images=["photo", 0], filename_prefix="depth"),
    )
    assert find_roles(graph).save == "save"


def test_names_of_other_files_do_not_tell_sweeps_apart():
    graph = a_graph(other=node("SaveImage", images=["vae", 0], filename_prefix="2026-01-01"))
    later = copy.deepcopy(graph)
    later["other"]["inputs"]["filename_prefix"] = "2026-01-02"
    roles = find_roles(graph, Choices(save="save"))
    assert shared_digest(graph, roles, CELL) == shared_digest(later, roles, CELL)


def upscaled():
    """A picture that is enlarged by a model behind the decoder."""
    graph = a_graph(
        upscaler=node("UpscaleModelLoader", model_name="x4.pth"),
        upscale=node("ImageUpscaleWithModel", upscale_model=["upscaler", 0], image=["vae", 0]),
    )
    return graph | {"save": changed(graph, "save", images=["upscale", 0])}


def test_a_picture_is_found_behind_an_upscaler_whose_model_is_no_checkpoint():
    graph = upscaled()
    assert not find_roles(graph).reasons
    result = patched(graph, batch_size=2, positive="p", negative="n", checkpoint="c")
    assert result["save"]["inputs"] == {"images": ["upscale", 0], "filename_prefix": CELL.prefix}
    assert result["sampler"]["inputs"]["seed"] == 7
    assert result["latent"]["inputs"]["batch_size"] == 2
    assert (result["pos"]["inputs"]["text"], result["neg"]["inputs"]["text"]) == ("p", "n")
    assert result["ckpt"]["inputs"]["ckpt_name"] == "c"
    for name in ("upscaler", "upscale", "vae"):
        assert result[name] == graph[name]


def test_of_the_picture_before_and_after_an_upscaler_one_is_chosen():
    graph = upscaled()
    graph["small"] = node("SaveImage", "Small", images=["vae", 0], filename_prefix="y")
    with pytest.raises(UserError, match=r"2 SaveImage nodes; set bench\.save_node"):
        find_roles(graph)
    assert find_roles(graph, Choices(save="Small")).save == "small"
    assert find_roles(graph, Choices(save="save")).save == "save"


def test_a_loop_in_a_graph_ends():
    graph = a_graph()
    graph["ckpt"] = changed(graph, "ckpt", odd=["save", 0])
    assert find_roles(graph).loras == ("lora",)


# ---------------------------------------------------------------- this year's nodes


def test_a_model_file_is_set_in_its_own_loader():
    graph = a_graph(
        ckpt=node("UNETLoader", unet_name="a.safetensors", weight_dtype="default"),
        clip=node("CLIPLoader", clip_name="b.safetensors", type="qwen_image"),
        vae_file=node("VAELoader", vae_name="c.safetensors"),
    )
    graph["lora"] = changed(graph, "lora", clip=["clip", 0])
    graph["vae"] = changed(graph, "vae", vae=["vae_file", 0])
    assert (
        patched(graph, checkpoint="d.safetensors")["ckpt"]["inputs"]["unet_name"] == "d.safetensors"
    )


def test_the_newer_save_node_counts_if_it_saves_png():
    graph = a_graph()
    graph["save"] = node(
        "SaveImageAdvanced", images=["vae", 0], filename_prefix="x", format="png",
        **{"format.bit_depth": "8-bit", "format.input_color_space": "sRGB"},
    )  # fmt: skip
    assert patched(graph)["save"]["inputs"]["filename_prefix"] == CELL.prefix
    graph["save"]["inputs"]["format"] = "exr"
    with pytest.raises(UserError, match=r"save \(SaveImageAdvanced\) saves exr"):
        find_roles(graph)


def of_both(negative=1):
    """Text to image with one encoder for both prompts, as TextEncodeMageFlowEdit."""
    both = node("TextEncodeMageFlowEdit", clip=["lora", 1], prompt="a cat", negative_prompt="x")
    sampler = changed(a_graph(), "sampler", positive=["pos", 0], negative=["pos", negative])
    return a_graph(pos=both, neg=None, sampler=sampler)


def test_an_encoder_of_both_prompts_has_a_text_for_each():
    roles = find_roles(of_both())
    assert (roles.positive, roles.negative) == (
        (Slot("pos", "prompt"),),
        (Slot("pos", "negative_prompt"),),
    )
    result = patched(of_both(), positive="a dog", negative="y")
    assert result["pos"]["inputs"] == {
        "clip": ["lora", 1],
        "prompt": "a dog",
        "negative_prompt": "y",
    }
    chosen = find_roles(of_both(), Choices(positive="pos", negative="pos"))
    assert (chosen.positive, chosen.negative) == (roles.positive, roles.negative)


def test_its_prompt_alone_for_both_is_shared():
    roles = find_roles(of_both(negative=0))
    assert (roles.positive, roles.negative) == ((), ())
    assert "share the text pos" in roles.reasons["positive"]


def dual(cond2, negative):
    """Text to image with a guider of three conditionings, and a third text."""
    graph = a_graph(third=node("CLIPTextEncode", clip=["lora", 1], text="a hat"))
    graph["guider"] = node("DualCFGGuider", model=["lora", 0], cond1=["pos", 0],
                           cond2=[cond2, 0], negative=[negative, 0])  # fmt: skip
    graph["noise"] = node("RandomNoise", noise_seed=1)
    graph["sampler"] = node("SamplerCustomAdvanced", guider=["guider", 0], noise=["noise", 0],
                            latent_image=["latent", 0])  # fmt: skip
    return graph


def test_the_middle_of_three_conditionings_may_have_the_negative_text():
    roles = find_roles(dual("neg", "neg"))
    assert (roles.positive, roles.negative) == ((Slot("pos", "text"),), (Slot("neg", "text"),))
    assert find_roles(dual("pos", "neg")).positive == roles.positive


def test_a_third_text_leaves_a_choice():
    roles = find_roles(dual("third", "neg"))
    assert "several texts feed it; set bench.positive_node" in roles.reasons["positive"]
    assert roles.negative == (Slot("neg", "text"),)
