"""LoRA files as people have them, with invented contents."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file


def save_lora(path: Path, number: float = 1.0, metadata: dict[str, str] | None = None) -> Path:
    """Write a LoRA of one layer and return its path; another `number` is another content."""
    arrays = {
        "lora_unet_a.lora_down.weight": np.ones((2, 3), np.float16),
        "lora_unet_a.lora_up.weight": np.full((3, 2), number, np.float16),
    }
    save_file(arrays, path, metadata)
    return path
