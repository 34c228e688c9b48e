"""Load a Stable Diffusion 1.x or SDXL model from a diffusers folder or a single LDM file.

Nothing is downloaded: the weights are in the file, its sizes follow from their shapes and its
family, and the CLIP vocabulary comes from the package clip-anytorch.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lorabench.base import checkpoint, conditions, single_file, tiny_autoencoder
from lorabench.base.conditions import Text, TextEncoder
from lorabench.base.families import EMBEDDED
from lorabench.base.family import Family
from lorabench.base.networks import (
    AutoencoderKL,
    AutoencoderTiny,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    UNet2DConditionModel,
    rescale_zero_terminal_snr,
)
from lorabench.base.tokens import clip_tokenizer
from lorabench.errors import UserError


@dataclass
class StableDiffusion:
    """A loaded model: every part on one device, in one dtype, in evaluation mode.

    `alphas_cumprod` is float64 [1000] on the CPU: the share of the picture that is left at each
    training timestep. `prediction` is what the UNet predicts. SDXL has two text encoders.
    """

    tokenizer: CLIPTokenizer
    text_encoders: Sequence[TextEncoder]
    unet: UNet2DConditionModel
    vae: AutoencoderKL | AutoencoderTiny
    alphas_cumprod: torch.Tensor
    prediction: checkpoint.Prediction

    def encode_text(self, captions: Sequence[str], clip_skip: int = 1) -> Text:
        """Return captions as the UNet reads them."""
        return conditions.encoded(captions, self.tokenizer, self.text_encoders, clip_skip)

    @torch.no_grad()
    def encode(
        self, pixels: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Return the scaled latents of `pixels` [N, 3, H, W] in [-1, 1]: [N, C, H/8, W/8].

        A KL autoencoder's latents are drawn with `generator`; those of a tiny one are exact.
        """
        pixels = pixels.to(self.vae.device, self.vae.dtype)
        if isinstance(self.vae, AutoencoderTiny):
            latents = self.vae.encode(pixels).latents
        else:
            latents = self.vae.encode(pixels).latent_dist.sample(generator)
        return latents * self.vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the pixels [N, 3, 8H, 8W] in [-1, 1] of scaled `latents` [N, C, H, W]."""
        latents = latents.to(self.vae.device, self.vae.dtype) / self.vae.config.scaling_factor
        return self.vae.decode(latents).sample.clamp(-1, 1)


def usable_device(wanted: str) -> str:
    """Return cuda or cpu for `auto`, `cuda` or `cpu`.

    Raises `UserError`: cuda was asked for, and there is none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise UserError("device: cuda, but PyTorch finds no CUDA here; allowed are auto and cpu.")
    return "cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu"


def load(path: Path, device: str, dtype: torch.dtype) -> StableDiffusion:
    """Load the checkpoint at `path` to `device`, every part as `dtype`.

    Raises `UserError`: it is of no embedded family, or its weights do not fit the architecture.
    """
    found = checkpoint.inspect(path)
    family = found.family
    if not family.embedded:
        raise UserError(
            f"base model {path}: {family.a_title} checkpoint, and the embedded trainer and server "
            f"run {EMBEDDED} only; benchmark it with comfy_url=<the URL of a ComfyUI server>."
        )
    checkpoint.check_run(found)
    try:
        if found.kind == "folder":
            tokenizer = _tokenizer(path)
            text_encoders, unet, vae = _load_folder(path, dtype, family)
        else:
            tokenizer = clip_tokenizer()
            text_encoders, unet, vae = single_file.load(path, dtype, family)
        alphas = alphas_cumprod(_schedule(found))
    except (OSError, RuntimeError, KeyError, ValueError, AttributeError) as error:
        raise UserError(f"base model {path}: its weights cannot be loaded ({error}).") from error
    parts: list[torch.nn.Module] = [*text_encoders, unet, vae]
    for part in parts:
        part.to(device).eval().requires_grad_(False)
    return StableDiffusion(tokenizer, text_encoders, unet, vae, alphas, found.prediction)


def load_autoencoder(path: Path, device: str) -> AutoencoderKL | AutoencoderTiny:
    """Load the autoencoder of a checkpoint alone, in float32.

    Some overflow in half precision. Raises `UserError`: the checkpoint is none, or has no
    autoencoder that fits.
    """
    found = checkpoint.inspect(path)
    if found.kind != "folder" and "vae" not in found.family.parts:
        title = found.family.a_title
        raise UserError(f"base model {path}: the autoencoder of {title} model is not read here.")
    try:
        if found.kind == "folder":
            vae = _folder_autoencoder(path, torch.float32, found.family)
        else:
            vae = single_file.load_autoencoder(path, found.family)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise UserError(
            f"base model {path}: its autoencoder cannot be loaded ({error})."
        ) from error
    return vae.to(device).eval().requires_grad_(False)


def mean_latents(vae: AutoencoderKL | AutoencoderTiny, pixels: torch.Tensor) -> torch.Tensor:
    """Return the unscaled latents of pixels [N, 3, H, W] in [-1, 1] without the draw of a KL's."""
    encoded = vae.encode(pixels)
    return encoded.latents if isinstance(vae, AutoencoderTiny) else encoded.latent_dist.mode()


def _tokenizer(path: Path) -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(path / "tokenizer", local_files_only=True)


def _load_folder(
    path: Path, dtype: torch.dtype, family: Family
) -> tuple[list[TextEncoder], UNet2DConditionModel, AutoencoderKL | AutoencoderTiny]:
    options = _folder_options(path)
    encoders: list[TextEncoder] = [
        CLIPTextModel.from_pretrained(path / "text_encoder", dtype=dtype, **options)
    ]
    if (second := path / "text_encoder_2").is_dir():
        encoders.append(CLIPTextModelWithProjection.from_pretrained(second, dtype=dtype, **options))
    unet = UNet2DConditionModel.from_pretrained(path / "unet", torch_dtype=dtype, **options)
    return encoders, unet, _folder_autoencoder(path, dtype, family)


def _folder_options(path: Path) -> dict[str, Any]:
    """Return how the parts of a diffusers folder are read; half-precision files may name it."""
    plain = (path / "unet" / "diffusion_pytorch_model.safetensors").exists()
    options: dict[str, Any] = {"local_files_only": True, "use_safetensors": True}
    if not plain and any((path / "unet").glob("*.fp16.safetensors")):
        options["variant"] = "fp16"
    return options


def _folder_autoencoder(
    path: Path, dtype: torch.dtype, family: Family
) -> AutoencoderKL | AutoencoderTiny:
    index, options = json.loads((path / "model_index.json").read_text()), _folder_options(path)
    if index["vae"][1] != "AutoencoderTiny":
        return AutoencoderKL.from_pretrained(path / "vae", torch_dtype=dtype, **options)
    vae = AutoencoderTiny.from_pretrained(path / "vae", torch_dtype=dtype, **options)
    if usual := family.configs.get("vae"):  # a latent must not depend on the kind of file
        return tiny_autoencoder.standing_in(vae, usual["scaling_factor"])
    return vae


def _schedule(found: checkpoint.Checkpoint) -> Mapping[str, Any]:
    """Return the noise that a checkpoint was trained with, as a scheduler_config.json."""
    if found.kind == "folder":
        return json.loads((found.path / "scheduler" / "scheduler_config.json").read_text())
    return {**found.family.schedule, "rescale_betas_zero_snr": found.zero_snr}


def alphas_cumprod(scheduler: Mapping[str, Any]) -> torch.Tensor:
    """Return what is left of the picture at each timestep, float64 [timesteps], falling.

    `scheduler` is a diffusers scheduler_config.json. Float64 is what the original Stable Diffusion
    code computes in: float32 loses four digits of 1 - a where the noise is low. Raises
    `ValueError` for a schedule of another kind.
    """
    start, end = scheduler["beta_start"], scheduler["beta_end"]
    steps = scheduler.get("num_train_timesteps", 1000)
    if scheduler["beta_schedule"] == "scaled_linear":
        betas = torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64) ** 2
    elif scheduler["beta_schedule"] == "linear":
        betas = torch.linspace(start, end, steps, dtype=torch.float64)
    else:
        raise ValueError(f"beta_schedule is {scheduler['beta_schedule']!r}")
    if scheduler.get("rescale_betas_zero_snr"):
        betas = rescale_zero_terminal_snr(betas)
    return (1 - betas).cumprod(0)
