"""Noise levels; comfyui_0_33_0_sampling.json has those of ComfyUI's own functions for SD1.5."""

import json
from pathlib import Path

import pytest
import torch

from lorabench.base import model
from lorabench.base.stable_diffusion import SD15
from lorabench.comfy.embedded import sigmas
from lorabench.comfy.embedded.catalog_sampling import SCHEDULER_NAMES
from lorabench.comfy.embedded.sigmas import noise_schedule, sampling_sigmas
from lorabench.errors import UserError

SCHEDULE = noise_schedule(model.alphas_cumprod(SD15.schedule))
FILE = Path(__file__).with_name("comfyui_0_33_0_sampling.json")
OF_SCHEDULERS = json.loads(FILE.read_text(encoding="utf-8"))["schedulers"]

RECORDED = {
    ("normal", "uni_pc", 4, 1.0): [14.61464, 4.086081, 1.61558, 0.6951495, 0.0],
    ("normal", "uni_pc_bh2", 4, 1.0): [14.61464, 4.086081, 1.61558, 0.6951495, 0.0],
    ("normal", "dpm_2", 4, 1.0): [14.61464, 4.086081, 1.61558, 0.6951495, 0.0],
    ("karras", "euler", 4, 0.6): [2.232154, 0.6925706, 0.1697566, 0.02916718, 0.0],
}


@pytest.mark.parametrize(("case", "expected"), OF_SCHEDULERS.items())
def test_schedulers_are_comfyuis(case, expected):
    scheduler, steps = case.split()
    levels = sigmas.SCHEDULERS[scheduler](SCHEDULE, int(steps))
    assert levels.tolist() == pytest.approx(expected, rel=3e-6)


@pytest.mark.parametrize(("case", "expected"), RECORDED.items())
def test_levels_are_comfyuis(case, expected):
    scheduler, sampler, steps, denoise = case
    levels = sampling_sigmas(SCHEDULE, sampler, scheduler, steps, denoise)
    assert levels.tolist() == pytest.approx(expected, rel=1e-6)


def test_every_declared_scheduler_exists():
    assert list(sigmas.SCHEDULERS) == SCHEDULER_NAMES
    assert {case.split()[0] for case in OF_SCHEDULERS} == set(SCHEDULER_NAMES)


@pytest.mark.parametrize("scheduler", SCHEDULER_NAMES)
@pytest.mark.parametrize("steps", [1, 2, 30, 1000])
def test_levels_fall_to_zero(scheduler, steps):
    if (scheduler, steps) == ("kl_optimal", 1):
        return
    levels = sampling_sigmas(SCHEDULE, "euler", scheduler, steps)
    assert levels[-1] == 0
    assert (levels.diff() < 0).all()


def test_one_step_of_kl_optimal_is_refused():
    """In ComfyUI its level is no number, and the picture black."""
    with pytest.raises(UserError, match="takes 2 steps or more"):
        sampling_sigmas(SCHEDULE, "euler", "kl_optimal", 1)


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
