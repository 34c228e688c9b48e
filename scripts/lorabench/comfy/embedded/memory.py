"""Limit the size of a batch to the memory, because a machine without memory dies."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

BYTES_A_PIXEL = 4500
"""Memory of SD1.x's VAE to decode in float32: 3,900 to 4,200 measured at 512 to 1024 px."""

LARGEST_CARD = 200 * 2**30
LEAST_PIXELS = 512 * 512
_CONTAINER = Path("/sys/fs/cgroup/memory.max")


def most_pixels(device: Any) -> int:
    """Return the most pixels that a batch may have on a `devices.Device`.

    On a CPU, a batch may take half of the machine's memory; models and other programs need the
    rest. On a card it may take all, because running out of that only ends a prompt. Before the
    device is chosen (None), the limit is the largest card's.
    """
    memory = _machine() // 2
    if device is None:
        memory = max(memory, LARGEST_CARD)
    elif device.name != "cpu":
        memory = device.describe()["vram_total"]
    return max(memory // BYTES_A_PIXEL, LEAST_PIXELS)


def _machine() -> int:
    """Return the memory of this machine or container."""
    total = psutil.virtual_memory().total
    with suppress(OSError, ValueError):  # no container, or one without a limit
        total = min(total, int(_CONTAINER.read_text(encoding="ascii")))
    return total
