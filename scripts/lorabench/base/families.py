"""Every family of models: how files are recognized, the model's parts, its presets and limits.

To add a family is to describe it here; elsewhere is only what takes code. Nothing here imports
torch: the Snakefile asks for a checkpoint's family each time it is parsed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lorabench.text.phrases import listed

Part = Literal["unet", "vae", "text_encoder", "text_encoder_2"]
PARTS: Mapping[str, str] = {  # and their names for people
    "unet": "UNet",
    "vae": "VAE",
    "text_encoder": "text encoder",
    "text_encoder_2": "text encoder 2",
}
LDM_UNET = "model.diffusion_model."
_LDM_PARTS: Mapping[Part, str] = {"unet": LDM_UNET, "vae": "first_stage_model."}


@dataclass(frozen=True, eq=False)
class Known:
    """A family that files are recognized by; one that is no `Family` as well is refused."""

    title: str
    width: int | None = None  # of the text features that the UNet attends to: all differ
    block: int | None = None  # of a single file's UNet, the first that attends to them
    lora_names: str | None = None  # a pattern of LoRA modules, if the width is not enough

    @property
    def a_title(self) -> str:
        """The title with its article, such as `an SDXL`: `checkpoint` or `one` follows."""
        return f"{'an' if self.title.startswith(('SD', *'AEIO')) else 'a'} {self.title}"

    @property
    def cross_attention(self) -> str:
        """The weight in a single file that has the `width`."""
        return f"{LDM_UNET}input_blocks.{self.block}.1.transformer_blocks.0.attn2.to_k.weight"


@dataclass(frozen=True)
class Kohya:
    """How sd-scripts trains: its program, and the px that it crops edges to multiples of."""

    program: str
    bucket_step: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Family(Known):
    """A family that LoRAs can be trained and rendered for."""

    name: str  # among the settings
    version: str = ""  # `ss_base_model_version`; empty: the name of the checkpoint
    architecture: str = ""  # what `modelspec.architecture` begins with; empty: the same
    tag: str = ""  # on Hugging Face
    parts: Mapping[Part, str]  # what the tensors of each begin with in a single file
    configs: Mapping[Part, Mapping[str, Any]] = field(default_factory=dict)
    """Of a single file's parts, where they differ from the defaults of the classes that load it."""
    schedule: Mapping[str, Any] = field(default_factory=dict)  # the noise that it was trained with
    embedded: bool  # whether the embedded trainer and server load it
    kohya: Kohya | None
    preset: Mapping[str, Any]
    example_prompts: Mapping[str, str]
    """Of its workflow, by profile, where that has not the trigger."""
    picture_seconds: float = 3
    """How long a usual GPU takes for a picture of its workflow, on a ComfyUI."""
    trained_seconds: float = 0.5
    """How long a usual GPU takes for a picture in a training at the preset's resolution."""
    on_a_cpu: float = 50
    """About so many times as long takes a CPU of few cores."""
    autoencoder_seconds: float = 150
    """How long one core takes for a million pixels in its autoencoder (docs/performance.md)."""
    memory_mb: int
    """Of a program that trains or renders with it, on the machine and not on the card."""


def _preprocess(resolution: int, bucket_step: int) -> dict[str, int]:
    half, double = resolution // 2, resolution * 2
    buckets = {"bucket_step": bucket_step, "bucket_min": half, "bucket_max": double}
    return {"resolution": resolution, **buckets, "min_size": half}


BUNDLED = Family(
    "small Stable Diffusion",  # any folder of the architecture with the width of no other family
    name="bundled",
    parts={"unet": "", "vae": "", "text_encoder": ""},
    embedded=True,
    memory_mb=3000,
    kohya=None,
    # One core's, measured (docs/performance.md): 380 steps of 8 pictures in 108 s, and 35 pictures
    # through the autoencoder in 9 s.
    picture_seconds=0.8,
    trained_seconds=0.036,
    on_a_cpu=1,
    autoencoder_seconds=16,
    # Measured on the bundled checkpoint (docs/performance.md), its one thread too: on so small a
    # model two are 1.5 times as fast when the cores are idle, and many times slower when not.
    preset={
        "bench_workflow": "config/workflows/drawnworld_lora_bench.json",
        "prompts": "config/prompts/drawnworld_{profile}.txt",
        "probe": "full",
        "preprocess": _preprocess(128, 32),
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
    example_prompts={
        "style": "{trigger}, a red mushroom on a blue background",
        "char": "{trigger}, smiling, green background",
    },
)

VAE = {  # of SD1.x and SDXL
    "sample_size": 512,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
}
_SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
# What authors of SD1.5 and SDXL LoRAs usually start from.
_EXAMPLE = "{trigger}, masterpiece, best quality, 1girl, solo, upper body, looking at viewer"
_PRESET = {
    "prompts": "config/prompts/sd_{profile}.txt",
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
    kohya=Kohya("train_network.py", 64),
    example_prompts={"style": _EXAMPLE, "char": _EXAMPLE},
    preset={
        **_PRESET,
        "bench_workflow": "config/workflows/sd15_lora_bench.json",
        "preprocess": _preprocess(512, 64),
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
    configs={  # the sizes of all parts are read from the file; its text encoders are CLIP's
        "vae": {**VAE, "scaling_factor": 0.13025},
        "text_encoder": {"pad_token_id": 49407},
        "text_encoder_2": {"hidden_act": "gelu"},
    },
    schedule=_SCHEDULE,
    embedded=True,
    kohya=Kohya("sdxl_train_network.py", 32),
    example_prompts={"style": _EXAMPLE, "char": _EXAMPLE},
    picture_seconds=10,
    trained_seconds=2,
    memory_mb=32000,
    preset={
        **_PRESET,
        "bench_workflow": "config/workflows/sdxl_lora_bench.json",
        "preprocess": _preprocess(1024, 64),
        # The text encoders stay as they are: sd-scripts' documentation "highly recommends" it for
        # SDXL, whose two read more than a small set teaches, and OneTrainer does so. They are then
        # run once and freed, and with gradient checkpointing the rest fits on a usual card.
        "train": {
            **_TRAIN,
            "text_encoder_lr": 0.0,
            "steps": 2000,
            "batch_size": 1,
            "gradient_checkpointing": True,
        },
    },
)

PUBLIC = (SD15, SDXL)
FAMILIES = (BUNDLED, *PUBLIC)
BY_NAME = {family.name: family for family in FAMILIES}
KNOWN = (
    Known("Flux", lora_names="double_blocks|single_transformer_blocks"),
    Known("SD3", lora_names="joint_blocks"),
    Known("SD2.x", width=1024, block=1),
    Known("SDXL refiner", width=1280, block=4),
    *PUBLIC,
)
"""All that has a mark of its own, in the order in which a LoRA's names are looked at."""
EMBEDDED = listed([family.title for family in PUBLIC if family.embedded])
PREFIXES = {prefix: part for family in PUBLIC for part, prefix in family.parts.items()}
"""The part of the model that a tensor of a single file belongs to, by how its name begins."""


def by_width(width: Any) -> Known | None:
    """Return the family whose UNet attends to text features this wide, None for none of them."""
    return next((family for family in KNOWN if family.width == width), None)
