import copy
from dataclasses import replace
from pathlib import Path

import pytest

from lorabench.comfy.graph.graph import Slot, describe
from lorabench.comfy.graph.patching import cell_slots, shared_digest, with_nonce
from lorabench.comfy.graph.roles import Choices, find_roles, prompt
from lorabench.comfy.graph.workflow import load
from lorabench.errors import UserError
from tests.graphs import CELL, a_graph, changed, node, patched, two_loras, with_refiner

BUNDLED = Path("config/workflows")

# ---------------------------------------------------------------- the plain case


def test_everything_is_set_and_nothing_else():
    graph = a_graph()
    before = copy.deepcopy(graph)
    result = patched(graph, batch_size=3, positive="p", negative="n", checkpoint="b.safetensors")
    assert graph == before
    expected = copy.deepcopy(before)
    expected["lora"]["inputs"] |= {
        "lora_name": "new.safetensors", "strength_model": 0.4, "strength_clip": 0.4,
    }  # fmt: skip
    expected["sampler"]["inputs"]["seed"] = 7
    expected["save"]["inputs"]["filename_prefix"] = CELL.prefix
    expected["latent"]["inputs"]["batch_size"] = 3
    expected["pos"]["inputs"]["text"] = "p"
    expected["neg"]["inputs"]["text"] = "n"
    expected["ckpt"]["inputs"]["ckpt_name"] = "b.safetensors"
    assert result == expected


def test_prompts_and_checkpoint_stay_where_the_cell_has_none():
    result = patched(a_graph())
    assert result["pos"] == a_graph()["pos"]
    assert result["neg"] == a_graph()["neg"]
    assert result["ckpt"] == a_graph()["ckpt"]


def test_an_empty_prompt_is_a_prompt():
    assert patched(a_graph(), negative="")["neg"]["inputs"]["text"] == ""


def test_weight_0_still_names_the_lora_with_both_strengths_0():
    inputs = patched(a_graph(), weight=0.0)["lora"]["inputs"]
    assert (inputs["lora_name"], inputs["strength_model"], inputs["strength_clip"]) == (
        "new.safetensors", 0.0, 0.0,
    )  # fmt: skip


def test_the_batch_size_of_the_workflow_gives_way_to_the_cells():
    graph = a_graph()
    graph["latent"] = changed(graph, "latent", batch_size=8)
    assert patched(graph)["latent"]["inputs"]["batch_size"] == 1


@pytest.mark.parametrize("name", ["drawnworld_lora_bench", "sd15_lora_bench"])
def test_the_bundled_workflows_can_be_patched_in_every_role(name):
    graph = load(BUNDLED / f"{name}.json")
    roles = find_roles(graph)
    assert not roles.reasons
    result = patched(graph, batch_size=2, positive="p", negative="n", checkpoint="c")
    assert result["3"]["inputs"]["text"] == "p"
    assert result["4"]["inputs"]["text"] == "n"
    assert all(body["_meta"]["title"] for body in graph.values())


def test_a_nonce_touches_only_the_save_node():
    graph = a_graph()
    result = with_nonce(graph, "save", "abc")
    assert result["save"]["inputs"].pop("lorabench_nonce") == "abc"
    assert result == graph


def test_cell_slots_are_what_tells_cells_apart():
    graph = a_graph()
    assert {slot.input for slot in cell_slots(graph, find_roles(graph))} == {
        "seed", "lora_name", "strength_model", "strength_clip",
    }  # fmt: skip


def test_the_prompt_is_told_where_there_is_one():
    graph = a_graph()
    assert prompt(graph, find_roles(graph)) == "a cat"
    linked = a_graph(
        pos=changed(graph, "pos", text=["words", 0]), words=node("PrimitiveString", value="a dog")
    )
    assert prompt(linked, find_roles(linked)) == "a dog"
    linked["pos"] = changed(linked, "pos", text=["shown", 0])
    linked["shown"] = node("ShowText|pysssss", text=["words", 0])
    assert prompt(linked, find_roles(linked)) == "a dog"
    linked["shown"] = node("ShowText|pysssss", text=["shown", 0])
    assert prompt(linked, find_roles(linked)) is None


def test_a_prompt_that_a_node_composes_is_not_told():
    graph = a_graph(
        pos=changed(a_graph(), "pos", text=["words", 0]),
        words=node("StringConcatenate", string_a="a ", string_b="dog", delimiter=""),
    )
    assert prompt(graph, find_roles(graph)) is None


def test_the_cells_of_one_sweep_share_a_digest():
    graph = a_graph()
    roles = find_roles(graph)
    digest = shared_digest(graph, roles, CELL)
    assert digest == shared_digest(graph, roles, replace(CELL, weight=0.0, seed=8, prefix="p"))
    others = (replace(CELL, positive="a dog"), replace(CELL, loras=("other.safetensors",)))
    assert digest not in {shared_digest(graph, roles, other) for other in others}
    more_steps = a_graph(sampler=changed(graph, "sampler", steps=3))
    assert digest != shared_digest(more_steps, roles, CELL)


def test_the_size_of_the_workflow_gives_way_to_the_cells():
    latent = patched(a_graph(), size=(832, 1216))["latent"]["inputs"]
    assert (latent["width"], latent["height"]) == (832, 1216)
    assert patched(a_graph())["latent"] == a_graph()["latent"]


def test_noise_levels_for_a_size_follow_it():
    graph = load(BUNDLED / "flux2_klein_lora_bench.json")
    roles = find_roles(graph)
    sized = {graph[slot.node]["class_type"] for slot in roles.size}
    assert sized == {"EmptyFlux2LatentImage", "Flux2Scheduler"}


def test_a_picture_has_the_size_that_it_has():
    graph = a_graph(latent=node("VAEEncode", pixels=["photo", 0], vae=["ckpt", 2]))
    graph["photo"] = node("LoadImage", image="photo.png")
    with pytest.raises(UserError, match="size cannot be set: the sampler's latent image comes"):
        patched(graph, size=(64, 64))


def test_describe_leaves_out_a_title_that_says_nothing():
    graph = a_graph(lora=node("LoraLoader", "LoraLoader"))
    assert describe(graph, "lora") == "lora (LoraLoader)"
    assert describe(graph, "pos") == 'pos (CLIPTextEncode "Prompt")'


# ---------------------------------------------------------------- LoRA loaders


def test_two_lora_loaders_ask_for_a_choice_and_name_both():
    with pytest.raises(UserError) as caught:
        find_roles(two_loras())
    for part in ("2 LoRA loaders", "bench.lora_node", "lora (LoraLoader)", 'first (LoraLoader "De'):
        assert part in str(caught.value)


@pytest.mark.parametrize("choice", ["first", "Detail"])
def test_a_lora_loader_is_chosen_by_id_or_title_and_the_other_stays(choice):
    result = patched(two_loras(), Choices(lora=choice))
    assert result["first"]["inputs"]["lora_name"] == "new.safetensors"
    assert result["lora"] == two_loras()["lora"]


def test_a_choice_that_is_no_lora_loader_is_refused_with_the_candidates():
    with pytest.raises(UserError, match=r"bench.lora_node = 'save' fits no node .* of: lora"):
        find_roles(a_graph(), Choices(lora="save"))


def test_a_title_that_two_nodes_have_is_refused():
    with pytest.raises(UserError, match="'Prompt' fits several nodes"):
        find_roles(a_graph(), Choices(positive="Prompt"))


def test_a_workflow_without_lora_loader_is_told_how_to_add_one():
    graph = a_graph(lora=None)
    graph["sampler"] = changed(graph, "sampler", model=["ckpt", 0])
    graph["pos"] = changed(graph, "pos", clip=["ckpt", 1])
    graph["neg"] = changed(graph, "neg", clip=["ckpt", 1])
    with pytest.raises(UserError, match="add one between the checkpoint loader and"):
        find_roles(graph)


def test_a_lora_loader_that_feeds_nothing_is_none():
    stray = node("LoraLoader", lora_name="x", strength_model=1, strength_clip=1)
    assert find_roles(a_graph(stray=stray)).loras == ("lora",)


def test_a_model_only_loader_has_one_strength():
    loader = node("LoraLoaderModelOnly", model=["ckpt", 0], lora_name="old", strength_model=1.0)
    graph = a_graph(lora=loader)
    graph["pos"] = changed(graph, "pos", clip=["ckpt", 1])
    graph["neg"] = changed(graph, "neg", clip=["ckpt", 1])
    inputs = patched(graph)["lora"]["inputs"]
    assert inputs["strength_model"] == 0.4
    assert "strength_clip" not in inputs


def test_a_loader_without_a_strength_is_not_taken():
    loader = node("OddLoader", model=["ckpt", 0], clip=["ckpt", 1], lora_name="old")
    with pytest.raises(UserError, match=r"no LoraLoader .* feeds save.*lora \(OddLoader\)"):
        find_roles(a_graph(lora=loader))


# ---------------------------------------------------------------- linked values


def test_a_linked_strength_and_prompt_are_replaced_with_their_links():
    graph = a_graph(
        number=node("PrimitiveFloat", value=0.9), words=node("PrimitiveString", value="a dog")
    )
    graph["lora"] = changed(graph, "lora", strength_model=["number", 0], lora_name=["words", 0])
    graph["pos"] = changed(graph, "pos", text=["words", 0])
    result = patched(graph, positive="a bird")
    assert result["lora"]["inputs"]["strength_model"] == 0.4
    assert result["lora"]["inputs"]["lora_name"] == "new.safetensors"
    assert result["pos"]["inputs"]["text"] == "a bird"


@pytest.mark.parametrize("linked", [("strength_clip",), ("strength_model", "strength_clip")])
def test_strengths_by_link_are_both_set_and_their_source_stays(linked):
    graph = a_graph(number=node("PrimitiveFloat", value=0.9))
    graph["lora"] = changed(graph, "lora", **{name: ["number", 0] for name in linked})
    roles = find_roles(graph)
    result = patched(graph)
    inputs = result["lora"]["inputs"]
    assert (inputs["strength_model"], inputs["strength_clip"]) == (0.4, 0.4)
    assert result["number"] == graph["number"]
    assert {Slot("lora", name) for name in linked} <= set(cell_slots(graph, roles))


def test_a_seed_by_link_is_replaced_in_every_sampler_that_takes_it():
    graph = a_graph(number=node("PrimitiveInt", value=3))
    graph["sampler"] = changed(graph, "sampler", seed=["number", 0])
    second = changed(graph, "sampler", latent_image=["sampler", 0])
    graph |= {"second": second, "vae": changed(graph, "vae", samples=["second", 0])}
    result = patched(graph, Choices(sampler="second"))
    assert result["sampler"]["inputs"]["seed"] == 7
    assert result["second"]["inputs"]["seed"] == 7


# ---------------------------------------------------------------- samplers and savers


def hires_fix():
    graph = a_graph()
    graph["upscale"] = node("LatentUpscale", samples=["sampler", 0], width=128, height=128)
    graph["second"] = changed(graph, "sampler", latent_image=["upscale", 0], seed=2)
    graph["vae"] = changed(graph, "vae", samples=["second", 0])
    return graph


def test_both_samplers_of_a_hires_fix_get_the_seed():
    result = patched(hires_fix(), positive="p")
    assert [result[name]["inputs"]["seed"] for name in ("sampler", "second")] == [7, 7]
    assert result["pos"]["inputs"]["text"] == "p"


@pytest.mark.parametrize(("choice", "seeds"), [("sampler", (7, 2)), ("second", (1, 7))])
def test_the_chosen_sampler_gets_the_seed_and_the_latent_is_found_behind_both(choice, seeds):
    result = patched(hires_fix(), Choices(sampler=choice), batch_size=2)
    assert tuple(result[name]["inputs"]["seed"] for name in ("sampler", "second")) == seeds
    assert result["latent"]["inputs"]["batch_size"] == 2


def a_detailer(**inputs):
    """What draws faces anew, behind the sampler, with a prompt of their own."""
    graph = a_graph(
        face=node("CLIPTextEncode", clip=["lora", 1], text="a face"),
        detailer=node(
            "FaceDetailer", image=["vae", 0], model=["lora", 0], seed=777, steps=2, denoise=0.5,
            sampler_name="euler", positive=["face", 0], negative=["neg", 0], **inputs,
        ),
    )  # fmt: skip
    return graph | {"save": changed(graph, "save", images=["detailer", 0])}


def test_a_detailer_behind_the_sampler_gets_the_seed_and_keeps_its_prompt():
    result = patched(a_detailer(), positive="p")
    assert result["sampler"]["inputs"]["seed"] == 7
    assert result["detailer"]["inputs"]["seed"] == 7
    assert result["pos"]["inputs"]["text"] == "p"
    assert result["face"]["inputs"]["text"] == "a face"
    assert patched(a_detailer(), Choices(sampler="sampler"))["detailer"]["inputs"]["seed"] == 777


def test_a_seed_that_draws_nothing_stays():
    wildcards = node("ImpactWildcardProcessor", wildcard_text="a", seed=5)
    graph = a_graph(words=wildcards)
    graph["pos"] = changed(graph, "pos", text=["words", 0])
    assert patched(graph)["words"] == wildcards


def test_an_upscaler_that_draws_over_a_photo_is_a_sampler_of_its_own():
    graph = a_graph(
        sampler=None, latent=None, vae=None, photo=node("LoadImage", image="x.png"),
        big=node(
            "UltimateSDUpscale", image=["photo", 0], model=["lora", 0], positive=["pos", 0],
            negative=["neg", 0], seed=1, steps=2, denoise=0.3, sampler_name="euler",
        ),
    )  # fmt: skip
    graph["save"] = changed(graph, "save", images=["big", 0])
    result = patched(graph, positive="p")
    assert (result["big"]["inputs"]["seed"], result["pos"]["inputs"]["text"]) == (7, "p")


def test_an_advanced_sampler_has_a_noise_seed():
    graph = a_graph()
    inputs = dict(graph["sampler"]["inputs"])
    inputs["noise_seed"] = inputs.pop("seed")
    graph["sampler"] = node("KSamplerAdvanced", **inputs)
    assert patched(graph)["sampler"]["inputs"]["noise_seed"] == 7


def test_no_sampler_is_an_error():
    image = node("LoadImage", image="x.png")
    with pytest.raises(UserError, match="no sampler feeds save"):
        find_roles(a_graph(vae=image))


def test_two_save_nodes_ask_for_a_choice_which_settles_it():
    graph = a_graph(other=node("SaveImage", "Raw", images=["vae", 0], filename_prefix="y"))
    with pytest.raises(UserError, match=r"2 SaveImage nodes; set bench.save_node"):
        find_roles(graph)
    result = patched(graph, Choices(save="Raw"))
    assert result["other"]["inputs"]["filename_prefix"] == CELL.prefix
    assert result["save"] == graph["save"]


def test_a_preview_is_no_save_node():
    with pytest.raises(UserError, match=r"no SaveImage node; save \(PreviewImage\) is none"):
        find_roles(a_graph(save=node("PreviewImage", images=["vae", 0])))


# ---------------------------------------------------------------- prompts


def test_texts_are_told_apart_by_links_even_with_one_title():
    roles = find_roles(a_graph())
    assert roles.positive == (Slot("pos", "text"),)
    assert roles.negative == (Slot("neg", "text"),)


def test_a_zeroed_negative_takes_no_text_but_does_no_harm():
    graph = a_graph(neg=node("ConditioningZeroOut", conditioning=["pos", 0]))
    assert patched(graph, positive="p")["pos"]["inputs"]["text"] == "p"
    with pytest.raises(UserError, match=r"negative cannot be set: no text feeds .* negative"):
        patched(graph, negative="n")


def test_no_negative_at_all_matters_only_where_one_is_wanted():
    graph = a_graph(neg=None)
    del graph["sampler"]["inputs"]["negative"]
    assert patched(graph)
    with pytest.raises(UserError, match=r"bench\.negative_node .* pos \(CLIPTextEncode"):
        patched(graph, negative="n")


def test_one_text_for_both_is_not_patched_for_one():
    graph = a_graph()
    graph["sampler"] = changed(graph, "sampler", negative=["pos", 0])
    for role in ("positive", "negative"):
        with pytest.raises(UserError, match="share the text pos"):
            patched(graph, **{role: "words"})


def test_combined_texts_ask_for_a_choice():
    graph = a_graph(more=node("CLIPTextEncode", "Style", clip=["lora", 1], text="flat"))
    graph["both"] = node(
        "ConditioningCombine", conditioning_1=["pos", 0], conditioning_2=["more", 0]
    )
    graph["sampler"] = changed(graph, "sampler", positive=["both", 0])
    with pytest.raises(UserError, match=r"several texts feed it; set bench.positive_node"):
        patched(graph, positive="p")
    result = patched(graph, Choices(positive="Style"), positive="p")
    assert result["more"]["inputs"]["text"] == "p"
    assert result["pos"]["inputs"]["text"] == "a cat"


def test_a_controlnet_keeps_positive_and_negative_apart():
    graph = a_graph()
    graph["net"] = node("ControlNetApplyAdvanced", positive=["pos", 0], negative=["neg", 0])
    graph["sampler"] = changed(graph, "sampler", positive=["net", 0], negative=["net", 1])
    result = patched(graph, positive="p", negative="n")
    assert (result["pos"]["inputs"]["text"], result["neg"]["inputs"]["text"]) == ("p", "n")


def test_sdxls_two_text_fields_are_both_set():
    encoder = node("CLIPTextEncodeSDXL", clip=["lora", 1], text_g="g", text_l="l", width=64)
    inputs = patched(a_graph(pos=encoder), positive="p")["pos"]["inputs"]
    assert (inputs["text_g"], inputs["text_l"]) == ("p", "p")


# ---------------------------------------------------------------- latent, checkpoint


@pytest.mark.parametrize(
    ("class_type", "fields"),
    [
        ("CLIPTextEncodeFlux", ("clip_l", "t5xxl")),
        ("CLIPTextEncodeSD3", ("clip_l", "clip_g", "t5xxl")),
        ("CLIPTextEncodeHiDream", ("clip_l", "clip_g", "t5xxl", "llama")),
        ("CLIPTextEncodeLumina2", ("user_prompt",)),
        ("TextEncodeQwenImageEdit", ("prompt",)),
    ],
)
def test_every_field_of_an_encoder_is_set(class_type, fields):
    texts = {field: f"{field} text" for field in fields}
    graph = a_graph(pos=node(class_type, clip=["lora", 1], guidance=3.5, **texts))
    inputs = patched(graph, positive="p")["pos"]["inputs"]
    assert inputs == {"clip": ["lora", 1], "guidance": 3.5, **dict.fromkeys(fields, "p")}


def test_image_to_image_has_a_batch_of_one_only():
    graph = a_graph(latent=node("VAEEncode", pixels=["photo", 0]), photo=node("LoadImage"))
    assert patched(graph)
    with pytest.raises(UserError, match="batch_size cannot be set"):
        patched(graph, batch_size=2)


def test_two_latents_ask_for_a_choice():
    graph = a_graph(other=node("EmptyLatentImage", "Second", width=64, height=64, batch_size=1))
    graph["mix"] = node("LatentBlend", samples1=["latent", 0], samples2=["other", 0])
    graph["sampler"] = changed(graph, "sampler", latent_image=["mix", 0])
    with pytest.raises(UserError, match=r"set bench\.latent_node"):
        find_roles(graph)
    assert find_roles(graph, Choices(latent="Second")).batch_size == (Slot("other", "batch_size"),)


def test_two_checkpoints_matter_only_where_one_is_to_be_set():
    graph = a_graph(other=node("CheckpointLoaderSimple", ckpt_name="o.safetensors"))
    graph["lora"] = changed(graph, "lora", clip=["other", 1])
    assert patched(graph)
    with pytest.raises(UserError, match="checkpoint cannot be set: several nodes load one"):
        patched(graph, checkpoint="c")


def test_the_checkpoint_is_the_one_that_the_lora_is_put_on():
    graph = with_refiner()
    result = patched(graph, checkpoint="c")
    assert result["ckpt"]["inputs"]["ckpt_name"] == "c"
    assert result["refiner"] == graph["refiner"]


def test_where_no_text_is_left_no_choice_is_offered():
    graph = a_graph(pos=None, neg=None)
    graph["sampler"] = changed(graph, "sampler", positive=["lora", 1], negative=["lora", 1])
    with pytest.raises(UserError) as caught:
        patched(graph, positive="a cat")
    assert str(caught.value) == "positive cannot be set: no text feeds the sampler's positive"
    with pytest.raises(UserError, match="fits no node of that kind; there is none"):
        find_roles(graph, Choices(positive="pos"))
