"""How kohya's sd-scripts trains each family: read in 0.10.1 and 0.11.1, and held to their parsers.

The options are those of its own documentation (docs/<family>_train_network.md there).
"""

from lorabench.base import model_kinds
from lorabench.base.trainer import Kohya, ModelFile

_CLIP_L = ModelFile("CLIP-L", (model_kinds.CLIP_L,))
_T5XXL = ModelFile("T5-XXL", (model_kinds.T5_XXL,))
_AE = ModelFile("FLUX.1's autoencoder", (model_kinds.VAE_FLUX1,))

_NO_V = ("v2", "v_parameterization", "zero_terminal_snr", "scale_v_pred_loss_like_noise_pred")
_FLOW = frozenset(
    {
        *("clip_skip", "max_token_length", "weighted_captions"),
        *("min_snr_gamma", "debiased_estimation_loss", *_NO_V),
        *("noise_offset", "noise_offset_random_strength", "adaptive_noise_scale"),
        *("multires_noise_iterations", "multires_noise_discount"),
    }
)
"""What belongs to CLIP's layers and to the noise of diffusion, which a flow does not have."""
_NO_FP8 = frozenset({"fp8_base", "fp8_base_unet"})
_NO_TEXT = frozenset({"text_encoder_lr"})
_RAW = {"model_prediction_type": "raw", "weighting_scheme": "uniform"}

SD15 = Kohya(
    program="train_network.py",
    bucket_step=64,
    options={"no_half_vae": True},
    caches_text=False,
)
SDXL = Kohya(
    program="sdxl_train_network.py",
    bucket_step=32,
    options={"no_half_vae": True},  # the VAE of SDXL overflows in half precision
    without=frozenset({"clip_skip", "v2"}),
)
SD3 = Kohya(
    program="sd3_train_network.py",
    bucket_step=32,
    network_module="networks.lora_sd3",
    prefix="model.diffusion_model.",
    models={
        "clip_l": ModelFile("CLIP-L", (model_kinds.CLIP_L,), "text_encoders.clip_l."),
        "clip_g": ModelFile("CLIP-G", (model_kinds.CLIP_G,), "text_encoders.clip_g."),
        "t5xxl": ModelFile("T5-XXL", (model_kinds.T5_XXL,), "text_encoders.t5xxl."),
        "vae": ModelFile("SD3's VAE", (model_kinds.VAE_FLUX1,), "first_stage_model."),
    },
    options={"weighting_scheme": "uniform"},
    without=_FLOW | {"ip_noise_gamma"},
)
FLUX1 = Kohya(
    program="flux_train_network.py",
    bucket_step=64,
    network_module="networks.lora_flux",
    models={"clip_l": _CLIP_L, "t5xxl": _T5XXL, "ae": _AE},
    options={
        **_RAW,
        "guidance_scale": 1.0,  # its default of 3.5 is for rendering
        "timestep_sampling": "flux_shift",
    },
    without=_FLOW,
)
CHROMA = Kohya(
    program="flux_train_network.py",
    bucket_step=64,
    network_module="networks.lora_flux",
    models={"t5xxl": _T5XXL, "ae": _AE},
    options={
        **_RAW,
        "model_type": "chroma",
        "guidance_scale": 0.0,
        "timestep_sampling": "sigmoid",
        "apply_t5_attn_mask": True,
    },
    without=_FLOW | _NO_TEXT | {"clip_l"},
)
LUMINA2 = Kohya(
    program="lumina_train_network.py",
    bucket_step=64,
    network_module="networks.lora_lumina",
    models={"gemma2": ModelFile("Gemma 2 2B", (model_kinds.GEMMA_2B,)), "ae": _AE},
    options={
        **_RAW,
        "timestep_sampling": "nextdit_shift",
        "discrete_flow_shift": 6.0,
        "system_prompt": "You are an assistant designed to generate high-quality images based on "
        "user prompts.",
    },
    without=_FLOW,
)
ANIMA = Kohya(
    program="anima_train_network.py",
    bucket_step=16,
    network_module="networks.lora_anima",
    models={
        "qwen3": ModelFile("Qwen3-0.6B", (model_kinds.QWEN_06B,)),
        "vae": ModelFile("Qwen-Image's VAE", (model_kinds.VAE_QWEN,)),
        "llm_adapter_path": ModelFile("LLM adapter, if not in the base model", optional=True),
    },
    options={
        "weighting_scheme": "uniform",
        "timestep_sampling": "sigmoid",
        "discrete_flow_shift": 1.0,
        "vae_chunk_size": 64,
        "vae_disable_cache": True,
    },
    without=_FLOW | _NO_FP8,
)
HUNYUAN_IMAGE = Kohya(
    program="hunyuan_image_train_network.py",
    bucket_step=64,
    network_module="networks.lora_hunyuan_image",
    models={
        "text_encoder": ModelFile("Qwen2.5-VL 7B", (model_kinds.QWEN_7B,)),
        "byt5": ModelFile("ByT5 small, for glyphs", (model_kinds.BYT5,)),
        "vae": ModelFile("HunyuanImage's VAE", (model_kinds.VAE_HUNYUAN,)),
    },
    options={
        **_RAW,
        "timestep_sampling": "sigma",
        "discrete_flow_shift": 5.0,
        "attn_mode": "torch",
        "split_attn": True,
        "fp8_scaled": True,
    },
    without=_FLOW | _NO_FP8 | _NO_TEXT,
    renames={  # of its own transformer's layers, as convert_hunyuan_image_lora_to_comfy.py has it
        r"_(img|txt)_mlp_fc1\.": r"_\1_mlp_0.",
        r"_(img|txt)_mlp_fc2\.": r"_\1_mlp_2.",
        r"_(img|txt)_mod_linear\.": r"_\1_mod_lin.",
        r"_modulation_linear\.": "_modulation_lin.",
    },
)
