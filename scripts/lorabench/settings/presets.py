"""Defaults that depend on the family of the base model.

`bundled` was measured on the bundled checkpoint (docs/performance.md), its one thread too: on so
small a model two are 1.5 times as fast when the cores are idle and many times slower when they
are not. The others are what authors of SD1.5 and SDXL LoRAs usually start from.
"""

from typing import Any, Literal

Family = Literal["bundled", "sd15", "sdxl"]

EXAMPLE_PROMPTS = {
    "style": "{trigger}, a red mushroom on a blue background",
    "char": "{trigger}, smiling, green background",
}
"""What the bundled workflow asks for, by profile, where the trigger is not the example set's."""

PRESETS: dict[Family, dict[str, Any]] = {
    "bundled": {
        "bench_workflow": "config/workflows/drawnworld_lora_bench.json",
        "prompts": "config/prompts/drawnworld_{profile}.txt",
        "probe": "full",
        "preprocess": {
            "resolution": 128,
            "bucket_step": 32,
            "bucket_min": 64,
            "bucket_max": 256,
            "min_size": 64,
        },
        "train": {
            "rank": 16,
            "alpha": 64,
            "unet_lr": 4e-3,
            "text_encoder_lr": 5.5e-3,
            "scheduler": "cosine",
            "steps": 380,
            "batch_size": 8,
            "noise_offset": 0.1,
            "threads": 1,
        },
        "bench": {"threads": 1},
    },
    "sd15": {
        "bench_workflow": "config/workflows/sd15_lora_bench.json",
        "prompts": (),
        "probe": "off",
        "preprocess": {
            "resolution": 512,
            "bucket_step": 64,
            "bucket_min": 256,
            "bucket_max": 1024,
            "min_size": 256,
        },
        "train": {
            "rank": 32,
            "alpha": 16,
            "unet_lr": 1e-4,
            "text_encoder_lr": 1e-5,
            "scheduler": "cosine_with_restarts",
            "steps": 1600,
            "batch_size": 2,
            "noise_offset": 0.0,
            "threads": 4,
        },
        "bench": {"threads": 4},
    },
    "sdxl": {
        "bench_workflow": "config/workflows/sdxl_lora_bench.json",
        "prompts": (),
        "probe": "off",
        "preprocess": {
            "resolution": 1024,
            "bucket_step": 64,
            "bucket_min": 512,
            "bucket_max": 2048,
            "min_size": 512,
        },
        "train": {
            "rank": 32,
            "alpha": 16,
            "unet_lr": 1e-4,
            "text_encoder_lr": 1e-5,
            "scheduler": "cosine_with_restarts",
            "steps": 2000,
            "batch_size": 1,
            "noise_offset": 0.0,
            "threads": 4,
        },
        "bench": {"threads": 4},
    },
}
