from types import SimpleNamespace

import pytest
import torch

from lorabench.base.conditions import Text
from lorabench.train import diffusion
from tests.training import settings

ALPHAS = torch.linspace(0.999, 0.005, 1000, dtype=torch.float64)


def model(prediction, predict):
    """A model whose UNet answers `predict(noised, timesteps)`."""
    unet = lambda noised, timesteps, **_: SimpleNamespace(sample=predict(noised, timesteps))  # noqa: E731
    return SimpleNamespace(unet=unet, alphas_cumprod=ALPHAS, prediction=prediction)


def loss(sd, latents, **changes):
    generator = torch.Generator().manual_seed(5)
    text = Text(torch.zeros(len(latents), 77, 8))
    return diffusion.losses(sd, latents, text, generator, settings(**changes)).mean().item()


@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_a_perfect_prediction_costs_nothing(offset):
    latents = torch.randn(4, 8, 4, 4)

    def epsilon(noised, timesteps):
        alpha = ALPHAS[timesteps].view(-1, 1, 1, 1)
        return (noised - alpha.sqrt() * latents) / (1 - alpha).sqrt()

    def velocity(noised, timesteps):
        alpha = ALPHAS[timesteps].view(-1, 1, 1, 1)
        return alpha.sqrt() * epsilon(noised, timesteps) - (1 - alpha).sqrt() * latents

    for prediction, predict in (("epsilon", epsilon), ("v_prediction", velocity)):
        sd = model(prediction, predict)
        assert loss(sd, latents, noise_offset=offset) == pytest.approx(0, abs=1e-6)


def test_predicting_nothing_costs_the_variance_of_the_noise():
    sd = model("epsilon", lambda noised, _: torch.zeros_like(noised))
    latents = torch.randn(64, 8, 8, 8)
    plain = loss(sd, latents, min_snr_gamma=0, noise_offset=0)
    assert plain == pytest.approx(1, abs=0.03)
    offset = loss(sd, latents, min_snr_gamma=0, noise_offset=0.5)
    assert offset == pytest.approx(1.25, abs=0.06)


def test_min_snr_weights_follow_the_paper():
    alpha = torch.tensor([0.5, 0.9, 0.99])  # SNR 1, 9, 99
    assert diffusion.min_snr_weights(alpha, 5, "epsilon").tolist() == pytest.approx(
        [1, 5 / 9, 5 / 99], rel=1e-4
    )
    assert diffusion.min_snr_weights(alpha, 5, "v_prediction").tolist() == pytest.approx(
        [1 / 2, 5 / 10, 5 / 100], rel=1e-4
    )
    assert diffusion.min_snr_weights(alpha, 0, "epsilon").tolist() == [1, 1, 1]


def test_a_signal_of_zero_is_no_division_by_zero():
    assert diffusion.min_snr_weights(torch.zeros(1), 5, "epsilon").isfinite().all()
