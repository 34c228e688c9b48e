"""The roles in graphs whose text encoders are loaded from several files."""

import pytest

from lorabench.comfy.graph.graph import Slot
from lorabench.comfy.graph.roles import find_roles
from tests.graphs import CELL, a_graph, changed, node, patched

LOADERS = [
    node("DualCLIPLoader", clip_name1="l.safetensors", clip_name2="g.safetensors", type="sd3"),
    node(
        "TripleCLIPLoader", clip_name1="l.safetensors", clip_name2="g.safetensors",
        clip_name3="t5.safetensors",
    ),
]  # fmt: skip


def of_files(loader):
    """Text to image with the model, the text encoders and the autoencoder in files of their own."""
    graph = a_graph(
        ckpt=node("UNETLoader", unet_name="a.safetensors", weight_dtype="default"),
        clip=loader,
        vae_file=node("VAELoader", vae_name="v.safetensors"),
        latent=node("EmptySD3LatentImage", width=64, height=64, batch_size=1),
    )
    graph["lora"] = changed(graph, "lora", clip=["clip", 0])
    graph["vae"] = changed(graph, "vae", vae=["vae_file", 0])
    return graph


def with_encoder_of_three(graph):
    """The same, with a text for each of the three encoders."""
    texts = {"pos": "a cat", "neg": "blurry"}
    return graph | {
        name: node(
            "CLIPTextEncodeSD3", clip=["lora", 1], clip_l=text, clip_g=text, t5xxl=text,
            empty_padding="none",
        )
        for name, text in texts.items()
    }  # fmt: skip


@pytest.mark.parametrize("loader", LOADERS, ids=lambda loader: loader["class_type"])
@pytest.mark.parametrize(
    ("encoded", "inputs"),
    [(dict, ("text",)), (with_encoder_of_three, ("clip_l", "clip_g", "t5xxl"))],
    ids=["CLIPTextEncode", "CLIPTextEncodeSD3"],
)
def test_each_role_is_found_past_a_loader_of_several_encoders(loader, encoded, inputs):
    graph = encoded(of_files(loader))
    roles = find_roles(graph)
    assert not roles.reasons
    assert roles.size == (Slot("latent", "width"), Slot("latent", "height"))
    assert roles.checkpoint == (Slot("ckpt", "unet_name"),)
    result = patched(graph, positive="p", negative="n", checkpoint="b.safetensors")
    assert [result["pos"]["inputs"][name] for name in inputs] == ["p"] * len(inputs)
    assert [result["neg"]["inputs"][name] for name in inputs] == ["n"] * len(inputs)
    assert (result["lora"]["inputs"]["lora_name"],) == CELL.loras
    assert result["sampler"]["inputs"]["seed"] == CELL.seed
    assert result["ckpt"]["inputs"]["unet_name"] == "b.safetensors"
    assert result["clip"] == loader
