"""How large a batch may be: what rendering it takes has to fit in memory, or the machine dies."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

BYTES_A_PIXEL = 4500
"""What SD1.x's VAE takes to decode in float32, measured at 512 to 1024 px: 3,900 to 4,200."""

LARGEST_CARD = 200 * 2**30
LEAST_PIXELS = 512 * 512
_CONTAINER = Path("/sys/fs/cgroup/memory.max")


def most_pixels(device: Any) -> int:
    """Return the most pixels that a batch may have on a `devices.Device`.

    A CPU's server gets half of the machine's memory; models and other programs need the rest. A
    card gets all of its own, because running out of that ends a prompt and no more. Before the
    device is chosen (None) only what fits on none is refused.
    """
    memory = _machine() // 2
    if device is None:
        memory = max(memory, LARGEST_CARD)
    elif device.name != "cpu":
        memory = device.describe()["vram_total"]
    return max(memory // BYTES_A_PIXEL, LEAST_PIXELS)


def _machine() -> int:
    """Return the memory of this machine, or of the container that it is."""
    total = psutil.virtual_memory().total
    with suppress(OSError, ValueError):  # no container, or one without a limit
        total = min(total, int(_CONTAINER.read_text(encoding="ascii")))
    return total
