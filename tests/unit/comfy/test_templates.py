"""ComfyUI's official templates of this year's families, with the tested LoRA put in.

`tests/workflows/node_info_0.33.json` is what ComfyUI 0.33.0 lists of their classes; some templates
are newer.
"""

import json
import re
from pathlib import Path

import pytest

from lorabench.comfy.graph.roles import find_roles, prompt
from lorabench.comfy.gui.convert import to_api
from lorabench.errors import UserError
from tests import frontend, templates

INFO = Path(__file__).parents[2] / "workflows" / "node_info_0.33.json"
NODE_INFO = json.loads(INFO.read_text("utf-8"))
PAGE = (Path(__file__).parents[3] / "docs" / "workflows.md").read_text("utf-8")
REFUSALS = {
    "the server has no class": "is newer than 0.33.0, or a custom node's",
    "LoRA loaders; set bench.lora_node": "has two models, so that the LoRA could be in either",
    "SaveImage nodes; set bench.save_node": "saves several pictures",
    "the workflow has no SaveImage node": "only shows its picture, or makes a video",
    "no sampler adds noise": "estimates depth, without noise",
}
NOT_IN_COMFYUI = {
    "CameraAngle", "ConditioningLoader", "ElevenLabsTextToSpeech", "Flux3LayoutPrompt",
    "GrokImageEditNode",
    "ImageRemoveAlpha+", "MOSSImageControl", "MOSSImageLayoutPrompt", "QwenImage21Cache",
    "ReferenceMultiLatent", "TextEncodeFibo2", "TextEncodeMOSSImageEdit",
    "TextEncodeMingImageEdit", "TextEncodeQwenImage21",
}  # fmt: skip
"""None is among the 632 classes that ComfyUI 0.33.0 lists without custom and API nodes."""
RENAMED = {"image_newbieimage_exp0_1-t2i": {"41:43": "41:53", "41:49": "41:54"}}
"""Nodes that have one id in the file and another in the frontend.

Their ids stand in the root graph too, and frontends of 2026 give the inner ones new ids.
"""
WITHOUT_PROMPT = {
    "several nodes write the text": "puts the prompt together of parts, of which any may be asked",
    "several texts feed it": "guides by the prompt, by another text, and by the prompt again",
    "no text feeds the sampler's positive": "scales a picture up, without a text",
}
"""Why the prompt of a template cannot be set without a choice."""


@pytest.fixture(scope="module")
def attempts():
    """The graphs of each template without the LoRA and with it, or why there are none."""
    graphs = {}
    for name, content in templates.of_pictures().items():
        try:
            both = content, templates.with_lora(content)
            graphs[name] = [to_api(one, NODE_INFO) for one in both]
        except UserError as error:
            graphs[name] = error
    return graphs


@pytest.fixture(scope="module")
def converted(attempts):
    """The templates of which there are graphs."""
    return {name: graphs for name, graphs in attempts.items() if isinstance(graphs, list)}


@pytest.fixture(scope="module")
def understood(attempts):
    """The graphs and roles of the templates that are understood, and why the others are not."""
    graphs, refused = {}, {}
    for name, found in attempts.items():
        try:
            if isinstance(found, UserError):
                raise found
            graphs[name] = found[1], find_roles(found[1])
        except UserError as error:
            refused[name] = str(error)
    return graphs, refused


def test_most_are_understood_and_the_others_refused_with_a_reason(understood, capsys):
    graphs, refused = understood
    with capsys.disabled():
        print(f"\n{len(graphs)} of {len(graphs) + len(refused)} templates are understood")
    assert len(graphs) >= 104
    for name, why in refused.items():
        assert any(words in why for words in REFUSALS), f"{name}: {why}"


def test_the_graphs_are_those_of_the_frontend(converted):
    """With the LoRA and without; each of 1.49.6's answers is recorded (`tests/frontend.py`)."""
    sent = json.loads(frontend.RECORD.read_text("utf-8"))["digests"]
    assert sent.keys() == templates.of_pictures().keys()
    assert len(converted) == 118
    for name, graphs in converted.items():
        ours = [frontend.digest(_renamed(graph, RENAMED.get(name, {}))) for graph in graphs]
        assert ours == sent[name], name


def _renamed(graph, ids):
    """A graph with other ids of nodes, also in its links."""

    def linked(value):
        is_link = isinstance(value, list) and value and value[0] in ids
        return [ids[value[0]], *value[1:]] if is_link else value

    return {
        ids.get(node, node): body | {"inputs": {k: linked(v) for k, v in body["inputs"].items()}}
        for node, body in graph.items()
    }


def test_only_classes_that_comfyui_has_not_are_refused_for_that(understood):
    """The record has a part of ComfyUI's classes, so it could lack one that ComfyUI has."""
    whole = "\n".join(understood[1].values())
    assert set(re.findall(r"the server has no class (\S+):", whole)) == NOT_IN_COMFYUI


def test_the_page_has_the_counts(understood):
    graphs, refused = understood
    missing = sum("the server has no class" in why for why in refused.values())
    choices = sum("; set bench." in why for why in refused.values())
    for count in (
        f"Of the {len(graphs) + len(refused)} templates",
        f" {len(graphs)} are understood",
        f" {missing} need nodes",
        f" {choices} ask for a choice",
        f" and {len(refused) - missing - choices} are refused",
    ):
        assert count in PAGE, count


def test_the_tested_lora_is_the_one_that_was_put_in(understood):
    for name, (graph, roles) in understood[0].items():
        for node in roles.loras:
            lora = graph[node]["inputs"]["lora_name"]
            assert lora == "LORA_UNDER_TEST.safetensors", name


def test_without_one_a_turbo_lora_behind_a_switch_is_not_taken_for_it():
    found = templates.of_pictures()
    for name in ("image_anima_base_v1", "image_qwen_Image_2512", "image_flux2"):
        with pytest.raises(UserError, match="no LoraLoader with the tested LoRA"):
            find_roles(to_api(found[name], NODE_INFO))


@pytest.mark.parametrize(
    ("name", "begins", "kept"),
    [
        ("image_netayume_lumina_t2i", "@comfyanonymous", "You are an assistant"),
        ("image_krea2_turbo_t2i", "A high-resolution, surreal", "You are an expert"),
    ],
)
def test_a_prompt_is_written_beside_its_system_prompt(understood, name, begins, kept):
    graph, roles = understood[0][name]
    (slot,) = roles.positive
    assert graph[slot.node]["inputs"][slot.input].startswith(begins)
    texts = [value for body in graph.values() for value in body["inputs"].values()]
    assert any(isinstance(text, str) and text.startswith(kept) for text in texts)


def test_the_prompt_of_most_can_be_set_and_the_others_have_a_reason(understood, capsys):
    without = {
        name: roles.reasons["positive"]
        for name, (_, roles) in understood[0].items()
        if not roles.positive
    }
    with capsys.disabled():
        print(f"\n{len(without)} of {len(understood[0])} leave a choice of the prompt")
    assert len(without) <= 7
    for name, why in without.items():
        assert any(words in why for words in WITHOUT_PROMPT), f"{name}: {why}"


def test_two_models_get_a_lora_each_only_in_wan(understood):
    pairs = [name for name, (_, roles) in understood[0].items() if len(roles.loras) > 1]
    assert pairs == ["video_bernini_r_image_editing"]


def test_the_prompt_of_most_is_known(understood):
    known = [name for name, found in understood[0].items() if prompt(*found)]
    assert len(known) > 0.9 * len(understood[0])


def test_the_model_of_most_can_be_set(understood):
    known = [name for name, (_, roles) in understood[0].items() if roles.checkpoint]
    assert len(known) > 0.9 * len(understood[0])
