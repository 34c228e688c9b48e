"""A TAESD under ComfyUI's names: its layers, and what its latents are scaled by."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from lorabench.base import checkpoint, model, tiny_autoencoder
from lorabench.base.networks import AutoencoderTiny
from lorabench.base.stable_diffusion import SD15
from lorabench.comfy.embedded.devices import Device
from lorabench.comfy.embedded.engine import Engine
from lorabench.errors import UserError
from lorabench.train.external import limits
from tests import checkpoints

VAE = "first_stage_model."
PIXELS = torch.linspace(-1, 1, 3 * 16 * 16).reshape(1, 3, 16, 16)


@pytest.fixture(scope="module")
def plain():
    """The same network as diffusers has it."""
    torch.manual_seed(1)
    vae = AutoencoderTiny().eval().requires_grad_(False)
    vae.decoder.layers[-1].bias += 0.5  # grey, so that nothing is cut off
    return vae


@pytest.fixture
def tensors(plain):
    def named(key):
        side, _, number, rest = key.split(".", 3)
        return f"taesd_{side}.{int(number) + (side == 'decoder')}.{rest}"

    return {named(key): tensor.clone() for key, tensor in plain.state_dict().items()}


def filled(tensors):
    vae, weights = tiny_autoencoder.read(tensors, 0.18215)
    vae.load_state_dict(weights)
    return vae.eval().requires_grad_(False)


def test_its_layers_are_those_of_diffusers(plain, tensors):
    vae = filled(tensors)
    assert torch.equal(vae.encode(PIXELS).latents, plain.encode(PIXELS).latents)
    latents = plain.encode(PIXELS).latents
    assert torch.equal(vae.decode(latents).sample, plain.decode(latents).sample)


def test_its_latents_are_scaled_as_the_file_says(plain, tensors):
    scales = {"vae_scale": torch.tensor(0.5), "vae_shift": torch.tensor(0.25)}
    vae = filled(tensors | scales)
    own = plain.encode(PIXELS).latents
    assert torch.equal(vae.encode(PIXELS).latents, own / 0.5 + 0.25)
    assert torch.allclose(vae.decode(own / 0.5 + 0.25).sample, plain.decode(own).sample, atol=1e-6)
    assert vae.config.scaling_factor == 0.18215


def test_a_checkpoint_with_one_is_loaded(plain, tensors, tmp_path, monkeypatch):
    for part, micro in checkpoints.MICRO_LDM.items():
        monkeypatch.setitem(SD15.configs, part, micro)
    whole = checkpoints.save_micro_file(tmp_path / "kl.safetensors", tmp_path / "kl")
    weights = {k: one for k, one in load_file(whole).items() if not k.startswith(VAE)}
    path = tmp_path / "tiny.safetensors"
    save_file(weights | {VAE + name: tensor for name, tensor in tensors.items()}, path)
    loaded = model.load(path, "cpu", torch.float32)
    latents = loaded.encode(PIXELS)
    assert torch.equal(latents, plain.encode(PIXELS).latents * 0.18215)
    drawn = plain.decode(plain.encode(PIXELS).latents).sample
    assert drawn.abs().max() < 0.9
    assert torch.allclose(loaded.decode(latents), drawn, atol=1e-5)
    alone = model.load_autoencoder(path, "cpu")
    assert torch.equal(alone.encode(PIXELS).latents, plain.encode(PIXELS).latents)


def test_a_folder_with_one_has_the_latents_of_a_file(plain, tensors, tmp_path, monkeypatch):
    for part, micro in checkpoints.MICRO_LDM.items():
        monkeypatch.setitem(SD15.configs, part, micro)
    folder = tmp_path / "m"
    checkpoints.save_micro_file(tmp_path / "kl.safetensors", folder)
    shutil.rmtree(folder / "vae")
    plain.save_pretrained(folder / "vae")
    index = json.loads((folder / "model_index.json").read_text())
    index["vae"] = ["diffusers", "AutoencoderTiny"]
    (folder / "model_index.json").write_text(json.dumps(index))
    assert checkpoint.inspect(folder).tiny_vae
    loaded = model.load(folder, "cpu", torch.float32)
    of_file = filled(tensors | {"vae_scale": torch.tensor(0.18215)})
    unscaled = model.mean_latents(loaded.vae, PIXELS)
    assert torch.allclose(unscaled, of_file.encode(PIXELS).latents, atol=1e-5)
    assert torch.allclose(
        loaded.decode(loaded.encode(PIXELS)), of_file.decode(unscaled).sample, atol=1e-5
    )
    with pytest.raises(UserError, match="tiny one"):
        limits.of(checkpoint.inspect(folder), "kohya")


def test_one_for_another_family_is_refused(tensors, tmp_path):
    wide = tensors | {"taesd_decoder.1.weight": torch.zeros(64, 16, 3, 3)}
    save_file(wide, tmp_path / "taesd16.safetensors")
    with pytest.raises(UserError, match=r"taesd16\.safetensors: not a VAE of SD1\.x or SDXL"):
        Engine(Device("cpu", torch.float32, 1)).vae(tmp_path / "taesd16.safetensors")


def test_the_server_loads_one_in_a_file_alone(plain, tensors, tmp_path):
    save_file(tensors, tmp_path / "taesd.safetensors")
    engine = Engine(Device("cpu", torch.float32, 1))
    vae = engine.vae(tmp_path / "taesd.safetensors")
    pictures = (PIXELS.movedim(1, -1) + 1) / 2
    assert torch.allclose(engine.encode(vae, pictures), plain.encode(PIXELS).latents, atol=1e-5)
