import pytest
import torch
from safetensors.torch import load_file, save_file

from lorabench.base import model
from lorabench.base.stable_diffusion import SD15
from lorabench.errors import UserError
from tests import checkpoints, transformer_files


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """One narrow SD1.x model as (file, folder); the loader's architecture is as narrow."""
    root = tmp_path_factory.mktemp("narrow")
    with pytest.MonkeyPatch.context() as patch:
        for part, micro in checkpoints.MICRO_LDM.items():
            patch.setitem(SD15.configs, part, micro)
        yield checkpoints.save_micro_file(root / "m.safetensors", root / "m"), root / "m"


def parts(loaded):
    encoders = {f"text_encoder_{n}": one for n, one in enumerate(loaded.text_encoders, 1)}
    networks = {"unet": loaded.unet, "vae": loaded.vae, **encoders}
    return {name: network.state_dict() for name, network in networks.items()}


def assert_equal(one, other):
    for name, tensors in parts(one).items():
        twin = parts(other)[name]
        assert tensors.keys() == twin.keys()
        assert all(torch.equal(tensors[key], twin[key]) for key in tensors), name


def test_file_and_folder_of_the_same_weights_load_alike(narrow):
    file, folder = (model.load(path, "cpu", torch.float32) for path in narrow)
    assert_equal(file, folder)
    assert torch.equal(file.alphas_cumprod, folder.alphas_cumprod)
    text = "a ponnyu, (red) cat's 日本語"
    assert file.tokenizer(text).input_ids == folder.tokenizer(text).input_ids


def test_older_files_name_the_text_encoder_without_a_wrapper(narrow, tmp_path):
    weights = {
        key.replace("transformer.text_model.", "transformer."): tensor
        for key, tensor in load_file(narrow[0]).items()
    }
    weights["cond_stage_model.transformer.embeddings.position_ids"] = torch.arange(77)[None]
    save_file(weights, tmp_path / "old.safetensors")
    loaded = model.load(tmp_path / "old.safetensors", "cpu", torch.float32)
    assert_equal(loaded, model.load(narrow[0], "cpu", torch.float32))


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_every_part_has_the_dtype_that_was_asked_for(narrow, dtype):
    for path in narrow:
        for tensors in parts(model.load(path, "cpu", dtype)).values():
            assert {tensor.dtype for tensor in tensors.values()} == {dtype}


def test_a_missing_tensor_is_named(narrow, tmp_path):
    weights = load_file(narrow[0])
    del weights["model.diffusion_model.middle_block.1.norm.weight"]
    save_file(weights, tmp_path / "broken.safetensors")
    with pytest.raises(UserError, match=r"mid_block\.attentions\.0\.norm\.weight"):
        model.load(tmp_path / "broken.safetensors", "cpu", torch.float32)


def test_latents_are_scaled_and_an_eighth_of_the_size(narrow):
    loaded = model.load(narrow[1], "cpu", torch.float32)
    pixels = torch.rand(1, 3, 32, 64) * 2 - 1
    latents = loaded.encode(pixels, torch.Generator().manual_seed(1))
    plain = loaded.vae.encode(pixels).latent_dist.sample(torch.Generator().manual_seed(1))
    assert torch.allclose(latents, plain * 0.18215)
    assert loaded.decode(latents).shape == pixels.shape


def test_a_tiny_autoencoder_encodes_without_chance(tmp_path):
    loaded = model.load(checkpoints.save_micro_folder(tmp_path / "m"), "cpu", torch.float32)
    pixels = torch.rand(2, 3, 32, 32) * 2 - 1
    assert torch.equal(loaded.encode(pixels), loaded.encode(pixels))
    assert loaded.encode(pixels).shape == (2, 8, 4, 4)


def test_the_noise_schedule_is_that_of_stable_diffusion(narrow):
    alphas = model.load(narrow[0], "cpu", torch.float32).alphas_cumprod
    assert alphas.shape == (1000,)
    assert alphas[0].item() == pytest.approx(1 - 0.00085)
    assert alphas[-1].item() == pytest.approx(0.00466, abs=1e-5)


def test_linear_betas_are_read_and_others_refused():
    scaled = model.alphas_cumprod(SD15.schedule)
    linear = model.alphas_cumprod({**SD15.schedule, "beta_schedule": "linear"})
    assert linear[0] == scaled[0] and linear[-1] < scaled[-1]
    with pytest.raises(ValueError, match="squaredcos_cap_v2"):
        model.alphas_cumprod({**SD15.schedule, "beta_schedule": "squaredcos_cap_v2"})


def test_the_clip_vocabulary_has_its_known_ids():
    tokens = model.clip_tokenizer()("a photo of an astronaut riding a horse").input_ids
    assert tokens == [49406, 320, 1125, 539, 550, 18376, 6765, 320, 4558, 49407]


def test_a_device_that_is_not_there_is_refused_and_auto_takes_what_is(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert model.usable_device("auto") == model.usable_device("cpu") == "cpu"
    with pytest.raises(UserError, match="finds no CUDA"):
        model.usable_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert model.usable_device("auto") == model.usable_device("cuda") == "cuda"
    assert model.usable_device("cpu") == "cpu"


def test_the_autoencoder_of_another_family_is_said_not_to_be_read(tmp_path):
    flux = transformer_files.save(tmp_path / "flux1.safetensors", "FLUX.1")
    with pytest.raises(UserError, match=r"the autoencoder of a FLUX\.1 model is not read here"):
        model.load_autoencoder(flux, "cpu")
