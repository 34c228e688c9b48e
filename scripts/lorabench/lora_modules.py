"""What the tensors of a LoRA file are called, in every format that ComfyUI loads.

A module is the layer that it changes: the name that all its tensors begin with. kohya writes
`lora_unet_down_blocks_0_…`, PEFT `unet.down_blocks.0.…`, and SDXL trainers the names of the
original checkpoints, `lora_unet_input_blocks_4_1_…`.
"""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Literal

Part = Literal["unet", "text_encoder", "text_encoder_2", "other"]

PAIRS = (  # of the down and the up matrix
    (".lora_down.weight", ".lora_up.weight"),  # kohya, LyCORIS
    (".lora_A.weight", ".lora_B.weight"),  # PEFT
    (".lora_A.default.weight", ".lora_B.default.weight"),
    (".lora_A", ".lora_B"),
    (".lora.down.weight", ".lora.up.weight"),  # diffusers before PEFT
    ("_lora.down.weight", "_lora.up.weight"),
    (".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"),
)
MID, ALPHA = ".lora_mid.weight", ".alpha"
# LoHa, LoKr, GLoRA, OFT and whole differences are no product of two matrices.
_OTHER_ALGORITHM = re.compile(
    r"\.(hada_(w[12]_[ab]|t[12])|lokr_(w[12](_[ab])?|t2)|[ab][12]\.weight|oft_blocks|oft_diag"
    r"|diff|diff_b|w_norm|b_norm|set_weight)$"
)
_PREFIXES: tuple[tuple[str, Part], ...] = (
    ("lora_unet_", "unet"),
    ("lycoris_", "unet"),
    ("unet.", "unet"),
    ("diffusion_model.", "unet"),
    ("lora_te_", "text_encoder"),
    ("lora_te1_", "text_encoder"),
    ("lora_te2_", "text_encoder_2"),
    ("text_encoder.", "text_encoder"),
    ("text_encoder_2.", "text_encoder_2"),
    ("text_encoders.clip_l.transformer.", "text_encoder"),
    ("text_encoders.clip_g.transformer.", "text_encoder_2"),
)
_BARE_UNET = ("down_blocks.", "mid_block.", "up_blocks.")


@dataclass(frozen=True)
class Module:
    """The keys of one module's tensors; `down` is empty where it is no product of two matrices."""

    name: str
    down: str = ""
    up: str = ""

    @property
    def mid(self) -> str:
        """The core of a convolution taken apart in three (LoCon's Tucker form), where there."""
        return self.name + MID

    @property
    def alpha(self) -> str:
        """The scalar over the rank; a file without it means a scale of 1."""
        return self.name + ALPHA

    @property
    def magnitude(self) -> str:
        """What a DoRA scales the layer to, whatever the product is."""
        return f"{self.name}.dora_scale"


def modules(keys: Iterable[str]) -> list[Module]:
    """Return the modules of a file with these keys, by name; keys of nothing known are left out."""
    found: dict[str, Module] = {}
    for key in keys:
        for down, up in PAIRS:
            for suffix in (down, up):  # one without the other is a module too, an incomplete one
                if key.endswith(suffix):
                    name = key.removesuffix(suffix)
                    found[name] = Module(name, name + down, name + up)
    for key in keys:
        if match := _OTHER_ALGORITHM.search(key):
            found.setdefault(key[: match.start()], Module(key[: match.start()]))
    return [found[name] for name in sorted(found)]


def plain(found: Iterable[Module], keys: Container[str]) -> bool:
    """Tell whether every module adds a product of matrices and does nothing else."""
    return all(module.down and module.magnitude not in keys for module in found)


def place(name: str) -> tuple[Part, str]:
    """Return the part of a model that a module changes, and the layer's name, underscored.

    The UNet's layers may be called as diffusers or as the original checkpoints call them.
    """
    name = name.removeprefix("base_model.model.")
    for prefix, part in _PREFIXES:
        if name.startswith(prefix):
            return part, _underscored(name.removeprefix(prefix))
    return ("unet" if name.startswith(_BARE_UNET) else "other"), _underscored(name)


def _underscored(layer: str) -> str:
    layer = layer.replace(".processor.", ".").replace(".", "_").removeprefix("text_model_")
    return f"{layer}_0" if layer.endswith("_to_out") else layer
