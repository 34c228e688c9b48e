"""LoRA files: kohya's key names and metadata in safetensors; written, read back and checked.

A module `m` of rank r is three tensors: `m.lora_down.weight` [r, in(, 1, 1)], `m.lora_up.weight`
[out, r(, 1, 1)] and the scalar `m.alpha`. It adds strength * alpha / r * up @ down to a weight.
Files of other makers are read under their own names (lora_modules.py). Nothing here imports torch.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as serialize

from lorabench import files
from lorabench.checkpoint import read_header
from lorabench.errors import UserError
from lorabench.lora_modules import ALPHA as ALPHA
from lorabench.lora_modules import PAIRS, Module, modules, plain

DOWN, UP = PAIRS[0]
DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


@dataclass(frozen=True)
class Lora:
    """What a LoRA file holds.

    `rank` and `alpha` are those of most modules, None where none is a product of two matrices,
    `modules` counts them, and `content` is the hex SHA-256 of the tensors alone (kohya's
    `sshs_model_hash`): dates in the metadata leave it as it is.
    """

    path: Path
    rank: int | None
    alpha: float | None
    modules: int
    content: str
    metadata: dict[str, str]


def save(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> Lora:
    """Write a LoRA, read it back, check it and only then give it the name `path`.

    float16 arrays are what kohya users exchange: half the size of float32, and finer than the
    difference that any renderer shows. The content hashes are added to `metadata`.

    Raises:
        UserError: the tensors are no working LoRA (see `verify`); `path` stays as it was.
    """
    arrays = {key: np.asarray(array, order="C") for key, array in tensors.items()}
    with files.publish(path) as temporary:
        temporary.write_bytes(serialize(arrays, {**metadata, **_hashes(arrays, metadata)}))
        return verify(temporary)


def verify(path: Path) -> Lora:
    """Return what the LoRA at `path` holds, after reading all of it.

    Raises:
        UserError: the file is cut short or altered, holds no LoRA, a shape or rank does not fit,
            a number is not finite, every up weight is zero, or the metadata say otherwise.
    """
    _, metadata = read_header(path)
    tensors = dict(read_tensors(path))
    broken = [key for key, array in tensors.items() if not np.isfinite(array).all()]
    if broken:
        raise UserError(
            f"{path}: {len(broken)} of {len(tensors)} tensors hold NaN or infinity (first: "
            f"{broken[0]}); the training diverged. Train again with a lower learning rate."
        )
    found = modules(tensors)
    if not found:
        raise UserError(
            f"{path}: none of its {len(tensors)} tensors is named as in a LoRA, such as "
            f"…{DOWN}, so it is not a LoRA."
        )
    products = [module for module in found if module.down]
    ranks = Counter(_rank(path, module, tensors) for module in products)
    alphas = Counter(tensors[m.alpha].item() for m in products if m.alpha in tensors)
    if off := {alpha: number for alpha, number in alphas.items() if alpha <= 0}:
        raise UserError(
            f"{path}: {sum(off.values())} of {len(products)} modules are switched off by an alpha "
            f"of {min(off):g}; alpha should be above 0: train it again, or correct the file."
        )
    if plain(found, tensors) and not any(tensors[module.up].any() for module in found):
        raise UserError(f"{path}: every up weight is zero: it changes nothing; nothing was learnt.")
    content = _content(path)
    _check_metadata(path, metadata, ranks, alphas, content)
    rank = _usual(ranks)
    alpha = _usual(alphas) if alphas else rank and float(rank)
    return Lora(path, rank, alpha, len(found), content, metadata)


def read_tensors(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (key, array) of every tensor in a safetensors file, bfloat16 widened to float32.

    Raises:
        UserError: a tensor is of another type than a float.
    """
    header, _ = read_header(path)
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    for key, tensor in header.items():
        begin, end = (start + offset for offset in tensor["data_offsets"])
        if tensor["dtype"] == "BF16":  # the upper half of a float32
            array = (np.frombuffer(data[begin:end], "<u2").astype("<u4") << 16).view("<f4")
        elif tensor["dtype"] in DTYPES:
            array = np.frombuffer(data[begin:end], DTYPES[tensor["dtype"]])
        else:
            raise UserError(f"{path}: {key} is of type {tensor['dtype']}; a LoRA holds floats.")
        yield key, array.reshape(tensor["shape"])


def _rank(path: Path, module: Module, tensors: Mapping[str, np.ndarray]) -> int:
    for key in (module.down, module.up):
        if key not in tensors:
            raise UserError(f"{path}: it has no {key}; the file is incomplete.")
    down, up = tensors[module.down], tensors[module.up]
    mid = tensors.get(module.mid)
    inner = (down.shape[0], up.shape[1]) if up.ndim > 1 else (0,)
    if down.ndim < 2 or inner != (mid.shape[1::-1] if mid is not None else inner[:1] * 2):
        raise UserError(
            f"{path}: {module.name} goes down to {list(down.shape)} and up from {list(up.shape)}; "
            "the first number of the one should be the second of the other, the rank."
        )
    return down.shape[0]


def _usual(counts: Counter) -> Any:
    return counts.most_common(1)[0][0] if counts else None


def _check_metadata(
    path: Path, metadata: Mapping[str, str], ranks: Counter, alphas: Counter, content: str
) -> None:
    """Compare what the metadata say, where they say it; files of other programs may say little."""
    for key, found in (("ss_network_dim", ranks), ("ss_network_alpha", alphas)):
        said = metadata.get(key, "Dynamic")
        if found and said not in ("Dynamic", "None") and float(said) not in found:
            raise UserError(f"{path}: {key} is {said}, but its tensors have {sorted(found)}.")
    said = metadata.get("sshs_model_hash", content)
    if said != content:
        raise UserError(
            f"{path}: its tensors are not those it was written with (sshs_model_hash {said[:12]}…, "
            f"found {content[:12]}…); copy it again."
        )


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
