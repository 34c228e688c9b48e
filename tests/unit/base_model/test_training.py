"""What trains the base model: states resume, latents get their scale, the tokenizer is CLIP's."""

from pathlib import Path
from random import Random

import pytest
import torch

from base_model import captions, tokenizer, training
from base_model.networks import new_vae
from base_model.vae_start import start_as_color_identity, whiten
from base_model.world import sample
from lorabench.errors import UserError


def test_the_learning_rate_warms_up_and_falls() -> None:
    rates = [training.learning_rate(step, 100, 1.0, 10) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.03


def test_a_saved_state_is_where_training_goes_on(tmp_path: Path) -> None:
    network = torch.nn.Linear(3, 2)
    average = training.Average(network, 0.9)
    with torch.no_grad():
        network.weight += 1
    average.update()
    training.save_state(tmp_path / "s", "cats", 7, network=network, average=average)
    other = torch.nn.Linear(3, 2)
    resumed = training.Average(other, 0.9)
    assert training.load_state(tmp_path / "s", network=other, average=resumed) == 7
    assert torch.equal(other.weight, network.weight)
    assert torch.equal(resumed.weights["weight"], average.weights["weight"])
    assert not torch.equal(resumed.weights["weight"], network.weight)


def test_without_a_state_training_begins_at_step_0(tmp_path: Path) -> None:
    training.check_state(tmp_path / "none", "cats")
    assert training.load_state(tmp_path / "none") == 0


def test_a_state_of_another_training_is_refused_and_kept(tmp_path: Path) -> None:
    training.save_state(tmp_path / "s", "cats", 7, network=torch.nn.Linear(3, 2))
    training.check_state(tmp_path / "s", "cats")
    with pytest.raises(UserError, match=r"at step 7\. Remove it to begin anew"):
        training.check_state(tmp_path / "s", "dogs")
    assert (tmp_path / "s").exists()


def test_a_new_autoencoder_keeps_plain_colors() -> None:
    torch.manual_seed(0)
    vae = new_vae()
    start_as_color_identity(vae)
    color = torch.tensor([0.6, -0.4, 0.1])[None, :, None, None]
    with torch.no_grad():
        out = vae.decode(vae.encode(color.expand(1, 3, 64, 64)).latents).sample
    assert (out - color)[..., 24:40, 24:40].abs().mean() < 0.25


def test_whitened_latents_are_the_old_ones_scaled() -> None:
    torch.manual_seed(0)
    vae = new_vae()
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        before = vae.encode(x).latents
        mean, std = before.mean((0, 2, 3)), before.std((0, 2, 3))
        whiten(vae, mean, std)
        after = vae.encode(x).latents
    assert torch.allclose(after.mean((0, 2, 3)), torch.zeros(8), atol=1e-3)
    assert torch.allclose(after.std((0, 2, 3)), torch.ones(8), atol=1e-3)


def test_the_tokenizer_is_clips(tmp_path: Path) -> None:
    rng = Random(0)
    words = tokenizer.build([captions.caption(sample(rng), rng) for _ in range(200)], tmp_path)
    ids = words("a red cat", padding="max_length").input_ids
    assert len(ids) == 77
    assert ids[0] == words.bos_token_id
    assert ids[4:] == [words.eos_token_id] * 73
    assert words.eos_token_id == max(words.get_vocab().values())
    assert words.decode(ids, skip_special_tokens=True).strip() == "a red cat"
    unseen = words("ponnyu ぽにゅ").input_ids
    assert words.unk_token_id not in unseen[1:-1]
    assert {path.name for path in tmp_path.iterdir()} >= {"vocab.json", "merges.txt"}
