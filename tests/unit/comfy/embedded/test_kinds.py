"""Every kind of LoRA file changes the bundled model's weights as a real ComfyUI changes them."""

import logging

import pytest
import torch

from lorabench.base import model
from lorabench.comfy.embedded import loras
from lorabench.comfy.embedded.loras import Patch, Patchable
from tests.lora_kinds import BUNDLED, KINDS, REFUSED

STRENGTH = 0.8
COMFYUIS = {  # by ComfyUI 0.3.64 at this strength: the sum of |change|, and of change × weight
    "kohya, SD1.x": (40725.3, 4.02395),
    "kohya, SDXL's names": (40725.3, 4.02395),
    "diffusers, attention processors": (18112.6, 2.03603),
    "diffusers before PEFT": (40725.3, 4.02395),
    "diffusers with PEFT": (40725.3, 4.02395),
    "diffusers, with alphas": (40725.3, 4.02395),
    "PEFT, UNet": (32036.9, 4.3551),
    "PEFT, text encoder": (8553.44, 2.3204),
    "PEFT, named adapter": (32036.9, 4.3551),
    "ai-toolkit": (72245.9, 2.06137),
    "ai-toolkit, all layers": (2004.08, 21.9299),
    "OneTrainer": (72245.9, 2.06137),
    "OneTrainer, for diffusers": (72245.9, 2.06137),
    "OneTrainer, for ComfyUI": (72245.9, 2.06137),
    "OneTrainer, original names": (51135.6, 2.64743),
    "OneTrainer, with an embedding": (40725.3, 4.02395),
    "with an A1111 embedding": (40725.3, 4.02395),
    "LyCORIS, own names": (40725.3, 4.02395),
    "LoCon": (32868, 0.787381),
    "LoCon in Tucker form": (30898.4, -0.38442),
    "LoHa": (53660.6, 0.427541),
    "LoHa in Tucker form": (21752, -1.17853),
    "LoKr": (59358.6, 6.55209),
    "LoKr, half precision": (59358.9, 6.55089),
    "LoKr of low rank": (54443.2, 0.00531603),
    "LoKr, both of low rank": (34093.9, 2.30068),
    "LoKr in Tucker form": (2371.24, -0.0573686),
    "GLoRA": (41145.5, -2.16067),
    "DoRA": (98135.2, -1537.24),
    "DoRA along the outputs": (112744, -51.7713),
    "LoHa with DoRA": (88342.6, -1441.18),
    "LoKr with DoRA": (89300.5, -1399.85),
    "norm differences": (2004.08, 21.9299),
    "full differences": (28102.4, -1.63525),
    "with differences of biases": (15696.7, -0.518392),
    "replaced weights": (6787.61, -322.436),
    "mixed ranks": (39600.9, 3.62498),
    "float32": (40725.3, 4.02343),
    "bfloat16": (40725.9, 4.02666),
    "float8, e4m3": (40710.7, 4.01633),
    "float8, e5m2": (40502.7, 3.67093),
    "alphas missing": (40725.3, 4.02395),
    "alphas of one dimension": (40725.3, 4.02395),
    "alphas of whole numbers": (40725.3, 4.02395),
    "alphas, each another": (13199.4, 1.20823),
    "text encoder only": (8553.44, 2.3204),
    "UNet only": (32036.9, 4.3551),
    "no metadata": (40725.3, 4.02395),
    "odd metadata": (40725.3, 4.02395),
    "a stray alpha": (40725.3, 4.02395),
    "norms of the text encoder": (40725.3, 4.02395),
}
LINES = {
    "LoKr in Tucker form": 22,
    "OneTrainer, with an embedding": 2,
    "with an A1111 embedding": 1,
    "a stray alpha": 1,
    "norms of the text encoder": 2,
}
"""How many tensors or layers ComfyUI logs that it leaves, where there are any."""


@pytest.fixture(scope="module")
def networks():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several on small matrices wait for each other
    parts = model.load(BUNDLED, "cpu", torch.float32)
    yield Patchable(parts.unet, "unet"), Patchable(parts.text_encoders[0], "text_encoder")
    torch.set_num_threads(threads)


def weights(networks):
    return [weight.clone() for one in networks for weight in one.network.parameters()]


def test_each_kind_has_its_numbers():
    assert COMFYUIS.keys() == KINDS.keys() and LINES.keys() < KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_changes_the_weights_as_comfyui_does(tmp_path, networks, caplog, kind):
    file = loras.read(KINDS[kind].write(tmp_path / "a.safetensors"))
    before = weights(networks)
    with caplog.at_level(logging.WARNING):
        loras.report_unused(file, networks)
        for one in networks:
            one.with_patches((Patch(file, STRENGTH),))
    pairs = zip(weights(networks), before, strict=True)
    changes = [((now - old).double(), old.double()) for now, old in pairs]
    size = sum(change.abs().sum().item() for change, _ in changes)
    along = sum((change * old).sum().item() for change, old in changes)
    assert size == pytest.approx(COMFYUIS[kind][0], rel=1e-5)
    assert along == pytest.approx(COMFYUIS[kind][1], abs=1e-6 * size)
    assert len(caplog.messages) == LINES.get(kind, 0)
    for one in networks:
        one.with_patches(())
    assert all(map(torch.equal, weights(networks), before))


@pytest.mark.parametrize("kind", REFUSED)
def test_of_a_kind_that_is_refused_the_keys_are_not_loaded(tmp_path, networks, caplog, kind):
    file = loras.read(REFUSED[kind][0].write(tmp_path / "a.safetensors"))
    with caplog.at_level(logging.WARNING):
        loras.report_unused(file, networks)
    assert "lora key not loaded" in caplog.text
