"""Stable Diffusion with a UNet: the bundled model, SD1.x and SDXL."""

from collections.abc import Mapping

from lorabench.base import sd_scripts
from lorabench.base.family import LDM_UNET, Benchmark, Family, Part, preprocess

_LDM_PARTS: Mapping[Part, str] = {"unet": LDM_UNET, "vae": "first_stage_model."}

BUNDLED = Family(
    "small Stable Diffusion",  # any folder of the architecture with the width of no other family
    name="bundled",
    parts={"unet": "", "vae": "", "text_encoder": ""},
    embedded=True,
    memory_mb=3000,
    # One core's, measured (docs/performance.md): 380 steps of 8 pictures in 108 s, and 35 pictures
    # through the autoencoder in 9 s.
    picture_seconds=0.8,
    trained_seconds=0.036,
    on_a_cpu=1,
    autoencoder_seconds=16,
    # Measured on the bundled checkpoint (docs/performance.md), its one thread too: on so small a
    # model two are 1.5 times as fast when the cores are idle, and many times slower when not.
    settings={
        "probe": "full",
        "preprocess": preprocess(128, 32),
        "train": {
            "rank": 16,
            "alpha": 64,
            "unet_lr": 3e-3,
            "text_encoder_lr": 1e-3,
            "threads": 1,
            "scheduler": "cosine",
            "noise_offset": 0.1,
            "steps": 380,
            "batch_size": 8,
        },
        "bench": {"threads": 1},
    },
    benchmarks=(
        Benchmark(
            "config/workflows/drawnworld_lora_bench.json",
            "config/prompts/drawnworld_{profile}.txt",
            {
                "style": "{trigger}, a red mushroom on a blue background",
                "char": "{trigger}, smiling, green background",
            },
        ),
    ),
)

VAE = {  # of SD1.x and SDXL
    "sample_size": 512,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "scaling_factor": 0.18215,
}
_SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
_TAGS = "{trigger}, 1girl, solo, upper body, looking at viewer"
_EXAMPLE = "{trigger}, masterpiece, best quality, 1girl, solo, upper body, looking at viewer"


def _benchmark(
    workflow: str, prompts: str, example: str = _EXAMPLE, v_prediction: bool = False
) -> Benchmark:
    return Benchmark(
        f"config/workflows/{workflow}_lora_bench.json",
        f"config/prompts/{prompts}_{{profile}}.txt",
        {"style": example, "char": example},
        v_prediction,
    )


# What authors of SD1.5 and SDXL LoRAs usually start from.
_SETTINGS = {
    "probe": "quick",
    "bench": {"threads": 4},
}
_TRAIN = {
    "rank": 32,
    "alpha": 16,
    "unet_lr": 1e-4,
    "text_encoder_lr": 1e-5,
    "threads": 4,
    "scheduler": "cosine_with_restarts",
    "noise_offset": 0.0,
}

SD15 = Family(
    "SD1.x",
    width=768,
    block=1,
    name="sd15",
    version="sd_v1",
    architecture="stable-diffusion-v1",
    tag="stable-diffusion",
    parts={
        **_LDM_PARTS,
        "text_encoder": "cond_stage_model.transformer.",
    },
    configs={  # as in runwayml/stable-diffusion-v1-5
        "unet": {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
        "vae": VAE,
        "text_encoder": {
            "hidden_size": 768,
            "intermediate_size": 3072,
            "projection_dim": 768,
            "num_attention_heads": 12,
            "pad_token_id": 49407,
        },
    },
    schedule=_SCHEDULE,
    embedded=True,
    memory_mb=12000,
    kohya=sd_scripts.SD15,
    benchmarks=(_benchmark("sd15", "sd"),),
    settings={
        **_SETTINGS,
        "preprocess": preprocess(512, 64),
        "train": {**_TRAIN, "steps": 1600, "batch_size": 2},
    },
)
SDXL = Family(
    "SDXL",
    width=2048,
    block=4,  # those before do not attend to the text
    lora_names="label_emb|text_model_2|lora_te2_",
    name="sdxl",
    version="sdxl_base_v1-0",
    architecture="stable-diffusion-xl-v1-base",
    tag="stable-diffusion-xl",
    parts={
        **_LDM_PARTS,
        "text_encoder": "conditioner.embedders.0.transformer.",
        "text_encoder_2": "conditioner.embedders.1.model.",
    },
    configs={  # the sizes are read from the file
        "unet": {"sample_size": 128, "addition_embed_type": "text_time"},
        "vae": {**VAE, "scaling_factor": 0.13025},
        "text_encoder": {"pad_token_id": 49407},
        "text_encoder_2": {"hidden_act": "gelu"},
    },
    schedule=_SCHEDULE,
    embedded=True,
    kohya=sd_scripts.SDXL,
    benchmarks=(
        _benchmark("sdxl", "sd"),
        _benchmark("illustrious", "illustrious", f"masterpiece, best quality, {_TAGS}"),
        _benchmark(
            "noobai_vpred",
            "noobai",
            f"masterpiece, best quality, newest, absurdres, highres, {_TAGS}",
            v_prediction=True,
        ),
    ),
    picture_seconds=10,
    trained_seconds=2,
    memory_mb=32000,
    settings={
        **_SETTINGS,
        "preprocess": preprocess(1024, 64),
        # The text encoders stay as they are: sd-scripts' documentation "highly recommends" it for
        # SDXL, and OneTrainer does so. They then run once and are freed, and with gradient
        # checkpointing the rest fits on a usual card.
        "train": {
            **_TRAIN,
            "text_encoder_lr": 0.0,
            "steps": 2000,
            "batch_size": 1,
            "gradient_checkpointing": True,
        },
    },
)
