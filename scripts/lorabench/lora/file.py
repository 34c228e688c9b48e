"""Write, read back and check LoRA files: safetensors with kohya's key names and metadata.

A module `m` of rank r has three tensors: `m.lora_down.weight` [r, in(, 1, 1)], `m.lora_up.weight`
[out, r(, 1, 1)] and the scalar `m.alpha`. It adds strength * alpha / r * up @ down to a weight.
For other kinds and makers, see lora/modules.py. Metadata decide nothing. Nothing imports torch.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as serialize

from lorabench import files
from lorabench.base import header as file_header
from lorabench.errors import UserError
from lorabench.lora import modules as lora_modules
from lorabench.lora import oddities as lora_oddities
from lorabench.lora import shapes as lora_shapes
from lorabench.lora import tensor_file
from lorabench.lora.modules import ALPHA as ALPHA
from lorabench.lora.modules import DOWN as DOWN
from lorabench.lora.modules import UP as UP
from lorabench.lora.modules import Contents, Module

Tensors = dict[str, np.ndarray]


@dataclass(frozen=True)
class Lora:
    """The contents of a LoRA file.

    `rank` and `alpha` are those of most modules, None if they have none. `content` is the hex
    SHA-256 of the tensors alone (kohya's `sshs_model_hash`), which dates do not change.
    """

    path: Path
    rank: int | None
    alpha: float | None
    contents: Contents
    content: str
    metadata: dict[str, str]
    oddities: tuple[str, ...]
    """Oddities that are no reason to refuse it, in words."""


def save(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> Lora:
    """Write a LoRA with its content hashes, read it back, check it and then rename it to `path`.

    kohya's users exchange float16 arrays: they have half the size of float32, and no renderer
    shows a difference. Raises `UserError` if it cannot work (see `verify`), and leaves `path` as
    it was.
    """
    arrays = {key: np.asarray(array, order="C") for key, array in tensors.items()}
    hashes = _hashes(arrays, metadata)
    with files.publish(path) as temporary:
        temporary.write_bytes(serialize(arrays, {**metadata, **hashes}))
        return verify(temporary, hashes["sshs_model_hash"])


def verify(path: Path, content: str | None = None) -> Lora:
    """Return the contents of the LoRA at `path`, after reading all of it.

    Raises `UserError` if the file is cut short, its tensors have another digest than `content`, it
    holds no LoRA, shapes do not fit each other, a number is not finite, or it changes nothing.
    """
    return load(path, content)[0]


def load(path: Path, content: str | None = None) -> tuple[Lora, Tensors]:
    """Return the contents of the LoRA at `path`, as `verify` does, and its tensors."""
    header, metadata = file_header.read(path)
    shapes = {key: tuple(tensor["shape"]) for key, tensor in header.items()}
    contents = lora_modules.describe(shapes)
    if not contents.modules:
        raise UserError(f"{path}: {lora_modules.none_in(contents, shapes)}")
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
    oddities = tuple(lora_oddities.of(contents, metadata, ranks, alphas, found))
    return Lora(path, rank, alpha, contents, found, metadata, oddities), tensors


def _check_shapes(path: Path, module: Module, shapes: lora_shapes.Shapes) -> None:
    if module.missing:
        has = ", ".join(module.keys.values())
        raise UserError(
            f"{path}: {module.name} has {has} but no {' and no '.join(module.missing)}; the file "
            "is incomplete."
        )
    try:
        lora_shapes.size(module, shapes)
    except ValueError as error:
        raise UserError(
            f"{path}: {error}; these shapes do not fit each other: factors should share a rank of "
            "1 or more. The file is damaged, or of an unknown form."
        ) from None
    if odd := lora_shapes.odd_alpha(module, shapes):
        raise UserError(f"{path}: {odd}.")


def _check_numbers(
    path: Path, contents: Contents, tensors: Tensors, shapes: lora_shapes.Shapes
) -> None:
    """Refuse numbers that give a black picture, and a LoRA that changes nothing."""
    # Where an alpha has no effect, LyCORIS writes any number, even infinity.
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
    """Return whether every module only adds a product of matrices."""
    other = {"dora_scale", "diff_b", "b_norm"}
    return all(m.kind == "LoRA" and not other & m.keys.keys() for m in contents.modules)


def _usual(counts: Counter[Any]) -> Any:
    return counts.most_common(1)[0][0] if counts else None


def _hashes(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the two hashes by which A1111 and LoRA managers recognize a file.

    The new one covers the bytes after the header; the old one 64 KiB at 1 MiB of the file without
    the hashes.
    """
    data = serialize(dict(arrays), dict(metadata))
    tensors = data[file_header.end(data) :]
    return {
        "sshs_model_hash": hashlib.sha256(tensors).hexdigest(),
        "sshs_legacy_hash": hashlib.sha256(data[0x100000:0x110000]).hexdigest()[:8],
    }


def _content(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(file_header.end(file.read(8)))
        return hashlib.file_digest(file, "sha256").hexdigest()
