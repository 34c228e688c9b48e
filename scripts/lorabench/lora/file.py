"""LoRA files: kohya's key names and metadata in safetensors; written, read back and checked.

A module `m` of rank r is three tensors: `m.lora_down.weight` [r, in(, 1, 1)], `m.lora_up.weight`
[out, r(, 1, 1)] and the scalar `m.alpha`. It adds strength * alpha / r * up @ down to a weight.
Other kinds, and files of other makers, are described in lora/modules.py. What the metadata say
decides nothing: the tensors are what is drawn with. Nothing here imports torch.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as serialize

from lorabench import files
from lorabench.base import file_kinds
from lorabench.base.checkpoint import read_header
from lorabench.errors import UserError
from lorabench.lora import doubts as lora_doubts
from lorabench.lora import modules as lora_modules
from lorabench.lora import shapes as lora_shapes
from lorabench.lora import tensor_file
from lorabench.lora.modules import ALPHA as ALPHA
from lorabench.lora.modules import DOWN as DOWN
from lorabench.lora.modules import UP as UP
from lorabench.lora.modules import Contents, Module

Tensors = dict[str, np.ndarray]

_NAMED = 3


@dataclass(frozen=True)
class Lora:
    """What a LoRA file holds.

    `rank` and `alpha` are those of most modules, None where they have none, and `content` is the
    hex SHA-256 of the tensors alone (kohya's `sshs_model_hash`): dates in the metadata leave it
    as it is.
    """

    path: Path
    rank: int | None
    alpha: float | None
    contents: Contents
    content: str
    metadata: dict[str, str]
    doubts: tuple[str, ...]
    """What is odd and no reason to refuse it, in words."""


def save(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> Lora:
    """Write a LoRA, read it back, check it and only then give it the name `path`.

    float16 arrays are what kohya users exchange: half the size of float32, and finer than the
    difference that any renderer shows. The content hashes are added to `metadata`. Raises
    `UserError` for what is no working LoRA (see `verify`); `path` stays as it was then.
    """
    arrays = {key: np.asarray(array, order="C") for key, array in tensors.items()}
    hashes = _hashes(arrays, metadata)
    with files.publish(path) as temporary:
        temporary.write_bytes(serialize(arrays, {**metadata, **hashes}))
        return verify(temporary, hashes["sshs_model_hash"])


def verify(path: Path, content: str | None = None) -> Lora:
    """Return what the LoRA at `path` holds, after reading all of it.

    Raises `UserError`: the file is cut short, its tensors are not those of the digest `content`, it
    holds no LoRA, shapes do not go together, a number is not finite, or it changes nothing.
    """
    return load(path, content)[0]


def load(path: Path, content: str | None = None) -> tuple[Lora, Tensors]:
    """Return what the LoRA at `path` holds, as `verify` does, and its tensors."""
    header, metadata = read_header(path)
    shapes = {key: tuple(tensor["shape"]) for key, tensor in header.items()}
    contents = lora_modules.describe(shapes)
    if not contents.modules:
        raise UserError(f"{path}: {_no_lora(shapes)}")
    found = _content(path)
    if content is not None and content != found:
        raise UserError(
            f"{path}: its tensors are not those that were written ({found[:12]}… instead of "
            f"{content[:12]}…); copy it again."
        )
    for module in contents.modules:
        _check_shapes(path, module, shapes)
    used = {key for module in contents.modules for key in module.keys.values()}
    tensors = {key: array for key, array in tensor_file.tensors(path) if key in used}
    _check_numbers(path, contents, tensors, shapes)
    ranks = Counter(n for m in contents.modules if (n := lora_shapes.rank(m, shapes)) is not None)
    alphas = Counter(
        tensors[module.keys["alpha"]].item()
        for module in contents.modules
        if "alpha" in module.keys and lora_shapes.rank(module, shapes)
    )
    rank = _usual(ranks)
    alpha = _usual(alphas) if alphas else rank and float(rank)
    doubts = tuple(lora_doubts.of(contents, metadata, ranks, alphas, found))
    return Lora(path, rank, alpha, contents, found, metadata, doubts), tensors


def _no_lora(keys: Collection[str]) -> str:
    if kind := file_kinds.by_keys(keys):
        return f"it is not a LoRA but {kind}."
    first = ", ".join(list(keys)[:_NAMED])
    return (
        f"none of its {len(keys)} tensors (first: {first}) is named as in a LoRA, such as …{DOWN}, "
        "so it is not a LoRA."
    )


def _check_shapes(path: Path, module: Module, shapes: lora_shapes.Shapes) -> None:
    if module.missing:
        has = ", ".join(module.keys.values())
        raise UserError(
            f"{path}: {module.name} has {has} and no {' and no '.join(module.missing)}; the file "
            "is incomplete."
        )
    try:
        lora_shapes.size(module, shapes)
    except ValueError as error:
        raise UserError(
            f"{path}: {error}; these shapes do not go together: factors should share a rank of 1 "
            "or more. The file is damaged, or of an unknown form."
        ) from None
    alpha = module.keys.get("alpha")
    if alpha and math.prod(shapes[alpha]) != 1:
        raise UserError(f"{path}: {alpha} should be one number, it is {list(shapes[alpha])}.")


def _check_numbers(
    path: Path, contents: Contents, tensors: Tensors, shapes: lora_shapes.Shapes
) -> None:
    """Refuse numbers that draw a black picture, and a LoRA that draws as if it were not there."""
    # LyCORIS writes any alpha, infinity too, where it counts for nothing.
    idle = {m.keys.get("alpha") for m in contents.modules if lora_shapes.rank(m, shapes) is None}
    broken = [k for k, array in tensors.items() if k not in idle and not np.isfinite(array).all()]
    if broken:
        raise UserError(
            f"{path}: {len(broken)} of {len(tensors)} tensors hold NaN or infinity (first: "
            f"{broken[0]}); the training diverged. Train again with a lower learning rate."
        )
    scales = [lora_shapes.scale(module, tensors) for module in contents.modules]
    if not any(scales):
        raise UserError(
            f"{path}: all {len(scales)} modules are switched off by an alpha of 0; alpha should be "
            "above 0: train it again, or correct the file."
        )
    ups = [tensors[m.keys["up"]] for m in contents.modules if "up" in m.keys]
    if is_plain(contents) and not any(up.any() for up in ups):
        raise UserError(f"{path}: every up weight is zero: it changes nothing; nothing was learnt.")


def is_plain(contents: Contents) -> bool:
    """Tell whether every module adds a product of matrices and does nothing else."""
    other = {"dora_scale", "diff_b", "b_norm"}
    return all(m.kind == "LoRA" and not other & m.keys.keys() for m in contents.modules)


def _usual(counts: Counter[Any]) -> Any:
    return counts.most_common(1)[0][0] if counts else None


def _hashes(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the two hashes by which A1111 and LoRA managers know a file.

    The new one is over the bytes after the header; the old one over 64 KiB at 1 MiB of the file
    as it is without these two.
    """
    data = serialize(dict(arrays), dict(metadata))
    tensors = data[8 + int.from_bytes(data[:8], "little") :]
    return {
        "sshs_model_hash": hashlib.sha256(tensors).hexdigest(),
        "sshs_legacy_hash": hashlib.sha256(data[0x100000:0x110000]).hexdigest()[:8],
    }


def _content(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(8 + int.from_bytes(file.read(8), "little"))
        return hashlib.file_digest(file, "sha256").hexdigest()
