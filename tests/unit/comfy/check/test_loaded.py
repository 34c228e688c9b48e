"""The checkpoint that a workflow loads."""

import pytest

from lorabench.comfy.check import loaded
from lorabench.comfy.graph.roles import Choices
from tests.graphs import a_graph, node


@pytest.mark.parametrize(
    ("loader", "name"),
    [
        (node("CheckpointLoaderSimple", ckpt_name="a.safetensors"), "a.safetensors"),
        (node("UNETLoader", unet_name="a.safetensors", weight_dtype="default"), None),
    ],
)
def test_a_model_alone_is_no_checkpoint(loader, name):
    assert loaded.checkpoint(a_graph(ckpt=loader), Choices()) == name
