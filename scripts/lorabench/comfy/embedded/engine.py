"""The models that are in memory: each checkpoint is loaded once and kept."""

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPTokenizer

from lorabench import model
from lorabench.comfy.embedded import conditioning, loras, sigmas
from lorabench.comfy.embedded.loras import Patch, Patchable
from lorabench.comfy.embedded.sigmas import NoiseSchedule
from lorabench.errors import UserError

log = logging.getLogger(__name__)

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True, eq=False)
class Loaded:
    """A checkpoint in memory."""

    unet: Patchable
    text_encoder: Patchable
    tokenizer: CLIPTokenizer
    vae: AutoencoderKL | AutoencoderTiny
    schedule: NoiseSchedule
    prediction: Literal["epsilon", "v_prediction"]


@dataclass(frozen=True)
class Model:
    """What a MODEL socket carries: a UNet and the LoRAs on it."""

    loaded: Loaded
    patches: tuple[Patch, ...] = ()

    def unet(self) -> torch.nn.Module:
        """Return the UNet with the LoRAs merged in."""
        return self.loaded.unet.with_patches(self.patches)


@dataclass(frozen=True)
class Clip:
    """What a CLIP socket carries: a text encoder, the LoRAs on it, and the layer to stop at."""

    loaded: Loaded
    patches: tuple[Patch, ...] = ()
    last_layer: int | None = None

    def encode(self, text: str) -> Tensor:
        """Return the conditioning of `text`, float32 [1, tokens, width]."""
        encoder = self.loaded.text_encoder.with_patches(self.patches)
        return conditioning.encode(text, self.loaded.tokenizer, encoder, self.last_layer)


class Engine:
    """Loads models onto one device, in one precision."""

    def __init__(self, device: str, dtype: str, threads: int) -> None:
        """Choose the device ("auto", "cpu", "cuda"), precision and number of CPU threads.

        "auto" precision is fp16 on CUDA and fp32 on CPU; 0 threads are all that the process has.
        Threads count for the calling thread and change the last bits of a picture.

        Raises:
            UserError: CUDA is asked for and absent, or half precision on a CPU.
        """
        self.threads = threads or _cores()
        torch.set_num_threads(self.threads)
        self.device = _device(device)
        if self.device == "cpu" and dtype in ("fp16", "bf16"):
            raise UserError(f"--dtype {dtype} needs CUDA; on a CPU the server runs fp32.")
        automatic = "fp16" if self.device == "cuda" else "fp32"
        self.dtype = DTYPES[automatic if dtype == "auto" else dtype]
        self._checkpoints: dict[Path, Loaded] = {}
        self._vaes: dict[Path, AutoencoderKL] = {}

    def checkpoint(self, path: Path) -> Loaded:
        """Return the checkpoint at `path`, from memory if it is the last one used.

        Raises:
            UserError: it is no checkpoint of the supported families.
        """
        if path not in self._checkpoints:
            log.info("loading %s", path)
            self._checkpoints = {path: self._load(path)}
        return self._checkpoints[path]

    def vae(self, path: Path) -> AutoencoderKL:
        """Return the KL autoencoder in a `.safetensors` file, in LDM or diffusers naming."""
        if path not in self._vaes:
            vae = AutoencoderKL(**model.SD15_VAE)
            weights = load_file(path)
            if not any(key.startswith("decoder.up_blocks.") for key in weights):
                weights = convert_ldm_vae_checkpoint(weights, vae.config)
            try:
                vae.load_state_dict(weights)
            except RuntimeError as error:
                raise UserError(f"{path}: not a VAE of Stable Diffusion 1.x ({error})") from error
            self._vaes = {path: vae.to(self.device).eval().requires_grad_(False)}
        return self._vaes[path]

    def unload(self) -> None:
        """Forget every model."""
        self._checkpoints.clear()
        self._vaes.clear()
        if self.device == "cuda":
            torch.cuda.empty_cache()

    def describe(self) -> dict[str, Any]:
        """Return the device as ComfyUI's `/system_stats` lists it (memory in bytes)."""
        if self.device == "cpu":
            return {"name": "cpu", "type": "cpu", "index": None}
        free, total = torch.cuda.mem_get_info()
        return {
            "name": f"cuda:0 {torch.cuda.get_device_name(0)}",
            "type": "cuda",
            "index": 0,
            "vram_total": total,
            "vram_free": free,
            "torch_vram_total": torch.cuda.memory_reserved(),
            "torch_vram_free": torch.cuda.memory_reserved() - torch.cuda.memory_allocated(),
        }

    def _load(self, path: Path) -> Loaded:
        parts = model.load(path, self.device, self.dtype)
        # ComfyUI keeps text encoders in fp16 on every device and computes them in fp32.
        encoder = parts.text_encoder.float()
        return Loaded(
            unet=Patchable(parts.unet, loras.unet_names(parts.unet)),
            text_encoder=Patchable(encoder, loras.text_encoder_names(encoder), torch.float16),
            tokenizer=parts.tokenizer,
            vae=parts.vae.float(),  # SD1.x autoencoders overflow in fp16
            schedule=_schedule(path),
            prediction=parts.prediction,
        )


def decode(vae: AutoencoderKL | AutoencoderTiny, latents: Tensor) -> Tensor:
    """Return pictures in [0, 1], float32 [batch, height, width, 3], of unscaled latents."""
    pixels = vae.decode(latents.to(vae.device, vae.dtype)).sample.float().cpu()
    return ((pixels + 1) / 2).clamp(0, 1).movedim(1, -1)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # macOS has none
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _device(asked: str) -> str:
    if asked == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: torch finds no CUDA device; use --device cpu or auto.")
    return "cuda" if asked != "cpu" and torch.cuda.is_available() else "cpu"


def _schedule(path: Path) -> NoiseSchedule:
    """Return the noise schedule that a diffusers folder states, or Stable Diffusion's."""
    if not path.is_dir():
        return sigmas.noise_schedule()
    config = json.loads((path / "scheduler" / "scheduler_config.json").read_text())
    return sigmas.noise_schedule(
        config["beta_start"],
        config["beta_end"],
        config.get("num_train_timesteps", 1000),
        scaled=config["beta_schedule"] == "scaled_linear",
    )
