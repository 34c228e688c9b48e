"""How files call the layers of a diffusion transformer, and by which names a ComfyUI finds them.

A LoRA's module is called by a prefix and a layer: `lora_unet_double_blocks_0_img_mlp_0`. Layers
have the model's own names or others, mostly diffusers', which splits some layers that the model
has in one: `to_q` is the first third of `qkv`. Source: ComfyUI 0.33.0, comfy/lora.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

Shape = tuple[int, ...]

OWN = ("lora_unet_", "diffusion_model.")
"""The prefixes with which every ComfyUI takes a model's own names."""


@dataclass(frozen=True)
class Target:
    """A layer by the model's own name, underscored, or some of its rows."""

    layer: str
    start: int = 0
    """The first of the rows, in widths of the layer's input."""
    size: int = 0
    """How many rows, in the same widths; 0 for all."""

    def __str__(self) -> str:
        """Name the rows as well: two slices of a layer are two things."""
        return f"{self.layer}[{self.start}:{self.start + self.size}]" if self.size else self.layer

    def rows(self, weight: Shape) -> Shape:
        """Return the shape of these rows of a weight; fewer where it has not so many."""
        if not self.size or len(weight) < 2:
            return weight
        width = weight[1]
        return max(0, min(self.size * width, weight[0] - self.start * width)), *weight[1:]


@dataclass(frozen=True)
class Names:
    """Other names of layers, and the prefixes with which a ComfyUI takes them.

    Each name stands for an own one, in dots, with `N` for the number of a block; the own one may
    end in ` start:size`, the rows as in `Target`.
    """

    layers: Mapping[str, str]
    prefixes: tuple[str, ...] = ()
    """The best first; none for names that a ComfyUI does not take."""


@dataclass(frozen=True)
class _Alias:
    written: str
    target: Target
    prefixes: tuple[str, ...]

    def of_block(self, number: str) -> "_Alias":
        layer = self.target.layer.replace("_N_", f"_{number}_")
        written = self.written.replace(".N.", f".{number}.")
        return replace(self, written=written, target=replace(self.target, layer=layer))


@dataclass(frozen=True, eq=False)
class Naming:
    """The layers of a family's transformer, by every name."""

    own: str
    """A pattern of the model's own names, underscored."""
    others: tuple[Names, ...] = ()
    prefixes: tuple[str, ...] = OWN
    """Those with which a ComfyUI takes the own names."""
    unweighted: str = "(?!)"
    """A pattern of own names that are no layers' but numbers', and have no `lora_unet_`."""
    converter: str = ""
    """Its trainer's program that writes the names which a ComfyUI takes, if those are others."""
    outputs: Mapping[str, int] | None = None
    """Patterns of own layers, and how many outputs they have for each input."""
    widths: frozenset[int] = frozenset()
    """Of the public models, where the names are another family's as well."""
    blocks: int = 1000
    """The most blocks of one kind in a public model, for the same end."""

    def target(self, layer: str) -> Target | None:
        """Return what a layer's name, underscored, stands for; None if this model has no such."""
        if re.fullmatch(self.own, layer):
            return Target(layer)
        alias = self._alias(layer)
        return alias.target if alias else None

    def takes(self, prefix: str, layer: str) -> bool:
        """Return whether a ComfyUI finds a layer of this name, as written, after this prefix."""
        flat = _flat(layer)
        if prefix.endswith("_") and flat != layer:
            return False
        if re.fullmatch(self.unweighted, flat):
            return prefix == OWN[1] and self.target(flat) is not None
        strokes = not prefix.endswith("_") and re.search(r"_\d+_", layer)
        if prefix in self.prefixes and re.fullmatch(self.own, flat) and not strokes:
            return True
        alias = self._alias(flat)
        if alias is None or prefix not in alias.prefixes:
            return False
        return layer == (_flat(alias.written) if prefix.endswith("_") else alias.written)

    def module(self, layer: str) -> str | None:
        """Return the module's name by which a ComfyUI finds a layer of this name, underscored."""
        target = self.target(layer)
        if target and re.fullmatch(self.unweighted, target.layer):
            return None
        if target and not target.size:
            return OWN[0] + target.layer
        alias = self._alias(layer)
        return alias.prefixes[0] + alias.written if alias and alias.prefixes else None

    def ratio(self, target: Target) -> int | None:
        """Return how many outputs a layer or slice has for each input; None where that varies."""
        found = (n for one, n in (self.outputs or {}).items() if re.fullmatch(one, target.layer))
        return target.size or next(found, None)

    def _alias(self, layer: str) -> _Alias | None:
        key = re.sub(r"_\d+_", "_N_", layer, count=1)
        # Some programs leave the number out that diffusers gives its only output layer.
        found = self._aliases.get(key) or self._aliases.get(f"{key}_0")
        if found is None:
            return None
        number = re.search(r"_(\d+)_", layer)
        alias = found.of_block(number[1]) if number else found
        return alias if re.fullmatch(self.own, alias.target.layer) else None

    @cached_property
    def _aliases(self) -> Mapping[str, _Alias]:
        return {
            _flat(written): _Alias(written, _target(own), names.prefixes)
            for names in self.others
            for written, own in names.layers.items()
        }


def _flat(name: str) -> str:
    return name.replace(".", "_")


def _target(own: str) -> Target:
    layer, _, rows = own.partition(" ")
    return Target(_flat(layer), *map(int, rows.split(":") if rows else ()))
