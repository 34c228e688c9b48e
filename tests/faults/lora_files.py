"""Give, install and load spoilt LoRA files: none is taken that a server could not draw with."""

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from lorabench.digests import Digests
from lorabench.lora import install
from lorabench.run import given_lora
from tests.faults import harness, mutate

ROOT = Path(__file__).parents[2]
BUNDLED = ROOT / "models" / "checkpoints" / "drawnworld"
_UNET = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_"
_TEXT = "lora_te_text_model_encoder_layers_0_mlp_fc1"
METADATA = {
    "ss_network_dim": "4",
    "ss_network_alpha": "2",
    "ss_epoch": "3",
    "ss_tag_frequency": json.dumps({"1_ink": {"ink": 3, "cat": 1}}),
    "ss_dataset_dirs": json.dumps({"1_ink": {"n_repeats": 1, "img_count": 3}}),
    "modelspec.trigger_phrase": "ink",
    "training_info": json.dumps({"epoch": 3, "step": 30}),
}


_PRODUCT = {".lora_down.weight": (4, 128), ".lora_up.weight": (128, 4), ".alpha": ()}
_LOHA = {".hada_w1_a": (128, 4), ".hada_w1_b": (4, 128), ".hada_w2_a": (128, 4),
         ".hada_w2_b": (4, 128)}  # fmt: skip
KINDS: dict[str, dict[str, tuple[int, ...]]] = {
    "LoRA": _PRODUCT,
    "PEFT": {".lora_A.weight": (4, 128), ".lora_B.weight": (128, 4)},
    "DoRA": {**_PRODUCT, ".dora_scale": (1, 128)},
    "LoHa": {**_LOHA, ".alpha": ()},
    "LoKr": {".lokr_w1": (8, 8), ".lokr_w2_a": (16, 4), ".lokr_w2_b": (4, 16), ".alpha": ()},
    "GLoRA": {".a1.weight": (128, 4), ".a2.weight": (4, 128), ".b1.weight": (128, 4),
              ".b2.weight": (4, 128), ".alpha": ()},
    "differences": {".diff": (128, 128), ".diff_b": (128,)},
    "replaced": {".set_weight": (128, 128)},
}  # fmt: skip
"""The tensors of a layer with 128 inputs and outputs, by suffix."""


def _original(kind: str) -> bytes:
    numbers = np.random.default_rng(0)
    text = {**_PRODUCT, ".lora_up.weight": (512, 4)}
    modules = ((f"{_UNET}q", KINDS[kind]), (f"{_UNET}out_0", _PRODUCT), (_TEXT, text))
    tensors = {
        name + suffix: numbers.normal(size=shape).astype(np.float16)
        for name, shapes in modules
        for suffix, shape in shapes.items()
    }
    return save(tensors, METADATA)


def make(folder: Path, cases: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield files whose bytes are spoilt, and those whose header says other things."""
    originals = [_original(kind) for kind in KINDS]
    for number in range(cases):
        dice = Random(f"{seed} {number}")
        data = originals[number % len(originals)]
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        how = dice.randrange(10)
        if how == 0:
            yield f"{number}, bytes", mutate.spoil(data, dice)
        elif how == 1:
            text = dice.choice((mutate.deep(100_000, dice).encode(), b"[]", b"{}", b"null", b'"a"'))
            yield f"{number}, another header", _with(text, data[8 + length :])
        elif how == 2:
            yield f"{number}, no safetensors", _other(dice)
        elif how == 3:
            size = dice.choice(
                (0, 7, 2**24 + 1, 10**8 + 1, 2**63, 2**64 - 1, length - 1, length + 9)
            )
            yield f"{number}, header of {size}", size.to_bytes(8, "little") + data[8:]
        else:
            bent = _bent(header, dice, how)
            yield f"{number}, header", _with(mutate.as_json(bent), data[8 + length :])


_SUFFIXES = (
    *(
        ".hada_w1_a",
        ".lokr_w1",
        ".diff",
        ".w_norm",
        ".dora_scale",
        ".oft_blocks",
        ".lora_mid.weight",
    ),
    *(".a1.weight", ".set_weight", ".on_input", ".diff_b", ".alpha"),
)


def _bent(header: dict[str, Any], dice: Random, how: int) -> Any:
    """Return a header with odd values; every third fits its numbers still, in another shape."""
    if how < 7:
        return mutate.bend(header, dice)
    bent = json.loads(json.dumps(header))
    name = dice.choice([key for key in bent if key != "__metadata__"])
    tensor = bent[name]
    begin, end = tensor["data_offsets"]
    numbers = (end - begin) // 2
    if how == 7:
        shapes = ([numbers], [numbers, 1], [1, numbers], [0, 4], [numbers // 2, 2], [1] * 9, [])
        tensor["shape"] = dice.choice(shapes)
    elif how == 8:
        kinds = [
            "BOOL",
            "U8",
            "I8",
            "U16",
            "I16",
            "BF16",
            "F32",
            "I64",
            "F64",
            "F8_E4M3",
            "F8_E5M2",
            "C64",
            "F4",
            "F6_E2M3",
            "F128",
        ]
        tensor["dtype"] = dice.choice(kinds)
        width = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1}.get(tensor["dtype"], 2)
        if width == 1:
            tensor["shape"] = [*tensor["shape"][:-1], 2 * (tensor["shape"] or [1])[-1]]
    else:
        suffix = dice.choice(_SUFFIXES)
        bent[re.sub(r"\.[a-zA-Z].*", "", name) + suffix] = bent.pop(name)
    return bent


def _other(dice: Random) -> bytes:
    text = "a text, and no LoRA\n" * dice.randrange(1, 50)
    return dice.choice((text.encode(), text.encode("utf-16"), b"", b"{}", dice.randbytes(500)))


def _with(header: bytes, numbers: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header + numbers


def prepare(folder: Path) -> None:
    """Make networks with the layers that the LoRA changes."""
    global _networks
    import torch

    torch.set_num_threads(1)
    from lorabench.comfy.embedded.loras import Patchable

    block = "mid_block.attentions.0.transformer_blocks.0.attn1"
    unet = {f"{block}.to_q": (128, 128), f"{block}.to_out.0": (128, 128)}
    _networks = [
        Patchable(_network(unet), "unet"),
        Patchable(_network({"text_model.encoder.layers.0.mlp.fc1": (128, 512)}), "text_encoder"),
    ]


def _network(layers: dict[str, tuple[int, int]]) -> Any:
    """Return a network with linear layers of these dotted names."""
    from torch import nn

    whole = nn.Module().requires_grad_(False)
    for name, size in layers.items():
        *above, last = name.split(".")
        within: Any = whole
        for part in above:
            if part not in dict(within.named_children()):
                within.add_module(part, nn.Module())
            within = within.get_submodule(part)
        within.add_module(last, nn.Linear(*size).requires_grad_(False))
    return whole


_networks: list[Any] = []


def attempt(folder: Path, case: bytes) -> None:
    """Plan with a LoRA, install it, and draw with it as far as a sampler's first step."""
    path = folder / "given.safetensors"
    path.write_bytes(case)
    installed = None
    try:
        given_lora.read(path, Digests(folder / "digests.json"))
        installed = install.install(path, folder / "loras", folder / "receipt.json", BUNDLED)
    finally:
        said = _load(path)  # a server's own LoRAs are no others
    if installed is not None:
        with safe_open(installed, "numpy") as file:
            keys = list(file.keys())
        assert keys, "an installed LoRA without tensors"
        assert "ERROR lora" not in (said := _load(installed)), f"installed, and not applied: {said}"


def _load(path: Path) -> str:
    """Merge a LoRA into the networks as the embedded server does; return what it logs."""
    from lorabench.comfy.embedded import loras
    from lorabench.errors import UserError

    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logging.getLogger("lorabench").addHandler(handler)
    try:
        lora = loras.read(path)
        loras.report_unused(lora, _networks)
        for network in _networks:
            network.with_patches((loras.Patch(lora, 0.8),))
            network.with_patches(())
    except UserError:
        return "refused"
    finally:
        logging.getLogger("lorabench").removeHandler(handler)
    return said.getvalue()


TRIAL = harness.Trial("LoRA files", make, attempt, prepare, seconds=30, megabytes=600)

if __name__ == "__main__":
    sys.exit(harness.main(TRIAL, 500))
