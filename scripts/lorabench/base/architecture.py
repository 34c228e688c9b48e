"""Read the widths and depths of an SDXL's networks from the shapes of a single file's tensors.

SDXL's smaller relatives (SSD-1B, Vega, KOALA) differ in nothing else. What shapes cannot tell is as
in stabilityai/stable-diffusion-xl-base-1.0: heads of 64 channels, norms of 32 groups.
"""

import re
from collections.abc import Mapping
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]
"""The shape of each tensor of one network, by its name there."""

HEAD = 64
"""Channels of an attention head."""
_SIZES = 6
"""Numbers that SDXL's UNet is given of a picture's size (see conditions.py)."""


def unet(shapes: Shapes, pooled: int) -> dict[str, Any]:
    """Return what sizes decide of a UNet2DConditionModel's config; `pooled` is that text's width.

    Raises `KeyError` or `ValueError`: a tensor of the architecture is missing.
    """
    halvings = _numbers(shapes, r"input_blocks\.(\d+)\.0\.op\.weight")
    layers = min(halvings) - 1
    starts = [1 + level * (layers + 1) for level in range(len(halvings) + 1)]
    widths = [shapes[f"input_blocks.{n}.0.out_layers.3.weight"][0] for n in starts]
    down = [_depth(shapes, f"input_blocks.{n}.1") for n in starts]
    up = [_depth(shapes, f"output_blocks.{n - 1}.1") for n in starts]
    kinds = {True: "CrossAttn", False: ""}
    entrance = shapes["label_emb.0.0.weight"][1]
    first = f"input_blocks.{starts[[depth > 0 for depth in down].index(True)]}.1"
    return {
        "in_channels": shapes["input_blocks.0.0.weight"][1],
        "out_channels": shapes["out.2.weight"][0],
        "layers_per_block": layers,
        "block_out_channels": widths,
        "down_block_types": [f"{kinds[depth > 0]}DownBlock2D" for depth in down],
        "mid_block_type": _middle(shapes),
        "up_block_types": [f"{kinds[depth > 0]}UpBlock2D" for depth in up],
        # The middle takes the last of these, and the way up has its own.
        "transformer_layers_per_block": [
            *(max(1, depth) for depth in down),
            max(1, _depth(shapes, "middle_block.1")),
        ],
        "reverse_transformer_layers_per_block": [max(1, depth) for depth in up],
        "attention_head_dim": [_heads(width) for width in widths],  # their number, in spite of it
        "cross_attention_dim": shapes[f"{first}.transformer_blocks.0.attn2.to_k.weight"][1],
        "use_linear_projection": len(shapes[f"{first}.proj_in.weight"]) == 2,
        "addition_time_embed_dim": (entrance - pooled) // _SIZES,
        "projection_class_embeddings_input_dim": entrance,
    }


def text_encoder(shapes: Shapes) -> dict[str, Any]:
    """Return the config of a CLIP text encoder, given its shapes by transformers' names."""
    vocabulary, width = shapes["embeddings.token_embedding.weight"]
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": shapes["encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": len(_numbers(shapes, r"encoder\.layers\.(\d+)\.mlp\.fc1\.weight")),
        "num_attention_heads": _heads(width),
        "max_position_embeddings": shapes["embeddings.position_embedding.weight"][0],
        "projection_dim": shapes.get("text_projection.weight", (width,))[0],
    }


def autoencoder(shapes: Shapes) -> dict[str, Any]:
    """Return the widths of an AutoencoderKL, given its shapes by the original names.

    Raises as `unet`.
    """
    levels = _numbers(shapes, r"encoder\.down\.(\d+)\.block\.0\.conv1\.weight")
    names = [f"encoder.down.{level}.block.0.conv1.weight" for level in range(max(levels) + 1)]
    return {"block_out_channels": [shapes[name][0] for name in names]}


def _middle(shapes: Shapes) -> str | None:
    """Return the class of the middle block: some small models have no attention there, or none."""
    if not _numbers(shapes, r"middle_block\.(\d+)\.in_layers\.0\.weight"):
        return None
    return "UNetMidBlock2DCrossAttn" if _depth(shapes, "middle_block.1") else "UNetMidBlock2D"


def _depth(shapes: Shapes, block: str) -> int:
    """Return how many transformer blocks a block of the UNet has."""
    pattern = rf"{re.escape(block)}\.transformer_blocks\.(\d+)\.norm1\.weight"
    return len(_numbers(shapes, pattern))


def _heads(width: int) -> int:
    return max(1, width // HEAD)


def _numbers(shapes: Shapes, pattern: str) -> set[int]:
    return {int(match[1]) for name in shapes if (match := re.fullmatch(pattern, name))}
