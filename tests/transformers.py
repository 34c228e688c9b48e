"""Files of transformers: headers alone, which is all that is read of a base model."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from lorabench.base import header
from lorabench.base.diffusion_transformers import TRANSFORMERS

FACTS = Path(__file__).parent / "unit" / "base" / "comfyui_names"
FAMILIES = {family.name: family for family in TRANSFORMERS}
Sizes = Mapping[str, tuple[int, int]]


def facts(name: str) -> dict[str, Any]:
    """Return what ComfyUI maps of a family's layers (see test_layer_naming.py)."""
    return json.loads((FACTS / f"{name}.json").read_text(encoding="utf-8"))


def written(prefix: str, layer: str) -> str:
    """Return a module's name: with underscores after a prefix that ends in one."""
    return prefix + (layer.replace(".", "_") if prefix.endswith("_") else layer)


def mapped(facts: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the names that ComfyUI maps, each with the layer, in dots, and its rows."""
    for group in facts["names"]:
        own = {layer: layer for layer in group.get("own", ())}
        for layer, target in (own | group.get("others", {})).items():
            for prefix in group["prefixes"]:
                yield (
                    written(prefix, layer),
                    [target] if isinstance(target, str) else target,
                )


def tensors(name: str) -> dict[str, tuple[int, ...]]:
    """Return the tensors of a small model's file by a family's name, and their shapes."""
    own = FAMILIES[name].naming
    assert own
    bare = re.compile(own.unweighted)
    return {
        layer if bare.fullmatch(layer.replace(".", "_")) else f"{layer}.weight": tuple(shape)
        for layer, shape in facts(name)["layers"].items()
    }


def save_header(path: Path, shapes: Mapping[str, tuple[int, ...]], dtype: str = "F16") -> Path:
    """Write a safetensors file with a hole in place of the numbers, which takes no room."""
    size = {"F16": 2, "U8": 1}[dtype]
    described, at = {}, 0
    for key, shape in shapes.items():
        end = at + size * math.prod(shape)
        described[key] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, end]}
        at = end
    with path.open("wb") as file:
        head = header.written(described)
        file.write(head)
        file.truncate(len(head) + at)
    return path


def save_sizes(path: Path, sizes: Sizes, metadata: dict[str, str] | None = None) -> Path:
    """Write a LoRA of rank 2 whose modules add so many outputs × inputs each."""
    found = {}
    for module, (out, into) in sizes.items():
        found[f"{module}.lora_down.weight"] = np.ones((2, into), np.float16)
        found[f"{module}.lora_up.weight"] = np.ones((out, 2), np.float16)
    save_file(found, path, metadata)
    return path
