"""Samplers on a denoiser that can be written down: D(x, sigma) = tanh(x / sqrt(1 + sigma^2)).

RECORDED holds what ComfyUI's own samplers give on it (version 0.3.64, with the seed + 1 of later
releases for independent noise on a CPU): six karras steps from sigma * [-1.5, -0.5, 0.25, 1.0]
with seed 7, once down to zero and once without the last level.
"""

from types import SimpleNamespace

import pytest
import torch

from lorabench.base import model
from lorabench.base.stable_diffusion import SD15
from lorabench.comfy.embedded import catalog, sampling
from lorabench.comfy.embedded.conditioning import Conditioning
from lorabench.comfy.embedded.samplers import SAMPLERS, Noise
from lorabench.comfy.embedded.sigmas import noise_schedule, sampling_sigmas

RECORDED = {
    "euler": (
        [-0.704703, -0.531513, 0.346683, 0.659835],
        [-0.876955, -0.592504, 0.361823, 0.792857],
    ),
    "euler_ancestral": (
        [-0.652505, -0.153516, -0.272292, 0.642843],
        [-0.779981, -0.154805, -0.279456, 0.763329],
    ),
    "heun": (
        [-0.518333, -0.447239, 0.356246, 0.495711],
        [-0.574301, -0.481448, 0.372738, 0.543834],
    ),
    "dpmpp_sde": (
        [0.548341, -0.598067, -0.384701, -0.531027],
        [0.616268, -0.690426, -0.405738, -0.591826],
    ),
    "dpmpp_2m": (
        [-0.675771, -0.5513, 0.392296, 0.63928],
        [-0.821639, -0.62051, 0.414687, 0.757278],
    ),
    "dpmpp_2m_sde": (
        [0.570371, -0.618947, -0.610459, -0.580487],
        [0.648349, -0.723603, -0.709954, -0.663479],
    ),
    "lcm": ([-0.622748, 0.129435, -0.385565, 0.597108], [-0.729791, 0.13022, -0.406753, 0.688933]),
    "ddim": (
        [-0.704703, -0.531513, 0.346683, 0.659835],
        [-0.876955, -0.592504, 0.361823, 0.792857],
    ),
    "uni_pc": (
        [-0.783313, -0.611691, 0.43065, 0.727924],
        [-1.089081, -0.692373, 0.424017, 0.949866],
    ),
}

SCHEDULE = noise_schedule(model.alphas_cumprod(SD15.schedule))


def toy(x, sigma):
    return torch.tanh(x / (1 + sigma**2) ** 0.5)


def walk(name, levels, seed=7, on_step=lambda i: None):
    start = torch.tensor([-1.5, -0.5, 0.25, 1.0]).view(1, 1, 2, 2) * levels[0]
    return SAMPLERS[name](toy, start, levels, Noise(seed), on_step)


def test_every_declared_sampler_is_recorded():
    assert list(SAMPLERS) == catalog.SAMPLER_NAMES
    assert RECORDED.keys() == SAMPLERS.keys()


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("cut", [0, 1])
def test_samplers_walk_as_comfyuis(name, cut):
    levels = sampling_sigmas(SCHEDULE, name, "karras", 6)
    levels = levels[: len(levels) - cut]
    assert walk(name, levels).flatten().tolist() == pytest.approx(RECORDED[name][cut], abs=1e-5)


@pytest.mark.parametrize("name", RECORDED)
def test_each_step_is_reported_once(name):
    steps = []
    walk(name, sampling_sigmas(SCHEDULE, name, "normal", 5), on_step=steps.append)
    assert steps == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", RECORDED)
def test_the_seed_decides_the_noise_of_those_that_add_some(name):
    levels = sampling_sigmas(SCHEDULE, name, "normal", 4)
    first, again, other = walk(name, levels), walk(name, levels), walk(name, levels, seed=8)
    assert torch.equal(first, again)
    adds_noise = name in ("euler_ancestral", "dpmpp_sde", "dpmpp_2m_sde", "lcm")
    assert torch.equal(first, other) is not adds_noise


def test_a_single_uni_pc_step_only_rescales_as_in_comfyui():
    levels = torch.tensor([2.0, 0.0])
    assert walk("uni_pc", levels).flatten()[3].item() == pytest.approx(2.0 / 5**0.5)


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
    loaded = SimpleNamespace(unet=patchable, vae=vae, schedule=SCHEDULE, prediction=prediction)
    return SimpleNamespace(loaded=loaded, unet=lambda: unet)


def sample(settings, latent=None, prediction="epsilon", channels=4, seen=None):
    latent = torch.zeros(1, 4, 2, 2) if latent is None else latent
    positive = Conditioning(torch.full((1, 77, 8), 1.0))
    negative = Conditioning(torch.full((1, 154, 8), 0.5))
    steps = [] if seen is None else seen
    return sampling.sample(
        model(prediction, channels),
        positive,
        negative,
        latent,
        settings,
        lambda *step: steps.append(step),
    )


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
    text, longer = Conditioning(torch.ones(1, 77, 8)), Conditioning(torch.ones(1, 154, 8))
    latent = torch.zeros(2, 4, 2, 2)
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
