"""Transformers' files, as far as they are recognized: a few layers each, all of zeros."""

import math
from collections.abc import Mapping
from pathlib import Path

from lorabench.base import header

FLUX = "double_blocks.0.img_attn.norm.key_norm.scale"
CASES = {  # a few tensors of each family's own files, by what ComfyUI 0.33.0 tells them by
    "FLUX.1": {FLUX: (128,), "img_in.weight": (3072, 64)},
    "Chroma": {FLUX: (128,), "img_in.weight": (3072, 64),
               "distilled_guidance_layer.norms.0.scale": (5120,)},
    "FLUX.2": {FLUX: (128,), "img_in.weight": (3072, 128),
               "double_stream_modulation_img.lin.weight": (18432, 3072)},
    "HunyuanImage": {"txt_in.individual_token_refiner.blocks.0.norm1.weight": (3584,),
                     FLUX: (128,), "img_in.proj.weight": (3584, 64, 1, 1)},
    "SD3.5": {"joint_blocks.0.context_block.attn.qkv.weight": (4608, 1536)},
    "Lumina 2": {"cap_embedder.1.weight": (2304, 2304),
                 "noise_refiner.0.attention.k_norm.weight": (96,)},
    "Z-Image": {"cap_embedder.1.weight": (3840, 2560),
                "noise_refiner.0.attention.k_norm.weight": (128,)},
    "Anima": {"blocks.0.mlp.layer1.weight": (8192, 2048),
              "llm_adapter.blocks.0.cross_attn.q_proj.weight": (1024, 1024)},
    "Qwen-Image": {"txt_norm.weight": (3584,),
                   "transformer_blocks.0.attn.to_q.weight": (3072, 3072)},
    "Krea 2": {"txtfusion.projector.weight": (1, 4)},
    "Wan": {"head.modulation": (1, 2, 5120), "blocks.0.cross_attn.k.weight": (5120, 5120)},
}  # fmt: skip


def as_file(tensors, prefix):
    """Return these tensors among enough others for the prefix to count."""
    others = {f"other.{number}.weight": (1,) for number in range(6)}
    return {prefix + name: shape for name, shape in (tensors | others).items()}


def save(path: Path, title: str, prefix: str = "") -> Path:
    """Write a file that is recognized as a model of the family."""
    return save_tensors(path, as_file(CASES[title], prefix))


def save_tensors(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Path:
    """Write a file with tensors of these shapes; their numbers are 0."""
    tensors, at = {}, 0
    for name, shape in shapes.items():
        size = 2 * math.prod(shape)
        tensors[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    head = header.written(tensors)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + at)  # a hole, which takes no room
    return path
