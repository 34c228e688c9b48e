"""The functions of the nodes that `catalog_sampling` declares; see `nodes`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from torch import Tensor

from lorabench.comfy.embedded import model_sampling, sampling
from lorabench.comfy.embedded.context import Context
from lorabench.comfy.embedded.engine import Model
from lorabench.comfy.embedded.guidance import CfgGuider, DualGuider, Guider
from lorabench.comfy.embedded.latents import Latent
from lorabench.comfy.embedded.model_sampling import Kind
from lorabench.comfy.embedded.prompts import Prompts
from lorabench.comfy.embedded.samplers import sde
from lorabench.comfy.embedded.samplers.cfg_pp import euler_cfg_pp_alternative
from lorabench.comfy.embedded.sampling import Method, StartNoise
from lorabench.errors import UserError

Node = Callable[..., Any]

KINDS: dict[str, Kind] = {
    "eps": "epsilon",
    "v_prediction": "v_prediction",
    "edm": "edm",
    "x0": "x0",
    "lcm": "lcm",
}
"""ComfyUI's names of what a UNet predicts."""


def sample(
    context: Context,
    model: Model,
    positive: Prompts,
    negative: Prompts,
    latent_image: Latent,
    sampler_name: str,
    **others: Any,
) -> tuple[Latent]:
    """KSampler; `others` have the same names in `sampling.Settings`."""
    settings = sampling.Settings(sampler=sampler_name, **others)
    return (sampling.sample(model, positive, negative, latent_image, settings, context.on_step),)


def sample_advanced(
    context: Context,
    noise_seed: int,
    add_noise: str,
    return_with_leftover_noise: str,
    **inputs: Any,
) -> tuple[Latent]:
    """KSamplerAdvanced."""
    return sample(
        context,
        seed=noise_seed,
        add_noise=add_noise == "enable",
        leftover_noise=return_with_leftover_noise == "enable",
        **inputs,
    )


def sample_custom(
    context: Context,
    model: Model,
    add_noise: bool,
    noise_seed: int,
    cfg: float,
    positive: Prompts,
    negative: Prompts,
    sampler: Method,
    sigmas: Tensor,
    latent_image: Latent,
) -> tuple[Latent, Latent]:
    """SamplerCustom."""
    guider = CfgGuider(model, positive, negative, cfg)
    noise = StartNoise(noise_seed, add_noise)
    return sample_by_parts(context, noise, guider, sampler, sigmas, latent_image)


def sample_by_parts(
    context: Context,
    noise: StartNoise,
    guider: Guider,
    sampler: Method,
    sigmas: Tensor,
    latent_image: Latent,
) -> tuple[Latent, Latent]:
    """SamplerCustomAdvanced."""
    return sampling.walk(guider, noise, latent_image, sampler, sigmas, context.on_step)


def random_noise(_context: Context, noise_seed: int) -> tuple[StartNoise]:
    """RandomNoise."""
    return (StartNoise(noise_seed),)


def disable_noise(_context: Context) -> tuple[StartNoise]:
    """DisableNoise."""
    return (StartNoise(0, wanted=False),)


def select(_context: Context, sampler_name: str) -> tuple[Method]:
    """KSamplerSelect."""
    return (Method.named(sampler_name),)


def basic_guider(_context: Context, model: Model, conditioning: Prompts) -> tuple[Guider]:
    """BasicGuider."""
    return (CfgGuider(model, conditioning, None),)


def cfg_guider(
    _context: Context, model: Model, positive: Prompts, negative: Prompts, cfg: float
) -> tuple[Guider]:
    """CFGGuider."""
    return (CfgGuider(model, positive, negative, cfg),)


def dual_guider(
    _context: Context,
    model: Model,
    cond1: Prompts,
    cond2: Prompts,
    negative: Prompts,
    cfg_conds: float,
    cfg_cond2_negative: float,
    style: str,
) -> tuple[Guider]:
    """DualCFGGuider."""
    nested = style == "nested"
    return (DualGuider(model, cond1, cond2, negative, cfg_conds, cfg_cond2_negative, nested),)


def _named(name: str) -> Node:
    """Return the node of a sampler whose options have the widgets' names."""

    def node(_context: Context, **options: Any) -> tuple[Method]:
        return (Method.named(name, **options),)

    return node


def _on_device(name: str) -> Node:
    """The same, with a choice of the device that draws the noise."""

    def node(_context: Context, noise_device: str, **options: Any) -> tuple[Method]:
        return (Method.named(name if noise_device == "cpu" else f"{name}_gpu", **options),)

    return node


def euler_cfg_pp(_context: Context, version: str) -> tuple[Method]:
    """SamplerEulerCFGpp."""
    if version == "alternative":
        return (Method(euler_cfg_pp_alternative),)
    return (Method.named("euler_cfg_pp"),)


def er_sde(
    _context: Context, solver_type: str, max_stage: int, eta: float, s_noise: float
) -> tuple[Method]:
    """SamplerER_SDE."""
    if solver_type == "ODE" or eta == 0:
        solver_type, eta, s_noise = "ODE", 0.0, 0.0

    def scale(sigma: Tensor) -> Tensor:
        return sde.er_sde_scale(sigma, eta) if solver_type == "ER-SDE" else sigma ** (eta + 1)

    return (Method.named("er_sde", scale=scale, s_noise=s_noise, max_stage=max_stage),)


def sa_solver(
    _context: Context,
    model: Model,
    sde_start_percent: float,
    sde_end_percent: float,
    **options: Any,
) -> tuple[Method]:
    """SamplerSASolver; the levels are those of the model that is sampled."""
    interval = (sde_start_percent, sde_end_percent)
    return (Method.named("sa_solver", interval=interval, **options),)


def discrete(_context: Context, model: Model, sampling: str, zsnr: bool) -> tuple[Model]:
    """ModelSamplingDiscrete."""
    changed = model_sampling.discrete(model.sampling, KINDS[sampling], without_signal=zsnr)
    return (replace(model, changed_sampling=changed),)


def continuous(
    _context: Context,
    model: Model,
    sampling: str,
    sigma_max: float,
    sigma_min: float,
    angular: bool = False,
) -> tuple[Model]:
    """ModelSamplingContinuousEDM; `angular` is ModelSamplingContinuousV."""
    if not 0 < sigma_min < sigma_max:
        raise UserError(f"sigma_min {sigma_min:g}: must be above 0 and below sigma_max")
    spread = 0.5 if sampling == "edm" else 1.0
    changed = model_sampling.continuous(
        KINDS[sampling], sigma_max, sigma_min, spread, angular=angular
    )
    return (replace(model, changed_sampling=changed),)


def continuous_v(context: Context, **inputs: Any) -> tuple[Model]:
    """ModelSamplingContinuousV."""
    return continuous(context, **inputs, angular=True)


def rescale(_context: Context, model: Model, multiplier: float) -> tuple[Model]:
    """RescaleCFG."""
    return (replace(model, rescale=multiplier),)


RUN: dict[str, Node] = {
    "KSampler": sample,
    "KSamplerAdvanced": sample_advanced,
    "SamplerCustom": sample_custom,
    "SamplerCustomAdvanced": sample_by_parts,
    "RandomNoise": random_noise,
    "DisableNoise": disable_noise,
    "BasicGuider": basic_guider,
    "CFGGuider": cfg_guider,
    "DualCFGGuider": dual_guider,
    "KSamplerSelect": select,
    "SamplerEulerAncestral": _named("euler_ancestral"),
    "SamplerEulerAncestralCFGPP": _named("euler_ancestral_cfg_pp"),
    "SamplerEulerCFGpp": euler_cfg_pp,
    "SamplerDPMPP_2S_Ancestral": _named("dpmpp_2s_ancestral"),
    "SamplerDPMPP_SDE": _on_device("dpmpp_sde"),
    "SamplerDPMPP_2M_SDE": _on_device("dpmpp_2m_sde"),
    "SamplerDPMPP_3M_SDE": _on_device("dpmpp_3m_sde"),
    "SamplerLMS": _named("lms"),
    "SamplerLCM": _named("lcm"),
    "SamplerDPMAdaptative": _named("dpm_adaptive"),
    "SamplerER_SDE": er_sde,
    "SamplerSEEDS2": _named("seeds_2"),
    "SamplerSASolver": sa_solver,
    "ModelSamplingDiscrete": discrete,
    "ModelSamplingContinuousEDM": continuous,
    "ModelSamplingContinuousV": continuous_v,
    "RescaleCFG": rescale,
}
