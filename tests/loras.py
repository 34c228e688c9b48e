"""LoRA files as people have them, with invented contents."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

_LAYER = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0"
_WIDTH = 128


def save_lora(path: Path, number: float = 1.0, metadata: dict[str, str] | None = None) -> Path:
    """Write a LoRA of one layer of the bundled model and return its path.

    Another `number` is another content, and acts as much more.
    """
    arrays = {
        f"{_LAYER}.lora_down.weight": np.full((2, _WIDTH), 0.02, np.float16),
        f"{_LAYER}.lora_up.weight": np.full((_WIDTH, 2), number, np.float16),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(arrays, path, metadata)
    return path
