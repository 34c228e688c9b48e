"""How kohya's musubi-tuner trains each family: read in 0.3.4, and held to its parsers.

The options are those of its own documentation (docs/<family>.md there).
"""

from collections.abc import Mapping
from typing import Any

from lorabench.base import model_kinds
from lorabench.base.trainer import ModelFile, Musubi

_WITHOUT = frozenset(
    {
        *("text_encoder_lr", "clip_skip", "min_snr_gamma", "noise_offset"),
        *(
            "shuffle_caption",
            "caption_dropout_rate",
            "flip_aug",
            "validation_split",
            "reg_data_dir",
        ),
    }
)
"""What its programs do not have at all: a picture and its caption are encoded once."""
_QWEN_VAE = ModelFile("Qwen-Image's VAE", (model_kinds.VAE_QWEN,))


def _shifted(shift: float) -> Mapping[str, Any]:
    return {
        "timestep_sampling": "shift",
        "weighting_scheme": "none",
        "discrete_flow_shift": shift,
    }


def _musubi(name: str, network_module: str, **more: Any) -> Musubi:
    return Musubi(
        program=f"{name}_train_network.py",
        cache_latents=f"{name}_cache_latents.py",
        cache_text=f"{name}_cache_text_encoder_outputs.py",
        network_module=network_module,
        without=_WITHOUT,
        **more,
    )


Z_IMAGE = _musubi(
    "zimage",
    "networks.lora_zimage",
    models={
        "vae": ModelFile("FLUX.1's autoencoder", (model_kinds.VAE_FLUX1,)),
        "text_encoder": ModelFile("Qwen3-4B", (model_kinds.QWEN_4B,)),
    },
    options=_shifted(2.0),
    # A ComfyUI has one layer for these three; it maps their split names under this prefix alone.
    renames={
        r"^lora_unet_layers_(\d+)_attention_to_([qkv])\.": (
            r"diffusion_model.layers.\1.attention.to_\2."
        ),
        r"^lora_unet_layers_(\d+)_attention_to_out_0\.": (
            r"diffusion_model.layers.\1.attention.to_out.0."
        ),
    },
)
QWEN_IMAGE = _musubi(
    "qwen_image",
    "networks.lora_qwen_image",
    models={"vae": _QWEN_VAE, "text_encoder": ModelFile("Qwen2.5-VL 7B", (model_kinds.QWEN_7B,))},
    options={**_shifted(2.2), "model_version": "original"},
)
FLUX2 = _musubi(
    "flux_2",
    "networks.lora_flux_2",
    models={
        "vae": ModelFile("FLUX.2's VAE", (model_kinds.VAE_FLUX2,)),
        "text_encoder": ModelFile(
            "Qwen3-4B or 8B of Klein, Mistral 3 of dev",
            (model_kinds.QWEN_4B, model_kinds.QWEN_8B, model_kinds.MISTRAL),
        ),
    },
    options={"timestep_sampling": "flux2_shift", "weighting_scheme": "none"},
    versions={3072: "klein-base-4b", 4096: "klein-base-9b", 6144: "dev"},
    width_of="img_in",
)
KREA2 = _musubi(
    "krea2",
    "networks.lora_krea2",
    models={"vae": _QWEN_VAE, "text_encoder": ModelFile("Qwen3-VL-4B", (model_kinds.QWEN_4B,))},
    options=_shifted(2.5),
)
