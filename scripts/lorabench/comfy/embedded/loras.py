"""Merge LoRAs into a model's weights, and take them out again.

The LoRAs are applied in turn to the kept original of a layer's weight (adapters.py), so strengths
never compound, and without a LoRA the weight is equal to the checkpoint's to the bit.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from lorabench.base.packed import PackedConv2d
from lorabench.comfy.embedded import adapters
from lorabench.lora import base_layers, tensor_file
from lorabench.lora import shapes as lora_shapes
from lorabench.lora.modules import LACKING, Contents, Module, describe
from lorabench.lora.names import Part, place

log = logging.getLogger(__name__)

Change = Callable[[Tensor], Tensor]
"""Returns the new value of a parameter, float32, for the old one."""

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class LoraFile:
    """The tensors of a LoRA file by name, and their meaning."""

    path: Path
    tensors: dict[str, Tensor]
    contents: Contents


@dataclass(frozen=True)
class Patch:
    """A LoRA file at a strength."""

    lora: LoraFile
    strength: float


def read(path: Path) -> LoraFile:
    """Read a LoRA, from memory unless the file was replaced."""
    stat = path.stat()
    return _read(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, _mtime_ns: int, _size: int) -> LoraFile:
    tensors = {key: torch.tensor(array) for key, array in tensor_file.tensors(path)}
    contents = describe({key: tuple(tensor.shape) for key, tensor in tensors.items()})
    return LoraFile(path, tensors, contents)


class Patchable(Generic[Network]):
    """A network whose weights take LoRAs."""

    def __init__(self, network: Network, part: Part, dtype: torch.dtype | None = None) -> None:
        """Wrap `network`, a part of a model; round its weights to `dtype`, if given."""
        self.network = network
        self._part = part
        self._parameters = dict(network.named_parameters())
        self._names = {base_layers.layer_name(name): name for name in self._parameters}
        shapes = {name: tuple(value.shape) for name, value in self._parameters.items()}
        self._layers = base_layers.of_parameters(part, shapes)
        self._dtype = dtype
        self._originals: dict[str, Tensor] = {}
        self._applied: tuple[Patch, ...] = ()
        if dtype is not None:
            for weight in self._parameters.values():
                weight.data.copy_(weight.data.to(dtype))

    def keys_of(self, lora: LoraFile) -> set[str]:
        """Return the tensors of `lora` that belong to this network and can be applied to it."""
        keys = set()
        for module, layer in self._modules(lora):
            keys |= set(module.keys.values())
            if f"{layer}{base_layers.BIAS}" not in self._names:
                keys -= {module.keys.get(role) for role in lora_shapes.BIASES}
        return keys

    def with_patches(self, patches: tuple[Patch, ...]) -> Network:
        """Return the network with exactly `patches` merged in, in their order.

        If merging fails, for lack of memory for example, no LoRA is left in the network.
        """
        if patches == self._applied:
            return self.network
        changes: dict[str, list[Change]] = {}
        for patch in patches:
            for name, change in self._changes(patch):
                changes.setdefault(name, []).append(change)
        try:
            for name in self._originals.keys() | changes.keys():
                self._merge(name, changes.get(name, []))
        except BaseException:
            self._applied = ()
            for name, original in self._originals.items():
                self._set(name, original.to(self._parameters[name]))
            raise
        self._applied = patches
        return self.network

    def _merge(self, name: str, changes: list[Change]) -> None:
        now = self._parameters[name].data
        if name not in self._originals:
            self._originals[name] = _kept(now)
        merged = self._originals[name].to(now)
        for change in changes:
            merged = change(merged.float())
        if changes:
            merged = merged.to(self._dtype or now.dtype)
        self._set(name, merged.to(now.dtype))

    def _set(self, name: str, value: Tensor) -> None:
        """Give a parameter other memory, which is faster than to copy the value there."""
        self._parameters[name].data = value
        layer = self.network.get_submodule(name.rpartition(".")[0])
        if isinstance(layer, PackedConv2d):
            layer.forget()

    def _changes(self, patch: Patch) -> Iterator[tuple[str, Change]]:
        """Yield each parameter that a patch changes; log misfits as ComfyUI does."""
        lora, strength = patch.lora, patch.strength
        if not strength:
            return
        shapes = {key: tuple(tensor.shape) for key, tensor in lora.tensors.items()}
        for module, layer in self._modules(lora):
            weight, bias = self._names[layer], self._names.get(layer + base_layers.BIAS)
            of_weight = tuple(self._parameters[weight].shape)
            of_bias = tuple(self._parameters[bias].shape) if bias else None
            try:
                odd = module.missing or lora_shapes.misfit(module, shapes, of_weight, of_bias)
            except ValueError as error:
                odd = error
            if odd:
                log.error("ERROR lora %s %s", weight, odd)
                continue
            if module.kind != "trained bias":
                yield weight, partial(_weight_with, weight, module, lora.tensors, strength)
            if bias and any(role in module.keys for role in lora_shapes.BIASES):
                yield bias, partial(adapters.bias_with, module, lora.tensors, strength)

    def _modules(self, lora: LoraFile) -> Iterator[tuple[Module, str]]:
        """Yield the modules that change this network, each with its layer's name."""
        for module in lora.contents.modules:
            part, layer = place(module.name)
            layer = self._layers.name(part, layer)
            applied = module.kind not in LACKING["embedded"]
            if applied and part == self._part and layer in self._names:
                yield module, layer


def _kept(weight: Tensor) -> Tensor:
    """Return a weight to keep beside the merged one.

    It is on the CPU, because a card has no room for both. A float32 weight that came from half
    precision is kept in that, without losing a bit, because SDXL and its originals in float32 do
    not fit into 24 GB.
    """
    here = weight.cpu()
    if here.dtype == torch.float32:
        for dtype in (torch.float16, torch.bfloat16):
            half = here.to(dtype)
            if torch.equal(half.float(), here):
                return half
    return here


def _weight_with(
    name: str, module: Module, tensors: Mapping[str, Tensor], strength: float, weight: Tensor
) -> Tensor:
    """Return a weight with `module`, or as it was where ComfyUI fails, too, and logs it."""
    try:
        return adapters.weight_with(module, tensors, strength, weight)
    except adapters.Failure as error:
        log.error("ERROR lora %s %s", name, error)
        return weight


def report_unused(lora: LoraFile, networks: Iterable[Patchable[Any]]) -> None:
    """Log every tensor of `lora` that belongs to none of `networks`."""
    used = set().union(*(network.keys_of(lora) for network in networks))
    for key in lora.tensors:
        if key not in used:
            log.warning("lora key not loaded: %s", key)
