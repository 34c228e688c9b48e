"""The declarations of nodes that sample, or choose how; see `catalog`."""

from lorabench.comfy.embedded.declaration import (
    Input,
    Node,
    choice,
    number,
    seed,
    sockets,
    switch,
    whole,
)

SAMPLER_NAMES = [
    *("euler", "euler_cfg_pp", "euler_ancestral", "euler_ancestral_cfg_pp", "heun", "heunpp2"),
    *("exp_heun_2_x0", "exp_heun_2_x0_sde", "dpm_2", "dpm_2_ancestral", "lms", "dpm_fast"),
    *("dpm_adaptive", "dpmpp_2s_ancestral", "dpmpp_2s_ancestral_cfg_pp", "dpmpp_sde"),
    *("dpmpp_sde_gpu", "dpmpp_2m", "dpmpp_2m_cfg_pp", "dpmpp_2m_sde", "dpmpp_2m_sde_gpu"),
    *("dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun_gpu", "dpmpp_3m_sde", "dpmpp_3m_sde_gpu", "ddpm"),
    *("lcm", "ipndm", "ipndm_v", "deis", "res_multistep", "res_multistep_cfg_pp"),
    *("res_multistep_ancestral", "res_multistep_ancestral_cfg_pp", "gradient_estimation"),
    *("gradient_estimation_cfg_pp", "er_sde", "seeds_2", "seeds_3", "sa_solver"),
    *("sa_solver_pece", "ddim", "uni_pc", "uni_pc_bh2"),
]
SCHEDULER_NAMES = [
    *("simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "beta", "normal"),
    *("linear_quadratic", "kl_optimal"),
]
SAMPLER: Input = (SAMPLER_NAMES, {})
SCHEDULER: Input = (SCHEDULER_NAMES, {})
STEPS = {"steps": whole(20, 1, 10000)}
DENOISE = {"denoise": number(1.0, 0.0, 1.0, 0.01)}
CFG = number(8.0, 0.0, 100.0, 0.1, round=0.01)
METHODS = "model/sampling/samplers"
PROMPTS = sockets(positive="CONDITIONING", negative="CONDITIONING")


def nodes() -> dict[str, Node]:
    """Return the nodes by class name."""
    return _samplers() | _custom() | _guiders() | _methods() | _more_methods() | _models()


def _samplers() -> dict[str, Node]:
    walk: dict[str, Input] = {
        **STEPS,
        "cfg": CFG,
        "sampler_name": SAMPLER,
        "scheduler": SCHEDULER,
        **PROMPTS,
        "latent_image": ("LATENT", {}),
    }
    return {
        "KSampler": Node(
            {"model": ("MODEL", {}), "seed": seed(), **walk, **DENOISE},
            ("LATENT",),
            "model/sampling",
            "KSampler",
            "Denoises a latent under the guidance of two prompts.",
        ),
        "KSamplerAdvanced": Node(
            {
                "model": ("MODEL", {}),
                "add_noise": choice("enable", "disable"),
                "noise_seed": seed(),
                **walk,
                "start_at_step": whole(0, 0, 10000),
                "end_at_step": whole(10000, 0, 10000),
                "return_with_leftover_noise": choice("disable", "enable"),
            },
            ("LATENT",),
            "model/sampling",
            "KSampler (Advanced)",
            "Denoises a latent from one step to another.",
        ),
    }


def _custom() -> dict[str, Node]:
    made = sockets(sampler="SAMPLER", sigmas="SIGMAS", latent_image="LATENT")
    names = ("output", "denoised_output")
    return {
        "SamplerCustom": Node(
            sockets(model="MODEL")
            | {"add_noise": switch(True), "noise_seed": seed(), "cfg": CFG}
            | PROMPTS
            | made,
            ("LATENT", "LATENT"),
            "model/sampling/custom",
            "SamplerCustom",
            "Denoises a latent with a sampler along noise levels.",
            output_names=names,
        ),
        "SamplerCustomAdvanced": Node(
            sockets(noise="NOISE", guider="GUIDER") | made,
            ("LATENT", "LATENT"),
            "model/sampling/custom",
            "SamplerCustomAdvanced",
            "Denoises a latent with a guider and a sampler along noise levels.",
            output_names=names,
        ),
        "RandomNoise": Node(
            {"noise_seed": seed()},
            ("NOISE",),
            "model/sampling/noise",
            "RandomNoise",
            "The noise of a seed.",
        ),
        "DisableNoise": Node({}, ("NOISE",), "model/sampling/noise", "DisableNoise", "No noise."),
    }


def _guiders() -> dict[str, Node]:
    category = "model/sampling/guiders"
    return {
        "BasicGuider": Node(
            sockets(model="MODEL", conditioning="CONDITIONING"),
            ("GUIDER",),
            category,
            "Basic Guider",
            "Follows a prompt without guidance.",
        ),
        "CFGGuider": Node(
            sockets(model="MODEL") | PROMPTS | {"cfg": CFG},
            ("GUIDER",),
            category,
            "CFG Guider",
            "Guides away from a negative prompt.",
        ),
        "DualCFGGuider": Node(
            sockets(
                model="MODEL", cond1="CONDITIONING", cond2="CONDITIONING", negative="CONDITIONING"
            )
            | {"cfg_conds": CFG, "cfg_cond2_negative": CFG, "style": choice("regular", "nested")},
            ("GUIDER",),
            category,
            "Dual CFG Guider",
            "Guides from a negative prompt to a second and from there to a first.",
        ),
    }


def amount(default: float = 1.0, most: float = 100.0, least: float = 0.0) -> Input:
    """Return a widget for a number that nothing rounds."""
    return number(default, least, most, 0.01, round=False)


def _method(title: str, category: str = METHODS, **widgets: Input) -> Node:
    return Node(widgets, ("SAMPLER",), category, title, "A sampler with its parameters.")


def _methods() -> dict[str, Node]:
    noise = {"eta": amount(), "s_noise": amount()}
    device = {"noise_device": choice("gpu", "cpu")}
    return {
        "KSamplerSelect": _method("KSamplerSelect", sampler_name=SAMPLER),
        "SamplerEulerAncestral": _method("SamplerEulerAncestral", **noise),
        "SamplerEulerAncestralCFGPP": _method(
            "SamplerEulerAncestralCFG++", eta=amount(most=1.0), s_noise=amount(most=10.0)
        ),
        "SamplerEulerCFGpp": _method(
            "SamplerEulerCFG++", "experimental", version=choice("regular", "alternative")
        ),
        "SamplerDPMPP_2S_Ancestral": _method("SamplerDPMPP_2S_Ancestral", **noise),
        "SamplerDPMPP_SDE": _method("SamplerDPMPP_SDE", **noise, r=amount(0.5), **device),
        "SamplerDPMPP_2M_SDE": _method(
            "SamplerDPMPP_2M_SDE", solver_type=choice("midpoint", "heun"), **noise, **device
        ),
        "SamplerDPMPP_3M_SDE": _method("SamplerDPMPP_3M_SDE", **noise, **device),
    }


def _more_methods() -> dict[str, Node]:
    return {
        "SamplerLMS": _method("SamplerLMS", order=whole(4, 1, 100)),
        "SamplerLCM": _method(
            "SamplerLCM",
            s_noise=number(1.0, 0.0, 64.0, 0.01),
            s_noise_end=number(1.0, 0.0, 64.0, 0.01),
            noise_clip_std=number(0.0, 0.0, 10.0, 0.01),
        ),
        "SamplerDPMAdaptative": _method(
            "SamplerDPMAdaptative",
            order=whole(3, 2, 3),
            rtol=amount(0.05),
            atol=amount(0.0078),
            h_init=amount(0.05),
            pcoeff=amount(0.0),
            icoeff=amount(1.0),
            dcoeff=amount(0.0),
            accept_safety=amount(0.81),
            eta=amount(0.0),
            s_noise=amount(),
        ),
        "SamplerER_SDE": _method(
            "SamplerER_SDE",
            solver_type=choice("ER-SDE", "Reverse-time SDE", "ODE"),
            max_stage=whole(3, 1, 3),
            eta=amount(most=10.0),
            s_noise=amount(),
        ),
        "SamplerSEEDS2": _method(
            "SamplerSEEDS2",
            solver_type=choice("phi_1", "phi_2"),
            eta=amount(),
            s_noise=amount(),
            r=amount(0.5, 1.0, 0.01),
        ),
        "SamplerSASolver": _method(
            "SamplerSASolver",
            model=("MODEL", {}),
            eta=amount(most=10.0),
            sde_start_percent=number(0.2, 0.0, 1.0, 0.001),
            sde_end_percent=number(0.8, 0.0, 1.0, 0.001),
            s_noise=amount(),
            predictor_order=whole(3, 1, 6),
            corrector_order=whole(4, 0, 6),
            use_pece=("BOOLEAN", {}),
            simple_order_2=("BOOLEAN", {}),
        ),
    }


def _models() -> dict[str, Node]:
    model, category = sockets(model="MODEL"), "model/patch"
    edges = {
        "sigma_max": number(120.0, 0.0, 1000.0, 0.001, round=False),
        "sigma_min": number(0.002, 0.0, 1000.0, 0.001, round=False),
    }
    angles = {
        "sigma_max": number(500.0, 0.0, 1000.0, 0.001, round=False),
        "sigma_min": number(0.03, 0.0, 1000.0, 0.001, round=False),
    }
    return {
        "ModelSamplingDiscrete": Node(
            model | {"sampling": choice("eps", "v_prediction", "lcm", "x0"), "zsnr": switch(False)},
            ("MODEL",),
            category,
            "ModelSamplingDiscrete",
            "Reads the UNet's output in another way.",
        ),
        "ModelSamplingContinuousEDM": Node(
            model | {"sampling": choice("v_prediction", "edm", "eps")} | edges,
            ("MODEL",),
            category,
            "ModelSamplingContinuousEDM",
            "Reads the output of a UNet that was trained on continuous levels.",
        ),
        "ModelSamplingContinuousV": Node(
            model | {"sampling": choice("v_prediction")} | angles,
            ("MODEL",),
            category,
            "ModelSamplingContinuousV",
            "Reads the output of a UNet that was trained on angles.",
        ),
        "RescaleCFG": Node(
            model | {"multiplier": number(0.7, 0.0, 1.0, 0.01)},
            ("MODEL",),
            category,
            "RescaleCFG",
            "Lowers the contrast that guidance adds.",
        ),
    }
