"""KSampler on a UNet that can be written down."""

from types import SimpleNamespace

import pytest
import torch

from lorabench.base import model as base_model
from lorabench.base.stable_diffusion import SD15
from lorabench.comfy.embedded import sampling
from lorabench.comfy.embedded.conditioning import Conditioning
from lorabench.comfy.embedded.latents import Latent
from lorabench.comfy.embedded.model_sampling import ModelSampling
from lorabench.comfy.embedded.prompts import Prompt
from lorabench.comfy.embedded.sigmas import noise_schedule

SCHEDULE = noise_schedule(base_model.alphas_cumprod(SD15.schedule))


def model(prediction="epsilon", channels=4):
    """A model whose UNet says 0.5 for the first text and 1.0 for the second."""

    class Unet:
        dtype = torch.float32
        device = torch.device("cpu")
        config = SimpleNamespace(in_channels=channels, addition_embed_type=None)

        def __call__(self, x, timestep, encoder_hidden_states):
            value = encoder_hidden_states.mean(dim=(1, 2)).view(-1, 1, 1, 1)
            return SimpleNamespace(sample=value.expand_as(x).clone())

    unet = Unet()
    patchable = SimpleNamespace(network=unet, with_patches=lambda patches: unet)
    vae = SimpleNamespace(config=SimpleNamespace(scaling_factor=0.5))
    loaded = SimpleNamespace(unet=patchable, vae=vae)
    read = ModelSampling(SCHEDULE, prediction)
    return SimpleNamespace(loaded=loaded, unet=lambda: unet, sampling=read, rescale=None)


def prompt(value, tokens=77):
    return (Prompt(Conditioning(torch.full((1, tokens, 8), value))),)


def sample(settings, latent=None, prediction="epsilon", channels=4, seen=None):
    latent = torch.zeros(1, 4, 2, 2) if latent is None else latent
    steps = [] if seen is None else seen
    return sampling.sample(
        model(prediction, channels),
        prompt(1.0),
        prompt(0.5, tokens=154),
        Latent(latent),
        settings,
        lambda *step: steps.append(step),
    ).samples


def settings(**changes):
    given = {"seed": 1, "steps": 3, "cfg": 1.0, "sampler": "euler", "scheduler": "normal"}
    return sampling.Settings(**given | changes)


def test_the_noise_is_the_seeds_on_the_cpu():
    """With a constant prediction e, Euler ends at noise * sqrt(1 + top^2) - top * e."""
    result = sample(settings())
    top = SCHEDULE.maximum
    noise = torch.randn(1, 4, 2, 2, generator=torch.Generator().manual_seed(1))
    expected = (noise * (1 + top**2) ** 0.5 - top * 1.0) / 0.5
    assert torch.allclose(result, expected, atol=1e-4)


def test_guidance_goes_beyond_the_positive_prompt():
    top = SCHEDULE.maximum
    plain, guided = sample(settings(cfg=1.0)), sample(settings(cfg=3.0))
    # the guided prediction is 0.5 + 3 * (1.0 - 0.5) = 2.0 instead of 1.0
    assert torch.allclose(plain - guided, torch.full_like(plain, top * 1.0 / 0.5), atol=1e-3)


@pytest.mark.parametrize(("cfg", "texts"), [(1.0, 1), (3.0, 2)])
def test_each_step_gets_the_same_tensor_of_a_text(monkeypatch, cfg, texts):
    given = []
    found = model()
    monkeypatch.setattr(
        type(found.unet()),
        "__call__",
        lambda self, x, timestep, encoder_hidden_states: (
            given.append(encoder_hidden_states) or SimpleNamespace(sample=x)
        ),
    )
    text, longer = prompt(1.0), prompt(1.0, tokens=154)
    latent = Latent(torch.zeros(2, 4, 2, 2))
    sampling.sample(found, text, longer, latent, settings(cfg=cfg), lambda *step: None)
    assert len(given) == 3 * texts and len({id(context) for context in given}) == texts


def test_v_prediction_is_another_picture():
    assert not torch.allclose(sample(settings()), sample(settings(), prediction="v_prediction"))


def test_an_empty_latent_takes_the_models_channels_and_noise_of_that_shape():
    result = sample(settings(), channels=8)
    assert result.shape == (1, 8, 2, 2)
    noise = torch.randn(1, 8, 2, 2, generator=torch.Generator().manual_seed(1))
    top = SCHEDULE.maximum
    assert torch.allclose(result, (noise * (1 + top**2) ** 0.5 - top) / 0.5, atol=1e-4)


def test_denoise_keeps_part_of_the_latent():
    latent = torch.full((1, 4, 2, 2), 100.0)
    seen = []
    result = sample(settings(denoise=0.5), latent, seen=seen)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert 80 < result.mean() < 120


def test_denoise_zero_and_a_start_behind_the_end_change_nothing():
    latent = torch.rand(1, 4, 2, 2)
    assert torch.equal(sample(settings(denoise=0.0), latent), latent)
    assert torch.equal(sample(settings(start_at_step=3), latent), latent)


def test_two_halves_make_the_whole():
    """The second half must add no noise; the latent between carries the noise that is left."""
    first = sample(settings(end_at_step=2, leftover_noise=True))
    second = sample(settings(start_at_step=2, add_noise=False), first)
    assert torch.allclose(second, sample(settings()), atol=1e-4)


def test_without_leftover_noise_the_last_step_goes_to_zero():
    seen = []
    result = sample(settings(end_at_step=2), seen=seen)
    assert seen == [(1, 2), (2, 2)]
    assert torch.allclose(result, sample(settings()), atol=1e-4)  # the prediction is constant


def test_a_batch_draws_its_noise_from_one_seed():
    two = sample(settings(), torch.zeros(2, 4, 2, 2))
    one, other = sample(settings()), sample(settings(seed=2))
    assert torch.allclose(two[:1], one, atol=1e-4)
    assert not torch.allclose(two[1:], other, atol=1e-2)
