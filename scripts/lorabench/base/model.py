"""Load a Stable Diffusion 1.x model from a diffusers folder or a single LDM file.

Nothing is downloaded: the weights are in the file, the architecture is that of its family, and the
CLIP vocabulary comes from the package clip-anytorch.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from lorabench.base import checkpoint
from lorabench.base.families import EMBEDDED
from lorabench.base.family import Family
from lorabench.base.networks import (
    AutoencoderKL,
    AutoencoderTiny,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    UNet2DConditionModel,
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    init_empty_weights,
    rescale_zero_terminal_snr,
)
from lorabench.base.tokens import clip_tokenizer
from lorabench.errors import UserError


@dataclass
class StableDiffusion:
    """A loaded model: every part on one device, in one dtype, in evaluation mode.

    `alphas_cumprod` is float64 [1000] on the CPU: the share of the picture that is left at each
    training timestep. `prediction` is what the UNet predicts.
    """

    tokenizer: CLIPTokenizer
    text_encoder: CLIPTextModel
    unet: UNet2DConditionModel
    vae: AutoencoderKL | AutoencoderTiny
    alphas_cumprod: torch.Tensor
    prediction: checkpoint.Prediction

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

    Raises `UserError`: it is no SD1.x checkpoint, or its weights do not fit the architecture.
    """
    found = checkpoint.inspect(path)
    family = found.family
    if not family.embedded:
        raise UserError(
            f"base model {path}: {family.a_title} checkpoint, and the embedded trainer and server "
            f"run {EMBEDDED} only; benchmark it with comfy_url=<the URL of a ComfyUI server>."
        )
    try:
        tokenizer, text_encoder, unet, vae, alphas = (
            _load_folder(path, dtype) if found.kind == "folder" else _load_file(path, dtype, family)
        )
    except (OSError, RuntimeError, KeyError, ValueError, AttributeError) as error:
        raise UserError(f"base model {path}: its weights cannot be loaded ({error}).") from error
    for part in (text_encoder, unet, vae):
        part.to(device).eval().requires_grad_(False)
    return StableDiffusion(tokenizer, text_encoder, unet, vae, alphas, found.prediction)


def load_autoencoder(path: Path, device: str) -> AutoencoderKL | AutoencoderTiny:
    """Load the autoencoder of a checkpoint alone, in float32.

    Some overflow in half precision. Raises `UserError`: the checkpoint is none, or has no
    autoencoder that fits.
    """
    found = checkpoint.inspect(path)
    try:
        if found.kind == "folder":
            vae = _folder_autoencoder(path, torch.float32, _folder_options(path))
        else:
            prefix = found.family.parts["vae"]
            with safe_open(path, "pt") as file:
                names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
                weights = {name: file.get_tensor(name) for name in names}
            vae = _file_autoencoder(weights, torch.float32, found.family)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise UserError(
            f"base model {path}: its autoencoder cannot be loaded ({error})."
        ) from error
    return vae.to(device).eval().requires_grad_(False)


def _load_folder(path: Path, dtype: torch.dtype) -> tuple[Any, ...]:
    options = _folder_options(path)
    return (
        CLIPTokenizer.from_pretrained(path / "tokenizer", local_files_only=True),
        CLIPTextModel.from_pretrained(path / "text_encoder", dtype=dtype, **options),
        UNet2DConditionModel.from_pretrained(path / "unet", torch_dtype=dtype, **options),
        _folder_autoencoder(path, dtype, options),
        alphas_cumprod(json.loads((path / "scheduler" / "scheduler_config.json").read_text())),
    )


def _folder_options(path: Path) -> dict[str, Any]:
    """Return how the parts of a diffusers folder are read; half-precision files may name it."""
    plain = (path / "unet" / "diffusion_pytorch_model.safetensors").exists()
    options: dict[str, Any] = {"local_files_only": True, "use_safetensors": True}
    if not plain and any((path / "unet").glob("*.fp16.safetensors")):
        options["variant"] = "fp16"
    return options


def _folder_autoencoder(
    path: Path, dtype: torch.dtype, options: dict[str, Any]
) -> AutoencoderKL | AutoencoderTiny:
    index = json.loads((path / "model_index.json").read_text())
    kind = AutoencoderTiny if index["vae"][1] == "AutoencoderTiny" else AutoencoderKL
    return kind.from_pretrained(path / "vae", torch_dtype=dtype, **options)


def _load_file(path: Path, dtype: torch.dtype, family: Family) -> tuple[Any, ...]:
    weights, configs = load_file(path), family.configs
    with init_empty_weights(include_buffers=False):
        text_encoder = CLIPTextModel(CLIPTextConfig(**configs["text_encoder"]))
        unet = UNet2DConditionModel(**configs["unet"])
    text = convert_ldm_clip_checkpoint(weights)
    # Some files nest the encoder under `text_model`, older ones do not, and neither does the
    # class; position ids are a constant that old files store.
    text = {key.removeprefix("text_model."): tensor for key, tensor in text.items()}
    text.pop("embeddings.position_ids", None)
    _fill(text_encoder, text, dtype)
    _fill(unet, convert_ldm_unet_checkpoint(weights, unet.config), dtype)
    vae = _file_autoencoder(weights, dtype, family)
    return clip_tokenizer(), text_encoder, unet, vae, alphas_cumprod(family.schedule)


def _file_autoencoder(
    weights: dict[str, torch.Tensor], dtype: torch.dtype, family: Family
) -> AutoencoderKL:
    with init_empty_weights(include_buffers=False):
        vae = AutoencoderKL(**family.configs["vae"])
    _fill(vae, convert_ldm_vae_checkpoint(weights, vae.config), dtype)
    return vae


def _fill(model: torch.nn.Module, weights: dict[str, torch.Tensor], dtype: torch.dtype) -> None:
    # Safetensors are mapped from the disk; copies make the model independent of the file.
    weights = {key: tensor.to(dtype, copy=True).contiguous() for key, tensor in weights.items()}
    model.load_state_dict(weights, assign=True)


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
