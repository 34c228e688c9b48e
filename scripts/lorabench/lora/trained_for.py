"""Find the family of models that a LoRA is for, by its modules' names and tensors' shapes.

Metadata choose among families that the tensors allow, such as FLUX.1 and Chroma, and never more.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from lorabench.base import header
from lorabench.base.diffusion_transformers import FLUX1, TRANSFORMERS
from lorabench.base.families import KNOWN, by_width
from lorabench.base.family import Family, Known
from lorabench.base.layer_naming import Naming
from lorabench.lora import modules as lora_modules
from lorabench.lora import shapes as lora_shapes
from lorabench.lora.modules import Module
from lorabench.lora.names import place
from lorabench.lora.shapes import Shapes

_SAYING = ("modelspec.architecture", "ss_base_model_version")
_COMMONEST_FIRST = sorted(TRANSFORMERS, key=lambda one: one is not FLUX1)
Sizes = Mapping[str, lora_shapes.Size | None]
"""A layer of a transformer -> the outputs and inputs of what its module adds, where shapes show it.
"""


def of_file(path: Path) -> Sequence[Known]:
    """Return the `candidates` for the LoRA at `path`; raises `UserError` for a damaged file."""
    tensors, metadata = header.read(path)
    shapes = {key: tuple(tensor["shape"]) for key, tensor in tensors.items()}
    return candidates(lora_modules.describe(shapes).modules, shapes, metadata)


def of(
    modules: Sequence[Module], shapes: Shapes, metadata: Mapping[str, str] | None = None
) -> Known | None:
    """Return the likeliest family of a LoRA, None where nothing shows it."""
    return next(iter(candidates(modules, shapes, metadata)), None)


def candidates(
    modules: Sequence[Module], shapes: Shapes, metadata: Mapping[str, str] | None = None
) -> Sequence[Known]:
    """Return the families that a LoRA may be of by its tensors, the commonest first.

    Those that the metadata name, if they name some of these.
    """
    placed = [(module, *place(module.name)) for module in modules]
    sizes = {
        layer: _size(module, shapes) for module, part, layer in placed if part == "transformer"
    }
    if not sizes:
        unet = _unet(modules, shapes)
        return [unet] if unet else []
    found = _transformers(sizes)
    return [one for one in found if _is_said(one, metadata or {})] or found


def _unet(modules: Sequence[Module], shapes: Shapes) -> Known | None:
    names = [module.name.replace(".", "_") for module in modules]
    for family in KNOWN:
        if family.lora_names and any(re.search(family.lora_names, name) for name in names):
            return family
    for module in modules:  # a layer that reads the text has the text's width
        if module.name.endswith(("attn2_to_k", "attn2.to_k")) and module.kind == "LoRA":
            return by_width(shapes[module.keys["down"]][1])
    return None


def _transformers(sizes: Sizes) -> Sequence[Family]:
    """Return those that have the most of these layers, less what shapes and numbers rule out."""
    known = {one: sum(bool(_naming(one).target(layer)) for layer in sizes) for one in TRANSFORMERS}
    most = max(known.values())
    found = [one for one in _COMMONEST_FIRST if known[one] == most and most]
    for fits in (_has_outputs, _has_width, _has_blocks):
        found = _those(found, lambda one, fits=fits: fits(_naming(one), sizes))
    return found


def _those(families: list[Family], fits: Callable[[Family], bool]) -> list[Family]:
    """Return those that fit, or all where none does: a model of other sizes is still one."""
    return [one for one in families if fits(one)] or families


def _has_outputs(naming: Naming, sizes: Sizes) -> bool:
    for layer, size in sizes.items():
        target = naming.target(layer)
        times = target and naming.ratio(target)
        if size and size[1] and times and size[0] != times * size[1]:
            return False
    return True


def _has_width(naming: Naming, sizes: Sizes) -> bool:
    """Return whether most layers have inputs of a width that the family's models have."""
    inputs = Counter(size[1] for size in sizes.values() if size and size[1])
    width = next((width for width, _ in inputs.most_common(1)), None)
    return width is None or not naming.widths or width in naming.widths


def _has_blocks(naming: Naming, sizes: Iterable[str]) -> bool:
    numbers = [int(number[1]) for layer in sizes if (number := re.search(r"_(\d+)_", layer))]
    return max(numbers, default=0) < naming.blocks


def _is_said(family: Family, metadata: Mapping[str, str]) -> bool:
    """Return whether the metadata name a family, in its own words or those of a trainer."""
    said = [_letters(metadata.get(key, "")) for key in _SAYING]
    names = [_letters(name) for name in (family.architecture, family.name, family.title) if name]
    return any(one.startswith(name) for one in said if one for name in names)


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _size(module: Module, shapes: Shapes) -> lora_shapes.Size | None:
    try:
        return lora_shapes.size(module, shapes)
    except ValueError:
        return None


def _naming(family: Family) -> Naming:
    assert family.naming
    return family.naming
