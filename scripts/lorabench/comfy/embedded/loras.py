"""LoRAs merged into a model's weights, and taken out again without a trace.

The weight of a layer becomes W0 + sum(strength * alpha / rank * up @ down), always from the kept
original W0, so strengths never compound and no LoRA gives back the very bits of the checkpoint.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

log = logging.getLogger(__name__)

SUFFIXES = (  # of the up and the down matrix: kohya's, PEFT's and older diffusers' names
    (".lora_up.weight", ".lora_down.weight"),
    (".lora_B.weight", ".lora_A.weight"),
    (".lora.up.weight", ".lora.down.weight"),
)


@dataclass(frozen=True, eq=False)
class LoraFile:
    """The tensors of a LoRA file by name."""

    path: Path
    tensors: dict[str, Tensor]


@dataclass(frozen=True)
class Patch:
    """A LoRA file at a strength."""

    lora: LoraFile
    strength: float


@dataclass(frozen=True)
class _Factors:
    up: Tensor
    down: Tensor
    scale: float
    keys: tuple[str, ...]

    def product(self, shape: torch.Size) -> Tensor:
        """Return up @ down in the shape of a linear or convolution weight."""
        return torch.mm(self.up.flatten(1), self.down.flatten(1)).reshape(shape)


def read(path: Path) -> LoraFile:
    """Read a LoRA; a file that was replaced since is read again."""
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, _mtime_ns: int, _size: int) -> LoraFile:
    return LoraFile(path, load_file(path))


class Patchable:
    """A network whose weights take LoRAs."""

    def __init__(
        self, network: nn.Module, names: dict[str, str], dtype: torch.dtype | None = None
    ) -> None:
        """Wrap `network`; `names` maps the names that LoRAs give its layers to its weights' names.

        With `dtype` the weights are rounded to that precision, whatever they are stored in.
        """
        self.network = network
        self._names = names
        self._weights = dict(network.named_parameters())
        self._dtype = dtype
        self._originals: dict[str, Tensor] = {}
        self._applied: tuple[Patch, ...] = ()
        if dtype is not None:
            for weight in self._weights.values():
                weight.data.copy_(weight.data.to(dtype))

    def keys_of(self, lora: LoraFile) -> set[str]:
        """Return the tensors of `lora` that belong to this network."""
        return {key for factors in self._match(lora).values() for key in factors.keys}

    def with_patches(self, patches: tuple[Patch, ...]) -> nn.Module:
        """Return the network with exactly `patches` merged in, in their order."""
        if patches != self._applied:
            factors = [(self._match(patch.lora), patch.strength) for patch in patches]
            touched = {name for found, strength in factors if strength for name in found}
            for name in self._originals.keys() | touched:
                self._merge(name, [(f[name], s) for f, s in factors if name in f and s])
            self._applied = patches
        return self.network

    def _merge(self, name: str, parts: list[tuple[_Factors, float]]) -> None:
        weight = self._weights[name]
        if name not in self._originals:
            self._originals[name] = weight.detach().clone()
        merged = self._originals[name].float()
        for factors, strength in parts:
            try:
                product = factors.product(weight.shape)
            except RuntimeError as error:  # as ComfyUI: the layer stays as it is
                log.error("ERROR lora %s %s", name, error)
                continue
            merged = merged + (strength * factors.scale) * product.to(merged.device)
        weight.data.copy_(
            merged.to(self._dtype or weight.dtype) if parts else self._originals[name]
        )

    def _match(self, lora: LoraFile) -> dict[str, _Factors]:
        found = {}
        for layer, name in self._names.items():
            for up, down in SUFFIXES:
                if layer + up in lora.tensors and layer + down in lora.tensors:
                    found[name] = _factors(lora.tensors, layer, up, down)
        return found


def report_unused(lora: LoraFile, networks: Iterable[Patchable]) -> None:
    """Name in the log every tensor of `lora` that belongs to none of `networks`."""
    used = set().union(*(network.keys_of(lora) for network in networks))
    for key in lora.tensors:
        if key not in used:
            log.warning("lora key not loaded: %s", key)


def unet_names(unet: nn.Module) -> dict[str, str]:
    """Return the layer names that LoRAs use for a diffusers UNet: `lora_unet_…` and `unet.…`."""
    names = {}
    for weight, layer in _layers(unet):
        names[f"lora_unet_{layer.replace('.', '_')}"] = weight
        names[f"unet.{layer}"] = weight
    return names


def text_encoder_names(encoder: nn.Module) -> dict[str, str]:
    """Return the layer names that LoRAs use for a CLIP text encoder: `lora_te_…` and dotted."""
    names = {}
    for weight, layer in _layers(encoder):
        if "encoder.layers." in layer:
            path = f"text_model.{layer.removeprefix('text_model.')}"
            names[f"lora_te_{path.replace('.', '_')}"] = weight
            names[f"lora_te1_{path.replace('.', '_')}"] = weight
            names[f"text_encoder.{path}"] = weight
    return names


def _layers(network: nn.Module) -> list[tuple[str, str]]:
    """Return (weight name, layer name) of every matrix and convolution."""
    return [
        (name, name.removesuffix(".weight"))
        for name, weight in network.named_parameters()
        if name.endswith(".weight") and weight.ndim > 1
    ]


def _factors(tensors: dict[str, Tensor], layer: str, up: str, down: str) -> _Factors:
    keys = [layer + up, layer + down]
    scale = 1.0
    if f"{layer}.alpha" in tensors:
        keys.append(f"{layer}.alpha")
        scale = float(tensors[keys[-1]]) / tensors[layer + down].shape[0]
    return _Factors(tensors[layer + up].float(), tensors[layer + down].float(), scale, tuple(keys))
