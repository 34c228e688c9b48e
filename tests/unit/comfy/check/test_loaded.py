"""The checkpoint, or the model in a file alone, that a workflow loads."""

import pytest

from lorabench.comfy.check import loaded
from lorabench.comfy.graph.roles import Choices
from tests.graphs import a_graph, node


@pytest.mark.parametrize(
    "loader",
    [
        node("CheckpointLoaderSimple", ckpt_name="a.safetensors"),
        node("UNETLoader", unet_name="a.safetensors", weight_dtype="default"),
    ],
)
def test_it_is_read_from_its_loader(loader):
    assert loaded.checkpoint(a_graph(ckpt=loader), Choices()) == "a.safetensors"
