"""What a file of a text encoder or autoencoder is, by the names and shapes of its tensors.

They are those of the makers' files and of ComfyUI's, whatever the names begin with. Norms and the
autoencoders' convolutions are looked at, which no fp8 or 4-bit file packs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

Shape = tuple[int, ...]

TAESD = "taesd_decoder.1.weight"
"""A layer that each tiny autoencoder of ComfyUI's has."""


@dataclass(frozen=True)
class Kind:
    """A kind of file that is recognized."""

    title: str
    tensor: str
    """A pattern of what a name ends with."""
    shape: tuple[int | None, ...] | None = None
    """Of that tensor; None stands for any size, and for any shape."""

    def has(self, name: str, shape: Shape) -> bool:
        """Return whether a tensor of this name and shape is one of such a file."""
        return bool(re.search(rf"(^|\.){self.tensor}$", name)) and self._fits(shape)

    def _fits(self, shape: Shape) -> bool:
        if self.shape is None:
            return True
        sizes = zip(self.shape, shape, strict=False)
        return len(self.shape) == len(shape) and all(one in (None, size) for one, size in sizes)


def _clip(title: str, width: int) -> Kind:
    return Kind(title, r"text_model\.encoder\.layers\.\d+\.layer_norm1\.weight", (width,))


def _t5(title: str, width: int) -> Kind:
    return Kind(title, r"encoder\.block\.\d+\.layer\.\d+\.layer_norm\.weight", (width,))


def _language_model(like: str, width: int) -> Kind:
    title = f"a language model of the width of {like}"
    return Kind(title, r"layers\.\d+\.input_layernorm\.weight", (width,))


def _vae(title: str, channels: int) -> Kind:
    return Kind(title, r"decoder\.conv_in\.weight", (None, channels, None, None))


CLIP_L, CLIP_G = _clip("CLIP-L", 768), _clip("CLIP-G", 1280)
T5_XXL, BYT5 = _t5("T5-XXL", 4096), _t5("ByT5 small", 1472)
QWEN_06B, GEMMA_2B = _language_model("Qwen3-0.6B", 1024), _language_model("Gemma 2 2B", 2304)
QWEN_4B, QWEN_7B = _language_model("Qwen3-4B", 2560), _language_model("Qwen2.5-VL 7B", 3584)
QWEN_8B, MISTRAL = _language_model("Qwen3-8B", 4096), _language_model("Mistral 3", 5120)
VAE_SD, VAE_FLUX1 = _vae("the VAE of SD1.x or SDXL", 4), _vae("the VAE of FLUX.1 or SD3", 16)
VAE_FLUX2, VAE_HUNYUAN = _vae("the VAE of FLUX.2", 32), _vae("the VAE of HunyuanImage", 64)
VAE_QWEN = Kind("the VAE of Qwen-Image or Wan", r"decoder\.(.+\.)?gamma")
UNET = Kind("a UNet", r"input_blocks\.0\.0\.weight")
KINDS = (
    *(CLIP_L, CLIP_G, _clip("the CLIP of SD2.x", 1024), T5_XXL, BYT5),
    *(QWEN_06B, GEMMA_2B, QWEN_4B, QWEN_7B, QWEN_8B, MISTRAL),
    *(VAE_SD, VAE_FLUX1, VAE_FLUX2, VAE_HUNYUAN, VAE_QWEN),
    Kind("a tiny autoencoder (TAESD)", re.escape(TAESD)),
    UNET,
    Kind("a LoRA", r"lora_(down|up|A|B)\.(default\.)?weight"),
)


def of(shapes: Mapping[str, Shape]) -> list[Kind]:
    """Return what a file with tensors of these shapes holds; empty where that is not known."""
    return [kind for kind in KINDS if any(kind.has(name, one) for name, one in shapes.items())]
