"""Read the tensors of a safetensors file into numpy, and write the file with other metadata.

The safetensors library reads no bfloat16 or float8 into numpy, and refuses a whole file if its
metadata are no texts. Nothing here imports torch.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lorabench.base import header as file_header
from lorabench.errors import UserError

_DTYPES = {
    **{f"F{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
    **{f"I{bits}": np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"U{bits}": np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
    "BOOL": np.dtype("?"),
}


def tensors(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (key, array) of every tensor in a safetensors file; bfloat16 and float8 as float32.

    Raises `UserError` for a damaged file, or a type that is not read.
    """
    header, _ = file_header.read(path)
    data = path.read_bytes()
    start = file_header.end(data)
    for key, tensor in header.items():
        begin, end = (start + offset for offset in tensor["data_offsets"])
        try:
            yield key, _array(data[begin:end], tensor["dtype"]).reshape(tensor["shape"])
        except KeyError as error:
            raise UserError(
                f"{path}: {key} is of type {error}, which is not read here; save it as float16."
            ) from None


def with_header(
    data: bytes, metadata: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> bytes:
    """Return a safetensors file with other metadata and tensors' `names`, but the same numbers."""
    start = file_header.end(data)
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    renamed = {(names or {}).get(key, key): tensor for key, tensor in header.items()}
    return file_header.written(renamed, metadata) + data[start:]


def _array(data: bytes, dtype: str) -> np.ndarray:
    if dtype == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    if dtype == "F8_E5M2":  # the upper half of a float16
        return (np.frombuffer(data, "u1").astype("<u2") << 8).view("<f2").astype("<f4")
    if dtype == "F8_E4M3":
        return _float8()[np.frombuffer(data, "u1")]
    return np.frombuffer(data, _DTYPES[dtype])


def _float8() -> np.ndarray:
    """Return the number for each byte in float8_e4m3fn: no infinity, and two NaN."""
    byte = np.arange(256)
    exponent, fraction = (byte >> 3) & 15, (byte & 7) / 8
    size = np.where(exponent, (1 + fraction) * 2.0 ** (exponent - 7), fraction * 2.0**-6)
    size[byte & 127 == 127] = np.nan
    return np.where(byte & 128, -size, size).astype("<f4")
