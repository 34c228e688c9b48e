"""Choose the server's device and precision. This needs torch, but no model code."""

import os
from dataclasses import dataclass
from typing import Any

import torch

from lorabench.errors import UserError

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Device:
    """A device ("cpu" or "cuda"), the precision of the UNet on it, and the CPU threads."""

    name: str
    dtype: torch.dtype
    threads: int

    def describe(self) -> dict[str, Any]:
        """Return the device as ComfyUI's `/system_stats` lists it (memory in bytes)."""
        if self.name == "cpu":
            return {"name": "cpu", "type": "cpu", "index": None}
        free, total = torch.cuda.mem_get_info()
        reserved = torch.cuda.memory_reserved()
        return {
            "name": f"cuda:0 {torch.cuda.get_device_name(0)}",
            "type": "cuda",
            "index": 0,
            "vram_total": total,
            "vram_free": free,
            "torch_vram_total": reserved,
            "torch_vram_free": reserved - torch.cuda.memory_allocated(),
        }


def choose(device: str, dtype: str, threads: int) -> Device:
    """Choose the device and set the threads (0: all cores), which change a picture's last bits.

    "auto" is CUDA in fp16, if there is one. A CPU always computes in fp32. Raises `UserError`: CUDA
    is missing.
    """
    threads = threads or _cores()
    torch.set_num_threads(threads)
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: torch finds no CUDA device; use --device cpu or auto.")
    if device == "cpu" or not torch.cuda.is_available():
        return Device("cpu", torch.float32, threads)
    return Device("cuda", DTYPES["fp16" if dtype == "auto" else dtype], threads)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # macOS has none
    return len(affinity(0)) if affinity else os.cpu_count() or 1
