"""Samplers on denoisers that can be written down.

comfyui_0_33_0_sampling.json holds what the functions of ComfyUI 0.33.0 give on Toy, by sampler and
by "scheduler, steps, levels left out at the end", from sigma * START with seed 7, float32 on a CPU.
The samplers of CFG++ got Toy under guidance. The version 0.3.64 gives the same but for the noise of
independent steps, which it draws from seed 7 instead of 8.
"""

import json
from pathlib import Path

import pytest
import torch

from lorabench.base import model
from lorabench.base.stable_diffusion import SD15
from lorabench.comfy.embedded.catalog_sampling import SAMPLER_NAMES
from lorabench.comfy.embedded.samplers import multistep
from lorabench.comfy.embedded.samplers.table import SAMPLERS
from lorabench.comfy.embedded.samplers.walk import Noise, Walk
from lorabench.comfy.embedded.sigmas import noise_schedule, sampling_sigmas
from lorabench.errors import UserError

FILE = Path(__file__).with_name("comfyui_0_33_0_sampling.json")
RECORDED = json.loads(FILE.read_text(encoding="utf-8"))["samplers"]
CASES = [(name, case) for name, cases in RECORDED.items() for case in cases]
SCHEDULE = noise_schedule(model.alphas_cumprod(SD15.schedule))
START = [-1.5, -0.5, 0.25, 1.0]

OF_CFG_PP = [name for name in SAMPLER_NAMES if "cfg_pp" in name]
NOISY = [
    name
    for name in SAMPLER_NAMES
    if any(kind in name for kind in ("ancestral", "sde", "seeds", "sa_solver", "lcm", "ddpm"))
]
SMOOTH = [name for name in SAMPLER_NAMES if name not in NOISY]
MIXING = "dpmpp_2s_ancestral_cfg_pp"
"""Takes the negative prompt's guess of another level than the other's, as ComfyUI does."""


class Toy:
    """Two prompts, whose clean guesses are tanh of the latents and of half of them."""

    def __init__(self, cfg=1.0):
        self.cfg = cfg

    def both(self, x, sigma):
        scaled = x / (1 + sigma**2) ** 0.5
        following, without = torch.tanh(scaled), torch.tanh(0.5 * scaled) - 0.1
        return without + (following - without) * self.cfg, without

    def __call__(self, x, sigma):
        return self.both(x, sigma)[0]


class Gaussian:
    """Clean latents of unit variance: the exact walk to level s ends at sqrt(1 + s²) of its x."""

    def both(self, x, sigma):
        guess = x / (1 + sigma**2)
        return guess, guess

    def __call__(self, x, sigma):
        return self.both(x, sigma)[0]


def walk(name, levels, denoiser=None, start=None, seed=7, on_step=lambda i, clean: None, **options):
    start = torch.tensor(START).view(1, 1, 2, 2) if start is None else start
    way = Walk(denoiser or Toy(), levels, Noise(seed), on_step, SCHEDULE.percent)
    return SAMPLERS[name](way, start * levels[0], **options)


def exact(levels, start):
    last = levels[-1]
    return start * levels[0] * ((1 + last**2) / (1 + levels[0] ** 2)) ** 0.5


def test_every_declared_sampler_is_recorded():
    assert list(SAMPLERS) == SAMPLER_NAMES == list(RECORDED)


@pytest.mark.parametrize(("name", "case"), CASES)
def test_samplers_walk_as_comfyuis(name, case):
    scheduler, steps, cut = case.split()
    levels = sampling_sigmas(SCHEDULE, name, scheduler, int(steps))
    levels = levels[: len(levels) - int(cut)]
    denoiser = Toy(1.5) if name in OF_CFG_PP else Toy()
    # the adaptive one chooses its steps by its own rounding
    near = 1e-4 if name == "dpm_adaptive" else 5e-6
    found = walk(name, levels, denoiser).flatten().tolist()
    assert found == pytest.approx(RECORDED[name][case], abs=near)


@pytest.mark.parametrize("name", [name for name in SMOOTH if name != "dpm_adaptive"])
def test_more_steps_come_nearer_to_the_exact_walk(name):
    start = torch.linspace(-2, 2, 8).view(1, 2, 2, 2)
    errors = []
    for steps in (16, 64):
        levels = sampling_sigmas(SCHEDULE, name, "karras", steps)[:-1]
        found = walk(name, levels, Gaussian(), start)
        errors.append((found - exact(levels, start)).abs().max().item())
    assert errors[1] < 0.05
    assert errors[1] < errors[0] / 2


def test_a_smaller_tolerance_comes_nearer_to_the_exact_walk():
    start = torch.linspace(-2, 2, 8).view(1, 2, 2, 2)
    levels = sampling_sigmas(SCHEDULE, "dpm_adaptive", "karras", 10)[:-1]
    errors = [
        (
            walk("dpm_adaptive", levels, Gaussian(), start, rtol=rtol, atol=rtol)
            - exact(levels, start)
        )
        for rtol in (0.05, 0.0005)
    ]
    coarse, fine = (error.abs().max().item() for error in errors)
    assert fine < 0.01 < coarse < 0.2


@pytest.mark.parametrize("name", [name for name in NOISY if name not in ("lcm", MIXING)])
def test_noise_keeps_the_variance(name):
    start = torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(1))
    levels = sampling_sigmas(SCHEDULE, name, "karras", 30)
    assert walk(name, levels, Gaussian(), start).std().item() == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize("name", [name for name in OF_CFG_PP if name != MIXING])
def test_without_guidance_cfg_pp_is_the_plain_sampler(name):
    levels = sampling_sigmas(SCHEDULE, name, "karras", 8)
    plain = walk(name.replace("_cfg_pp", ""), levels, Gaussian())
    assert torch.allclose(walk(name, levels, Gaussian()), plain, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in SAMPLER_NAMES if name.endswith("_gpu")])
def test_on_a_cpu_the_gpu_kinds_are_the_others(name):
    levels = sampling_sigmas(SCHEDULE, name, "karras", 5)
    assert torch.equal(walk(name, levels), walk(name.removesuffix("_gpu"), levels))


@pytest.mark.parametrize("name", [n for n in SAMPLER_NAMES if not n.startswith(("dpm_f", "dpm_a"))])
def test_each_step_is_reported_once_with_its_guess(name):
    steps = []
    levels = sampling_sigmas(SCHEDULE, name, "normal", 5)
    walk(name, levels, on_step=lambda i, clean: steps.append((i, clean.abs().max() <= 1)))
    assert steps == [(i, True) for i in range(5)]


@pytest.mark.parametrize(("name", "reports"), [("dpm_fast", 3), ("dpm_adaptive", 6)])
def test_samplers_with_steps_of_their_own_report_those(name, reports):
    steps = []
    levels = sampling_sigmas(SCHEDULE, name, "normal", 6)
    walk(name, levels, on_step=lambda i, clean: steps.append(i))
    assert steps == list(range(reports))


@pytest.mark.parametrize("name", SAMPLER_NAMES)
def test_the_seed_decides_the_noise_of_those_that_add_some(name):
    levels = sampling_sigmas(SCHEDULE, name, "normal", 4)
    first, again, other = walk(name, levels), walk(name, levels), walk(name, levels, seed=8)
    assert torch.equal(first, again)
    silent = ("exp_heun_2_x0",)
    assert torch.equal(first, other) is (name not in NOISY or name in silent)


@pytest.mark.parametrize("name", SAMPLER_NAMES)
def test_a_single_level_is_no_step(name):
    """What SplitSigmas may leave."""
    if name.startswith("uni_pc"):
        return  # which fails, as in ComfyUI
    levels = torch.tensor([2.0])
    assert torch.equal(walk(name, levels), torch.tensor(START).view(1, 1, 2, 2) * 2)


def test_a_single_uni_pc_step_only_rescales_as_in_comfyui():
    levels = torch.tensor([2.0, 0.0])
    assert walk("uni_pc", levels).flatten()[3].item() == pytest.approx(2.0 / 5**0.5)


@pytest.mark.parametrize("name", ["euler_ancestral", "dpmpp_2m_sde", "seeds_2", "dpmpp_sde"])
def test_without_eta_no_noise_is_added(name):
    levels = sampling_sigmas(SCHEDULE, name, "karras", 6)
    first = walk(name, levels, eta=0.0)
    assert torch.equal(first, walk(name, levels, eta=0.0, seed=8))


def test_the_brownian_path_is_the_same_at_any_number_of_steps():
    x, levels = torch.zeros(1, 1, 4, 4), torch.tensor([8.0, 4.0, 2.0, 1.0])
    path = Noise(3).brownian(x, levels)
    whole = path(levels[0], levels[2]) * (levels[0] - levels[2]) ** 0.5
    halves = [
        path(a, b) * (a - b) ** 0.5 for a, b in ((levels[0], levels[1]), (levels[1], levels[2]))
    ]
    assert torch.allclose(whole, sum(halves), atol=1e-5)
    assert torch.equal(path(levels[2], levels[0]), -path(levels[0], levels[2]))


def test_an_adaptive_walk_that_cannot_go_on_says_so():
    levels = sampling_sigmas(SCHEDULE, "dpm_adaptive", "karras", 6)
    with pytest.raises(UserError, match="raise rtol, atol or h_init"):
        walk("dpm_adaptive", levels, h_init=0.0)


def test_weights_of_lms_are_those_of_adams_and_bashforth():
    nodes = torch.tensor([3.0, 4.0, 5.0, 6.0]).numpy()
    weights = [multistep._lagrange_integral(nodes, j, 2.0) for j in range(4)]
    assert weights == pytest.approx([-55 / 24, 59 / 24, -37 / 24, 9 / 24])
