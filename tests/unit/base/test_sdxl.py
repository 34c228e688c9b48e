"""SDXL's networks, texts and sizes, on a narrow model of random weights."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from lorabench.base import conditions, model
from lorabench.base.conditions import Text
from lorabench.errors import UserError
from tests import checkpoints_sdxl

NETWORKS = ("unet", "vae", "text_encoder", "text_encoder_2")


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """One narrow SDXL on v-prediction without a last signal, as (file, folder)."""
    root = tmp_path_factory.mktemp("sdxl")
    marks = ("v_pred", "ztsnr")
    return checkpoints_sdxl.save(root / "m.safetensors", root / "m", marks), root / "m"


@pytest.fixture(scope="module")
def loaded(narrow):
    return model.load(narrow[0], "cpu", torch.float32)


def networks(loaded):
    return dict(zip(NETWORKS, (loaded.unet, loaded.vae, *loaded.text_encoders), strict=True))


def test_file_and_folder_of_the_same_weights_load_alike(narrow, loaded):
    folder = model.load(narrow[1], "cpu", torch.float32)
    others = networks(folder)
    for name, network in networks(loaded).items():
        ours, theirs = network.state_dict(), others[name].state_dict()
        assert ours.keys() == theirs.keys(), name
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), name
    assert torch.equal(loaded.alphas_cumprod, folder.alphas_cumprod)
    assert loaded.prediction == folder.prediction == "v_prediction"
    assert loaded.vae.config.scaling_factor == folder.vae.config.scaling_factor == 0.13025


def test_file_and_folder_predict_alike(narrow, loaded):
    """Equal weights are not enough: heads and activations are no tensors."""
    folder = model.load(narrow[1], "cpu", torch.float32)
    latents, timesteps = torch.randn(2, 4, 8, 8), torch.tensor([3, 900])
    answers = [
        conditions.predicted(sd.unet, latents, timesteps, sd.encode_text(["a cat", ""]))
        for sd in (loaded, folder)
    ]
    assert torch.equal(*answers)


def test_the_middle_and_the_way_up_may_have_depths_of_their_own(narrow, tmp_path, loaded):
    weights = load_file(narrow[0])
    for part in ("middle_block.1", *(f"output_blocks.{n}.1" for n in range(3))):
        start = f"model.diffusion_model.{part}.transformer_blocks.1."
        weights = {key: one for key, one in weights.items() if not key.startswith(start)}
    save_file(weights, tmp_path / "m.safetensors")
    unet = model.load(tmp_path / "m.safetensors", "cpu", torch.float32).unet
    assert len(unet.down_blocks[2].attentions[0].transformer_blocks) == 2
    assert len(unet.mid_block.attentions[0].transformer_blocks) == 1
    assert len(unet.up_blocks[0].attentions[2].transformer_blocks) == 1


@pytest.mark.parametrize(
    "gone",
    [
        "first_stage_model.encoder.down",
        "model.diffusion_model.input_blocks.3",
        "conditioner.embedders.0.transformer.text_model.embeddings",
    ],
)
def test_a_file_whose_sizes_cannot_be_read_is_refused(narrow, tmp_path, gone):
    left = {key: one for key, one in load_file(narrow[0]).items() if not key.startswith(gone)}
    save_file(left, tmp_path / "m.safetensors")
    with pytest.raises(UserError, match="weights cannot be loaded"):
        model.load(tmp_path / "m.safetensors", "cpu", torch.float32)


def test_a_tiny_autoencoder_without_all_its_layers_is_refused(narrow, tmp_path):
    left = {key: one for key, one in load_file(narrow[0]).items() if "first_stage" not in key}
    tiny = {"first_stage_model.taesd_decoder.1.weight": torch.zeros(64, 4, 3, 3)}
    save_file({**left, **tiny}, tmp_path / "m.safetensors")
    with pytest.raises(UserError, match="autoencoder cannot be loaded"):
        model.load_autoencoder(tmp_path / "m.safetensors", "cpu")


def test_a_projection_may_be_stored_as_a_linear_layers_weight(narrow, tmp_path, loaded):
    weights = load_file(narrow[0])
    name = "conditioner.embedders.1.model.text_projection"
    weights[f"{name}.weight"] = weights.pop(name).T.contiguous()
    save_file(weights, tmp_path / "m.safetensors")
    other = model.load(tmp_path / "m.safetensors", "cpu", torch.float32)
    texts = [sd.encode_text(["a cat"]).pooled for sd in (loaded, other)]
    assert torch.equal(*texts)


def test_a_schedule_ends_without_signal_where_the_file_is_marked_so(tmp_path, narrow, loaded):
    assert loaded.alphas_cumprod[-1] == 0
    weights = load_file(narrow[0])
    del weights["ztsnr"]
    save_file(weights, tmp_path / "m.safetensors")
    plain = model.load(tmp_path / "m.safetensors", "cpu", torch.float32)
    assert plain.alphas_cumprod[-1] > 0.004


def test_an_edm_file_is_refused_by_name(tmp_path, narrow):
    weights = load_file(narrow[0]) | {"edm_vpred.sigma_max": torch.tensor(120.0)}
    save_file(weights, tmp_path / "m.safetensors")
    with pytest.raises(UserError, match="EDM model"):
        model.load(tmp_path / "m.safetensors", "cpu", torch.float32)


def test_a_file_without_the_second_encoder_is_refused_by_what_it_lacks(narrow, tmp_path):
    weights = load_file(narrow[0])
    del weights["v_pred"], weights["ztsnr"]
    attention = "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight"
    weights[attention] = torch.zeros(32, 2048)  # by which it is still known
    left = {key: one for key, one in weights.items() if "embedders.1." not in key}
    save_file(left, tmp_path / "m.safetensors")
    with pytest.raises(UserError, match="holds no text encoder 2"):
        model.load(tmp_path / "m.safetensors", "cpu", torch.float32)


def test_a_text_is_the_last_layer_but_one_of_both_encoders_without_the_norm(loaded):
    text = loaded.encode_text(["a red cat"])
    small, large = loaded.text_encoders
    tokens = loaded.tokenizer(["a red cat"], padding="max_length", return_tensors="pt").input_ids
    padded = torch.where(torch.arange(77) > 4, 0, tokens)  # start, three words, end
    first = small(tokens, output_hidden_states=True).hidden_states[-2]
    second = large(padded, output_hidden_states=True)
    assert torch.equal(text.features, torch.cat([first, second.hidden_states[-2]], dim=-1))
    assert torch.allclose(text.pooled, second.text_embeds, atol=1e-6)


def test_a_text_does_not_depend_on_its_neighbours(loaded):
    alone, together = loaded.encode_text(["a"]), loaded.encode_text(["a longer text", "a"])
    assert torch.allclose(alone.features[0], together.features[1], atol=1e-5)
    assert torch.allclose(alone.pooled[0], together.pooled[1], atol=1e-5)


def test_a_picture_that_is_used_whole_has_these_sizes():
    latents = torch.zeros(1, 4, 104, 152)
    assert conditions.sizes_of(latents) == (832, 1216, 0, 0, 832, 1216)


def test_sizes_change_the_prediction_and_one_encoder_is_told_none(loaded):
    text = loaded.encode_text(["a cat"])
    latents = torch.randn(1, 4, 8, 8)
    small = loaded.unet(latents, 5, **conditions.told(text, [(64, 64, 0, 0, 64, 64)])).sample
    large = loaded.unet(latents, 5, **conditions.told(text, [(999, 64, 0, 0, 64, 64)])).sample
    assert not torch.allclose(small, large)
    assert conditions.told(Text(text.features), []).keys() == {"encoder_hidden_states"}
