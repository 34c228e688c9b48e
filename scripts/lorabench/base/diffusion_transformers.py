"""The families whose model is a diffusion transformer, in a file of its own or all in one.

None is loaded here: a ComfyUI renders with them, and programs of others train them. Presets are
those of their trainers' own documentation (sd-scripts, musubi-tuner, ai-toolkit).
"""

from collections.abc import Mapping
from typing import Any

from lorabench.base import layer_names, musubi_tuner, sd_scripts
from lorabench.base.family import Benchmark, Family, preprocess

_EXAMPLES = {
    "style": "{trigger}, a young woman with a suitcase waits on a railway platform in the morning "
    "light, beside a bench and a clock.",
    "char": "{trigger}, waiting on a railway platform in the morning light, looking at the viewer.",
}
_TAGS = "{trigger}, 1girl, solo, upper body, looking at viewer"
_TOKENS = 512
"""Of T5 and of the language models that encode text in later families."""
_FLUX = r"double_blocks\.0\.img_attn\.norm\.key_norm"


def _benchmarks(*names: str) -> tuple[Benchmark, ...]:
    """Return the bundled benchmarks of these names, for models that are asked in sentences."""
    prompts = "config/prompts/sentences_{profile}.txt"
    workflows = [f"config/workflows/{name}_lora_bench.json" for name in names] or [""]
    return tuple(Benchmark(workflow, prompts, _EXAMPLES) for workflow in workflows)


def _settings(
    rank: int, learning_rate: float, steps: int = 2000, resolution: int = 1024
) -> Mapping[str, Any]:
    """Return usual settings: text encoders untrained, no weighting of the loss by noise."""
    return {
        "probe": "quick",
        "bench": {"threads": 4},
        "preprocess": preprocess(resolution, 64),
        "train": {
            "rank": rank,
            "alpha": rank,
            "unet_lr": learning_rate,
            "text_encoder_lr": 0.0,
            "threads": 4,
            "scheduler": "constant",
            "noise_offset": 0.0,
            "min_snr_gamma": 0.0,
            "gradient_checkpointing": True,
            "steps": steps,
            "batch_size": 1,
        },
    }


FLUX2 = Family(
    "FLUX.2",
    name="flux2",
    architecture="flux2",
    tag="flux-2",
    layers=(_FLUX, r"double_stream_modulation_img\.lin"),
    naming=layer_names.FLUX2,
    caption_tokens=_TOKENS,
    picture_seconds=20,
    trained_seconds=3,
    memory_mb=48000,
    musubi=musubi_tuner.FLUX2,
    benchmarks=_benchmarks("flux2_klein"),
    settings=_settings(32, 1e-4),
)
CHROMA = Family(
    "Chroma",
    name="chroma",
    architecture="chroma",
    tag="chroma",
    layers=(_FLUX, r"img_in", r"distilled_guidance_layer\.(0\.)?norms\.0"),
    naming=layer_names.CHROMA,
    caption_tokens=_TOKENS,
    picture_seconds=30,
    trained_seconds=4,
    memory_mb=48000,
    kohya=sd_scripts.CHROMA,
    benchmarks=_benchmarks("chroma"),
    settings=_settings(16, 1e-4),
)
HUNYUAN_IMAGE = Family(
    "HunyuanImage",
    name="hunyuan_image",
    architecture="hunyuan-image-2.1",
    tag="hunyuan-image",
    layers=(r"txt_in\.individual_token_refiner\.blocks\.0\.norm1",),
    without=r"vector_in\..+|vision_in\..+",  # of the same makers' video models
    naming=layer_names.HUNYUAN_IMAGE,
    caption_tokens=_TOKENS,
    picture_seconds=60,
    trained_seconds=6,
    memory_mb=64000,
    kohya=sd_scripts.HUNYUAN_IMAGE,
    benchmarks=_benchmarks(),
    settings=_settings(16, 1e-4),
)
FLUX1 = Family(
    "FLUX.1",
    name="flux1",
    architecture="flux-1-dev",
    tag="flux",
    layers=(_FLUX, r"img_in"),
    naming=layer_names.FLUX1,
    caption_tokens=_TOKENS,
    picture_seconds=20,
    trained_seconds=3,
    memory_mb=48000,
    kohya=sd_scripts.FLUX1,
    benchmarks=_benchmarks("flux1"),
    settings=_settings(16, 1e-4),
)
SD3 = Family(
    "SD3.5",
    name="sd3",
    architecture="stable-diffusion-3",
    tag="stable-diffusion-3",
    layers=(r"joint_blocks\.0\.context_block\.attn\.qkv",),
    naming=layer_names.SD3,
    caption_tokens=_TOKENS,
    picture_seconds=15,
    trained_seconds=3,
    memory_mb=32000,
    kohya=sd_scripts.SD3,
    benchmarks=_benchmarks("sd3"),
    settings=_settings(16, 1e-4),
)
Z_IMAGE = Family(
    "Z-Image",
    name="z_image",
    architecture="z-image",
    tag="z-image",
    layers=(r"cap_embedder\.1", r"noise_refiner\.0\.attention\.k_norm"),
    rows=("cap_embedder.1", 3840),
    naming=layer_names.Z_IMAGE,
    caption_tokens=_TOKENS,
    picture_seconds=10,
    trained_seconds=2,
    memory_mb=32000,
    musubi=musubi_tuner.Z_IMAGE,
    benchmarks=_benchmarks("z_image", "z_image_turbo"),
    settings=_settings(32, 1e-4, 3000),
)
LUMINA2 = Family(
    "Lumina 2",
    name="lumina2",
    architecture="lumina-2",
    tag="lumina",
    layers=(r"cap_embedder\.1", r"noise_refiner\.0\.attention\.k_norm"),
    rows=("cap_embedder.1", 2304),
    naming=layer_names.LUMINA2,
    caption_tokens=_TOKENS,
    picture_seconds=20,
    trained_seconds=2,
    memory_mb=32000,
    kohya=sd_scripts.LUMINA2,
    benchmarks=_benchmarks(),
    settings=_settings(8, 1e-4),
)
ANIMA = Family(
    "Anima",
    name="anima",
    architecture="anima",
    tag="anima",
    layers=(r"blocks\.0\.mlp\.layer1", r"llm_adapter\.blocks\.0\.cross_attn\.q_proj"),
    naming=layer_names.ANIMA,
    caption_tokens=_TOKENS,
    picture_seconds=10,
    trained_seconds=1,
    memory_mb=16000,
    kohya=sd_scripts.ANIMA,
    benchmarks=(
        Benchmark(
            "config/workflows/anima_lora_bench.json",
            "config/prompts/anima_{profile}.txt",
            dict.fromkeys(("style", "char"), f"masterpiece, best quality, score_7, safe, {_TAGS}"),
        ),
    ),
    settings=_settings(16, 1e-4),
)
QWEN_IMAGE = Family(
    "Qwen-Image",
    name="qwen_image",
    architecture="qwen-image",
    tag="qwen-image",
    layers=(r"txt_norm", r"transformer_blocks\.0\..+"),
    rows=("txt_norm", 3584),
    naming=layer_names.QWEN_IMAGE,
    caption_tokens=_TOKENS,
    picture_seconds=60,
    trained_seconds=6,
    memory_mb=64000,
    musubi=musubi_tuner.QWEN_IMAGE,
    benchmarks=_benchmarks("qwen_image"),
    settings=_settings(16, 5e-5),
)
KREA2 = Family(
    "Krea 2",
    name="krea2",
    architecture="krea-2",
    tag="krea-2",
    layers=(r"txtfusion\.projector",),
    naming=layer_names.KREA2,
    caption_tokens=_TOKENS,
    picture_seconds=15,
    trained_seconds=4,
    memory_mb=48000,
    musubi=musubi_tuner.KREA2,
    benchmarks=_benchmarks("krea2_turbo"),
    settings=_settings(32, 1e-4, 3000),
)
WAN = Family(
    "Wan",
    name="wan",
    architecture="wan",
    tag="wan",
    layers=(r"head\.modulation", r"blocks\.0\.cross_attn\.k"),
    naming=layer_names.WAN,
    caption_tokens=_TOKENS,
    picture_seconds=60,
    trained_seconds=6,
    memory_mb=64000,
    benchmarks=_benchmarks("wan22"),
    settings=_settings(32, 2e-4),
)

TRANSFORMERS = (
    FLUX2, CHROMA, HUNYUAN_IMAGE, FLUX1, SD3, Z_IMAGE, LUMINA2, ANIMA, QWEN_IMAGE, KREA2, WAN,
)  # fmt: skip
"""In the order in which files are looked at: those with more layers of their own first."""
