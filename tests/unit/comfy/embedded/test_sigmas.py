"""The numbers below were read off ComfyUI 0.3.64 (SD1.5's schedule)."""

import pytest
import torch

from lorabench.base import model
from lorabench.base.stable_diffusion import SD15
from lorabench.comfy.embedded import catalog, sigmas
from lorabench.comfy.embedded.sigmas import noise_schedule, sampling_sigmas

SCHEDULE = noise_schedule(model.alphas_cumprod(SD15.schedule))

RECORDED = {
    ("normal", "euler", 5, 1.0): [14.61464, 4.086081, 1.61558, 0.6951495, 0.02916716, 0.0],
    ("karras", "euler", 5, 1.0): [14.61464, 4.796535, 1.274101, 0.24795, 0.02916718, 0.0],
    ("exponential", "euler", 5, 1.0): [14.61464, 3.088976, 0.6528918, 0.1379964, 0.02916716, 0.0],
    ("sgm_uniform", "euler", 5, 1.0): [14.61464, 5.092408, 2.279731, 1.162865, 0.5711889, 0.0],
    ("simple", "euler", 5, 1.0): [14.61464, 5.087763, 2.276463, 1.160578, 0.5692849, 0.0],
    ("ddim_uniform", "euler", 5, 1.0): [5.134431, 2.292854, 1.168216, 0.5740502, 0.04131441, 0.0],
    ("normal", "uni_pc", 4, 1.0): [14.61464, 4.086081, 1.61558, 0.6951495, 0.0],
    ("karras", "euler", 4, 0.6): [2.232154, 0.6925706, 0.1697566, 0.02916718, 0.0],
    ("ddim_uniform", "euler", 7, 1.0): [
        14.26511, 6.57065, 3.485455, 2.047312, 1.272063, 0.7900609, 0.440309, 0.04131441, 0.0,
    ],
}  # fmt: skip


@pytest.mark.parametrize(("case", "expected"), RECORDED.items())
def test_levels_are_comfyuis(case, expected):
    scheduler, sampler, steps, denoise = case
    levels = sampling_sigmas(SCHEDULE, sampler, scheduler, steps, denoise)
    assert levels.tolist() == pytest.approx(expected, rel=1e-6)


def test_every_declared_scheduler_exists():
    assert list(sigmas.SCHEDULERS) == catalog.SCHEDULER_NAMES


@pytest.mark.parametrize("scheduler", catalog.SCHEDULER_NAMES)
@pytest.mark.parametrize("steps", [1, 2, 30, 1000])
def test_levels_fall_to_zero(scheduler, steps):
    levels = sampling_sigmas(SCHEDULE, "euler", scheduler, steps)
    assert levels[-1] == 0
    assert (levels.diff() < 0).all()


def test_denoise_takes_the_tail_of_more_steps():
    tail = sampling_sigmas(SCHEDULE, "euler", "karras", 6, denoise=0.5)
    assert torch.equal(tail, sampling_sigmas(SCHEDULE, "euler", "karras", 12)[-7:])


def test_denoise_zero_leaves_nothing_to_do():
    assert len(sampling_sigmas(SCHEDULE, "euler", "karras", 6, denoise=0.0)) == 0


def test_timestep_inverts_sigma():
    for timestep in (0, 1, 499, 999):
        sigma = SCHEDULE.sigma(torch.tensor(float(timestep)))
        assert SCHEDULE.timestep(sigma.reshape(1)).item() == timestep


def test_a_schedule_between_two_levels_is_interpolated_in_the_logarithm():
    half = SCHEDULE.sigma(torch.tensor(10.5))
    expected = (SCHEDULE.sigmas[10] * SCHEDULE.sigmas[11]).sqrt()
    assert half.item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_schedule_that_ends_without_signal_has_comfyuis_last_level():
    betas = {**SD15.schedule, "rescale_betas_zero_snr": True}
    schedule = noise_schedule(model.alphas_cumprod(betas))
    assert schedule.sigmas[0] == pytest.approx(SCHEDULE.sigmas[0].item())
    assert schedule.maximum == pytest.approx(4518.76, rel=1e-5)
    assert (schedule.sigmas.diff() > 0).all()
