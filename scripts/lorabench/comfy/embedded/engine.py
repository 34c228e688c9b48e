"""The models in memory: each checkpoint is loaded once and kept."""

import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from lorabench.base import model, packed, stable_diffusion, tiny_autoencoder
from lorabench.base.checkpoint import Prediction
from lorabench.base.conditions import PIXELS, TextEncoder
from lorabench.base.family import Part
from lorabench.base.networks import (
    AutoencoderKL,
    AutoencoderTiny,
    CLIPTokenizer,
    UNet2DConditionModel,
    convert_ldm_vae_checkpoint,
)
from lorabench.comfy.embedded import conditioning, latents, memory, sigmas, text_layers
from lorabench.comfy.embedded.conditioning import Conditioning
from lorabench.comfy.embedded.devices import Device
from lorabench.comfy.embedded.library import fingerprint
from lorabench.comfy.embedded.loras import Patch, Patchable
from lorabench.comfy.embedded.model_sampling import ModelSampling
from lorabench.comfy.embedded.residents import Residents
from lorabench.comfy.embedded.sigmas import NoiseSchedule
from lorabench.errors import UserError

log = logging.getLogger(__name__)

_ENCODERS: tuple[Part, ...] = ("text_encoder", "text_encoder_2")


@dataclass(frozen=True, eq=False)
class Loaded:
    """A checkpoint in memory."""

    unet: Patchable[UNet2DConditionModel]
    text_encoders: tuple[Patchable[TextEncoder], ...]
    tokenizer: CLIPTokenizer
    vae: AutoencoderKL | AutoencoderTiny
    schedule: NoiseSchedule
    prediction: Prediction
    residents: Residents


@dataclass(frozen=True)
class Model:
    """The value of a MODEL socket: a UNet and the LoRAs on it.

    `changed_sampling` replaces the checkpoint's; `rescale` from 0 to 1 tames guidance.
    """

    loaded: Loaded
    patches: tuple[Patch, ...] = ()
    changed_sampling: ModelSampling | None = None
    rescale: float | None = None

    @property
    def sampling(self) -> ModelSampling:
        """Return how the UNet's output is read."""
        if self.changed_sampling:
            return self.changed_sampling
        velocity = self.loaded.prediction == "v_prediction"  # others were refused
        return ModelSampling(self.loaded.schedule, "v_prediction" if velocity else "epsilon")

    def unet(self) -> UNet2DConditionModel:
        """Return the UNet with the LoRAs merged in, on the device."""
        self.loaded.residents.bring(self.loaded.unet.network)
        return self.loaded.unet.with_patches(self.patches)


@dataclass(frozen=True)
class Clip:
    """The value of a CLIP socket: the text encoders, the LoRAs on them, and the last layer."""

    loaded: Loaded
    patches: tuple[Patch, ...] = ()
    last_layer: int | None = None

    def encode(self, text: str, other_text: str | None = None) -> Conditioning:
        """Return the conditioning of `text`; `other_text` is for SDXL's second encoder."""
        encoders = []
        for encoder in self.loaded.text_encoders:
            self.loaded.residents.bring(encoder.network, working=2**28)  # for one text: plenty
            encoders.append(encoder.with_patches(self.patches))
        return conditioning.encode(
            text, self.loaded.tokenizer, encoders, self.last_layer, other_text
        )


class Engine:
    """Loads models onto one device, in one precision."""

    def __init__(self, device: Device) -> None:
        """Start with nothing in memory."""
        self.device = device
        self._residents = Residents(device.name)
        self._checkpoints: dict[str, Loaded] = {}
        self._vaes: dict[str, AutoencoderKL | AutoencoderTiny] = {}

    def checkpoint(self, path: Path) -> Loaded:
        """Return the checkpoint at `path`, from memory if it is the last one used.

        Raises `UserError`: it is not of a supported family.
        """
        key = fingerprint(path)
        if key not in self._checkpoints:
            log.info("loading %s", path)
            self._checkpoints.clear()  # first: two of SDXL may be more than there is memory for
            self._checkpoints[key] = self._load(path)
        return self._checkpoints[key]

    def vae(self, path: Path) -> AutoencoderKL | AutoencoderTiny:
        """Return the autoencoder in a file: one in LDM or diffusers naming, or a TAESD."""
        key = fingerprint(path)
        if key not in self._vaes:
            vae, weights = _read_vae(load_file(path))
            try:
                vae.load_state_dict(weights)
            except RuntimeError as error:
                raise UserError(f"{path}: not a VAE of SD1.x or SDXL ({error})") from error
            self._vaes = {key: vae.eval().requires_grad_(False)}
        return self._vaes[key]

    def encode(self, vae: AutoencoderKL | AutoencoderTiny, pictures: Tensor) -> Tensor:
        """Return the unscaled latents of pictures in [0, 1], float32 [batch, height, width, 3].

        What does not fill a latent is cut off, half of it on each side.
        """
        pictures = latents.whole(pictures)
        vae = self._residents.bring(vae, memory.BYTES_A_PIXEL * pictures[..., 0].numel())
        pixels = (pictures[..., :3].movedim(-1, 1) * 2 - 1).to(vae.device, vae.dtype)
        return model.mean_latents(vae, pixels).float().cpu()

    def decode(self, vae: AutoencoderKL | AutoencoderTiny, samples: Tensor) -> Tensor:
        """Return pictures in [0, 1], float32 [batch, height, width, 3], of unscaled latents."""
        working = memory.BYTES_A_PIXEL * samples[:, 0].numel() * PIXELS**2
        vae = self._residents.bring(vae, working)
        pixels = vae.decode(samples.to(vae.device, vae.dtype)).sample.float().cpu()
        return ((pixels + 1) / 2).clamp(0, 1).movedim(1, -1)

    def unload(self) -> None:
        """Forget every model."""
        self._checkpoints.clear()
        self._vaes.clear()
        if self.device.name == "cuda":
            torch.cuda.empty_cache()

    def _load(self, path: Path) -> Loaded:
        parts = model.load(path, "cpu", self.device.dtype)
        if self.device.name == "cpu":
            packed.pack(parts.unet)
        text_layers.keep(parts.unet)
        return Loaded(
            unet=Patchable(parts.unet, "unet"),
            # ComfyUI keeps text encoders in fp16 on every device and computes them in fp32.
            text_encoders=tuple(
                Patchable(encoder.float(), part, torch.float16)
                for encoder, part in zip(parts.text_encoders, _ENCODERS, strict=False)
            ),
            tokenizer=parts.tokenizer,
            vae=parts.vae.float(),  # SDXL's and some of SD1.x overflow in fp16
            schedule=sigmas.noise_schedule(parts.alphas_cumprod),
            prediction=parts.prediction,
            residents=self._residents,
        )


def _read_vae(
    weights: dict[str, Tensor],
) -> tuple[AutoencoderKL | AutoencoderTiny, dict[str, Tensor]]:
    """Return the network for a file's tensors, and the tensors by its names."""
    if tiny_autoencoder.is_one(weights):
        return tiny_autoencoder.read(weights, stable_diffusion.VAE["scaling_factor"])
    vae = AutoencoderKL(**stable_diffusion.VAE)
    if not any(name.startswith("decoder.up_blocks.") for name in weights):
        weights = convert_ldm_vae_checkpoint(weights, vae.config)
    return vae, weights
