"""Every sampler by ComfyUI's name, in ComfyUI's order."""

from collections.abc import Callable
from functools import partial

from torch import Tensor

from lorabench.comfy.embedded.samplers import (
    ancestral,
    cfg_pp,
    dpm_solver,
    multistep,
    sa_solver,
    sde,
    seeds,
    single_step,
    uni_pc,
)

Sampler = Callable[..., Tensor]

SAMPLERS: dict[str, Sampler] = {
    "euler": single_step.euler,
    "euler_cfg_pp": cfg_pp.euler_cfg_pp,
    "euler_ancestral": ancestral.euler_ancestral,
    "euler_ancestral_cfg_pp": cfg_pp.euler_ancestral_cfg_pp,
    "heun": single_step.heun,
    "heunpp2": single_step.heunpp2,
    "exp_heun_2_x0": seeds.exp_heun_2_x0,
    "exp_heun_2_x0_sde": seeds.exp_heun_2_x0_sde,
    "dpm_2": single_step.dpm_2,
    "dpm_2_ancestral": ancestral.dpm_2_ancestral,
    "lms": multistep.lms,
    "dpm_fast": dpm_solver.dpm_fast,
    "dpm_adaptive": dpm_solver.dpm_adaptive,
    "dpmpp_2s_ancestral": ancestral.dpmpp_2s_ancestral,
    "dpmpp_2s_ancestral_cfg_pp": cfg_pp.dpmpp_2s_ancestral_cfg_pp,
    "dpmpp_sde": sde.dpmpp_sde,
    "dpmpp_sde_gpu": partial(sde.dpmpp_sde, noise_on_cpu=False),
    "dpmpp_2m": multistep.dpmpp_2m,
    "dpmpp_2m_cfg_pp": cfg_pp.dpmpp_2m_cfg_pp,
    "dpmpp_2m_sde": sde.dpmpp_2m_sde,
    "dpmpp_2m_sde_gpu": partial(sde.dpmpp_2m_sde, noise_on_cpu=False),
    "dpmpp_2m_sde_heun": sde.dpmpp_2m_sde_heun,
    "dpmpp_2m_sde_heun_gpu": partial(sde.dpmpp_2m_sde_heun, noise_on_cpu=False),
    "dpmpp_3m_sde": sde.dpmpp_3m_sde,
    "dpmpp_3m_sde_gpu": partial(sde.dpmpp_3m_sde, noise_on_cpu=False),
    "ddpm": ancestral.ddpm,
    "lcm": ancestral.lcm,
    "ipndm": multistep.ipndm,
    "ipndm_v": multistep.ipndm_v,
    "deis": multistep.deis,
    "res_multistep": multistep.res_multistep,
    "res_multistep_cfg_pp": cfg_pp.res_multistep_cfg_pp,
    "res_multistep_ancestral": multistep.res_multistep_ancestral,
    "res_multistep_ancestral_cfg_pp": cfg_pp.res_multistep_ancestral_cfg_pp,
    "gradient_estimation": multistep.gradient_estimation,
    "gradient_estimation_cfg_pp": cfg_pp.gradient_estimation_cfg_pp,
    "er_sde": sde.er_sde,
    "seeds_2": seeds.seeds_2,
    "seeds_3": seeds.seeds_3,
    "sa_solver": sa_solver.sa_solver,
    "sa_solver_pece": sa_solver.sa_solver_pece,
    "ddim": single_step.euler,  # DDIM is Euler in this view of the noise
    "uni_pc": uni_pc.uni_pc,
    "uni_pc_bh2": uni_pc.uni_pc_bh2,
}
