"""A LoRA file of every kind that people have, on the layers of the bundled base model.

The numbers are random, and as large as shows in a picture at weight 1.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from lorabench.base import header
from lorabench.lora import tensor_file
from tests.checkpoints import ldm_unet_key

BUNDLED = Path(__file__).parents[1] / "models" / "checkpoints" / "drawnworld"
SIZE = 0.5
"""How large a layer's change is, beside a weight of variance 1 / inputs."""

Shape = tuple[int, ...]
Tensors = dict[str, Tensor]
Form = Callable[[Shape, "Random"], Tensors]
"""Returns the tensors of a layer's module by suffix."""
Naming = Callable[[str, str], str]
"""Returns a module's name for the part of the model and the layer's dotted name in diffusers."""


class Random:
    """Random numbers that are the same in every file."""

    def __init__(self) -> None:
        """Start with the first number."""
        self._generator = torch.Generator().manual_seed(7)

    def __call__(self, *shape: int, size: float = 1.0) -> Tensor:
        """Return normally distributed numbers with this deviation."""
        return size * torch.randn(*shape, generator=self._generator)


# Layers


@cache
def _weights(part: str) -> Mapping[str, Shape]:
    found = {}
    for file in sorted((BUNDLED / part).glob("*.safetensors")):
        for key, tensor in sorted(header.read(file)[0].items()):
            if key.endswith(".weight"):
                found[key.removesuffix(".weight")] = tuple(tensor["shape"])
    return found


Layers = tuple[tuple[str, str], ...]
"""Parts of the model, and patterns of layers' names in them."""
TEXT = (("text_encoder", r"self_attn|mlp"),)
UNET = (("unet", r"attn|ff\."),)
LINEAR = (*UNET, *TEXT)
CONVOLUTIONS = (("unet", r"conv1|conv2|conv_shortcut|samplers|proj_in|proj_out|^conv_in$"),)
NORMS = (("unet", r"norm"),)
ALL = (("unet", r"attn|ff\.|conv1|conv2|proj"), *TEXT)


def _layers(wanted: Layers) -> Iterator[tuple[str, str, Shape]]:
    for part, pattern in wanted:
        for layer, shape in _weights(part).items():
            if re.search(pattern, layer) and ("norm" in pattern or "norm" not in layer):
                yield part, layer, shape


# How makers name a module


def kohya(part: str, layer: str) -> str:
    """Name it as sd-scripts for SD1.x, LyCORIS, ai-toolkit and OneTrainer do."""
    prefix = "lora_unet_" if part == "unet" else "lora_te_text_model_"
    return prefix + layer.replace(".", "_")


def kohya_xl(part: str, layer: str) -> str:
    """Name it as sd-scripts for SDXL does: the original UNet's layers, numbered encoders."""
    if part == "unet":
        return f"lora_unet_{original(layer)}".replace(".", "_")
    return f"lora_te1_text_model_{layer}".replace(".", "_")


def original(layer: str) -> str:
    """Return the name of a layer in the original UNet."""
    return ldm_unet_key(f"{layer}.", 1).removesuffix(".")


def diffusers(part: str, layer: str) -> str:
    """Name it as diffusers does."""
    return f"unet.{layer}" if part == "unet" else f"text_encoder.text_model.{layer}"


def processors(part: str, layer: str) -> str:
    """Name it as diffusers did when attention processors had the LoRA."""
    return diffusers(part, layer).replace(".to_", ".processor.to_").replace("to_out.0", "to_out")


def peft(part: str, layer: str) -> str:
    """Name it as PEFT does in the file of one part."""
    return "base_model.model." + (layer if part == "unet" else f"text_model.{layer}")


def comfy(part: str, layer: str) -> str:
    """Name it as OneTrainer's format for ComfyUI does, as in ComfyUI's own checkpoint."""
    if part == "unet":
        return f"diffusion_model.{original(layer)}"
    return f"text_encoders.clip_l.transformer.text_model.{layer}"


def lycoris(part: str, layer: str) -> str:
    """Name it as LyCORIS and SimpleTuner do."""
    return "lycoris_" + ("" if part == "unet" else "text_model_") + layer.replace(".", "_")


# Kinds of modules

KOHYA = (".lora_down.weight", ".lora_up.weight")
PEFT = (".lora_A.weight", ".lora_B.weight")


def _size(shape: Shape) -> float:
    return SIZE / math.sqrt(math.prod(shape[1:]))


def lora(rank: int = 4, alpha: float | None = 2.0, suffixes: tuple[str, str] = KOHYA) -> Form:
    """Return a form of two matrices."""

    def form(shape: Shape, random: Random) -> Tensors:
        down, up = suffixes
        ones = [1] * len(shape[2:])
        size = _size(shape) / math.sqrt(rank) / (1 if alpha is None else alpha / rank)
        found = {down: random(rank, *shape[1:]), up: random(shape[0], rank, *ones, size=size)}
        return found if alpha is None else {**found, ".alpha": torch.tensor(alpha)}

    return form


def tucker(shape: Shape, random: Random) -> Tensors:
    """Return a LoCon in three factors, with a whole one where the kernel is 1 × 1."""
    if math.prod(shape[2:]) == 1:
        return lora()(shape, random)
    out, inner, *kernel = shape
    return {
        ".lora_down.weight": random(4, inner, 1, 1),
        ".lora_mid.weight": random(4, 4, *kernel),
        ".lora_up.weight": random(out, 4, 1, 1, size=_size(shape) / 2),
        ".alpha": torch.tensor(2.0),
    }


def loha(shape: Shape, random: Random) -> Tensors:
    """Return two products of matrices, as LyCORIS flattens a convolution."""
    out, inner = shape[0], math.prod(shape[1:])
    size = _size(shape) / 4
    return {
        **{f".hada_w{n}_a": random(out, 4, size=size if n == 1 else 1.0) for n in (1, 2)},
        **{f".hada_w{n}_b": random(4, inner) for n in (1, 2)},
        ".alpha": torch.tensor(4.0),
    }


def loha_tucker(shape: Shape, random: Random) -> Tensors:
    """Return a LoHa with a core for each product."""
    if math.prod(shape[2:]) == 1:
        return loha(shape, random)
    out, inner, *kernel = shape
    size = _size(shape) / 16
    return {
        **{f".hada_w{n}_a": random(4, out, size=size if n == 1 else 1.0) for n in (1, 2)},
        **{f".hada_w{n}_b": random(4, inner) for n in (1, 2)},
        **{f".hada_t{n}": random(4, 4, *kernel) for n in (1, 2)},
        ".alpha": torch.tensor(4.0),
    }


def lokr(shape: Shape, random: Random) -> Tensors:
    """Return a Kronecker product of whole factors; alpha has no effect."""
    out, inner, *kernel = shape
    return {
        ".lokr_w1": random(4, 4, size=_size(shape)),
        ".lokr_w2": random(out // 4, inner // 4, *kernel),
        ".alpha": torch.tensor(9999999999.0),
    }


def lokr_low(both: bool = False, core: bool = False) -> Form:
    """Return one whose second factor is a product, or both are, or with a core."""

    def form(shape: Shape, random: Random) -> Tensors:
        out, inner, *kernel = shape
        found = {".alpha": torch.tensor(2.0)}
        if both:
            found |= {".lokr_w1_a": random(4, 2), ".lokr_w1_b": random(2, 4)}
        else:
            found[".lokr_w1"] = random(4, 4)
        size = _size(shape) / (2 if both else 1)
        if core and math.prod(kernel) > 1:
            found[".lokr_t2"] = random(4, 4, *kernel)
            return found | {
                ".lokr_w2_a": random(4, out // 4, size=size / 2),
                ".lokr_w2_b": random(4, inner // 4),
            }
        return found | {
            ".lokr_w2_a": random(out // 4, 4, size=size),
            ".lokr_w2_b": random(4, inner // 4 * math.prod(kernel)),
        }

    return form


def glora(shape: Shape, random: Random) -> Tensors:
    """Return one that acts through the weight, too."""
    out, inner = shape
    return {
        ".a1.weight": random(inner, 4, size=SIZE / inner),
        ".a2.weight": random(4, inner, size=0.5),
        ".b1.weight": random(out, 4, size=_size(shape) / 2),
        ".b2.weight": random(4, inner),
        ".alpha": torch.tensor(4.0),
    }


def with_magnitude(form: Form, along: str = "inputs") -> Form:
    """Return the form as a DoRA, with magnitudes that are near those of such layers."""

    def decomposed(shape: Shape, random: Random) -> Tensors:
        out, inner, *kernel = shape
        ones = [1] * len(kernel)
        wide = (1, inner, *ones) if along == "inputs" else (out, 1, *ones)
        norm = math.sqrt(out / inner) if along == "inputs" else 1.0
        return {
            **form(shape, random),
            ".dora_scale": norm * (1 + random(*wide, size=0.2)).abs(),
        }

    return decomposed


def difference(shape: Shape, random: Random) -> Tensors:
    """Return a whole difference, of the bias too."""
    return {".diff": random(*shape, size=_size(shape)), ".diff_b": random(shape[0], size=0.1)}


def norm(shape: Shape, random: Random) -> Tensors:
    """Return the difference of a norm as LyCORIS writes it."""
    return {".w_norm": random(*shape, size=0.3), ".b_norm": random(*shape, size=0.3)}


def norm_difference(shape: Shape, random: Random) -> Tensors:
    """Return the difference of a norm as ai-toolkit writes it."""
    return {".diff": random(*shape, size=0.3), ".diff_b": random(*shape, size=0.3)}


def with_bias(shape: Shape, random: Random) -> Tensors:
    """Return a LoRA that changes the bias, too."""
    return {**lora()(shape, random), ".diff_b": random(shape[0], size=0.1)}


def replaced(shape: Shape, random: Random) -> Tensors:
    """Return a weight that takes the place of the layer's."""
    return {".set_weight": random(*shape, size=1 / math.sqrt(math.prod(shape[1:])))}


# Files


@dataclass(frozen=True)
class Kind:
    """A kind of file."""

    form: Form
    layers: Layers = LINEAR
    names: Naming = kohya
    dtype: torch.dtype = torch.float16
    more: Tensors = field(default_factory=dict)
    """Tensors that are not of a layer."""
    metadata: dict[str, Any] | None = None
    change: Callable[[Tensors], Tensors] = lambda tensors: tensors
    """What is done with the whole file's tensors at last."""

    def tensors(self) -> Tensors:
        """Return the tensors of the file."""
        random = Random()
        found = {
            self.names(part, layer) + suffix: tensor
            for part, layer, shape in _layers(self.layers)
            for suffix, tensor in self.form(shape, random).items()
        }
        typed = {key: tensor.to(self.dtype) for key, tensor in found.items()}
        return {key: tensor.contiguous() for key, tensor in self.change(typed | self.more).items()}

    def write(self, path: Path) -> Path:
        """Write the file, with metadata that the library would refuse as they are."""
        texts = all(isinstance(value, str) for value in (self.metadata or {}).values())
        data = save(self.tensors(), self.metadata if texts else None)
        path.write_bytes(data if texts else tensor_file.with_header(data, self.metadata or {}))
        return path


def alphas(change: Callable[[Tensor], Tensor]) -> Callable[[Tensors], Tensors]:
    """Return a function that changes the alphas alone."""
    return lambda tensors: {
        key: change(tensor) if key.endswith(".alpha") else tensor for key, tensor in tensors.items()
    }


def _mixed(shape: Shape, random: Random) -> Tensors:
    """Return a rank by the layer's width, as a resized LoRA has them."""
    return lora(rank=1 + shape[0] % 7, alpha=1.0 + shape[0] % 7)(shape, random)


def _old_names(tensors: Tensors) -> Tensors:
    """Return diffusers' first names: text encoders had the suffix of another class."""
    return {
        re.sub(r"(text_encoder\..*)_lora\.", r"\1.lora_linear_layer.", key): tensor
        for key, tensor in tensors.items()
    }


_PEFT_CONFIG = json.dumps({"unet.r": 4, "unet.lora_alpha": 4, "unet.peft_type": "LORA"})
_KOHYAS = {"ss_network_dim": "4", "ss_network_alpha": "2.0", "ss_output_name": "ink"}
_AI_TOOLKIT = {
    **{"format": "pt", "name": "ink", "version": "1.0", "ss_base_model_version": "sd_1.5"},
    "training_info": json.dumps({"step": 1200, "epoch": 12}),
    "software": json.dumps({"name": "ai-toolkit"}),
}
_ONETRAINER = {
    "ot_branch": "master",
    "ot_config": json.dumps({"training_method": "LORA"}),
    "modelspec.architecture": "stable-diffusion-v1/lora",
}

KINDS: dict[str, Kind] = {  # those that a ComfyUI and the embedded server apply
    "kohya, SD1.x": Kind(lora(), metadata=_KOHYAS),
    "kohya, SDXL's names": Kind(lora(), names=kohya_xl, metadata=_KOHYAS),
    "diffusers, attention processors": Kind(
        lora(alpha=None, suffixes=("_lora.down.weight", "_lora.up.weight")),
        (("unet", r"attn"), ("text_encoder", r"self_attn")),
        processors,
        change=_old_names,
    ),
    "diffusers before PEFT": Kind(
        lora(alpha=None, suffixes=(".lora.down.weight", ".lora.up.weight")), names=diffusers
    ),
    "diffusers with PEFT": Kind(
        lora(alpha=None, suffixes=PEFT),
        names=diffusers,
        metadata={"format": "pt", "lora_adapter_metadata": _PEFT_CONFIG},
    ),
    "diffusers, with alphas": Kind(lora(suffixes=PEFT), names=diffusers),
    "PEFT, UNet": Kind(lora(alpha=None, suffixes=PEFT), UNET, peft),
    "PEFT, text encoder": Kind(lora(alpha=None, suffixes=PEFT), TEXT, peft),
    "PEFT, named adapter": Kind(
        lora(alpha=None, suffixes=(".lora_A.default.weight", ".lora_B.default.weight")), UNET, peft
    ),
    "ai-toolkit": Kind(lora(), ALL, metadata=_AI_TOOLKIT),
    "ai-toolkit, all layers": Kind(norm_difference, (("unet", r"norm"),), metadata=_AI_TOOLKIT),
    "OneTrainer": Kind(lora(), ALL, metadata=_ONETRAINER),
    "OneTrainer, for diffusers": Kind(
        lora(alpha=None, suffixes=PEFT), ALL, diffusers, metadata=_ONETRAINER
    ),
    "OneTrainer, for ComfyUI": Kind(lora(suffixes=PEFT), ALL, comfy, metadata=_ONETRAINER),
    "OneTrainer, original names": Kind(
        lora(suffixes=PEFT),
        (("unet", r"attn|conv|time|samplers"),),
        lambda part, layer: original(layer),
        metadata=_ONETRAINER,
    ),
    "OneTrainer, with an embedding": Kind(
        lora(),
        more={
            "bundle_emb.<ink>.clip_l": torch.ones(2, 128),
            "bundle_emb.<ink>.clip_l_out": torch.ones(2, 128),
        },
        metadata=_ONETRAINER,
    ),
    "with an A1111 embedding": Kind(
        lora(), more={"bundle_emb.my.ink.string_to_param.*": torch.ones(2, 128)}
    ),
    "LyCORIS, own names": Kind(lora(), names=lycoris),
    "LoCon": Kind(lora(), CONVOLUTIONS),
    "LoCon in Tucker form": Kind(tucker, CONVOLUTIONS),
    "LoHa": Kind(loha, ALL),
    "LoHa in Tucker form": Kind(loha_tucker, CONVOLUTIONS),
    "LoKr": Kind(lokr, ALL, dtype=torch.float32),
    "LoKr, half precision": Kind(lokr, ALL),
    "LoKr of low rank": Kind(lokr_low(), ALL),
    "LoKr, both of low rank": Kind(lokr_low(both=True), ALL),
    "LoKr in Tucker form": Kind(lokr_low(core=True), (("unet", r"conv1|conv2|conv_shortcut"),)),
    "GLoRA": Kind(glora),
    "DoRA": Kind(with_magnitude(lora()), ALL),
    "DoRA along the outputs": Kind(with_magnitude(lora(), "outputs"), ALL),
    "LoHa with DoRA": Kind(with_magnitude(loha), ALL),
    "LoKr with DoRA": Kind(with_magnitude(lokr_low()), ALL),
    "norm differences": Kind(norm, NORMS),
    "full differences": Kind(difference, (("unet", r"conv1|conv2|to_out|^conv_out$"),)),
    "with differences of biases": Kind(with_bias, (("unet", r"conv1|to_out"),)),
    "replaced weights": Kind(replaced, (("unet", r"attn2\.to_v"),)),
    "mixed ranks": Kind(_mixed, metadata={"ss_network_dim": "Dynamic"}),
    "float32": Kind(lora(), dtype=torch.float32),
    "bfloat16": Kind(lora(), dtype=torch.bfloat16),
    "float8, e4m3": Kind(lora(), dtype=torch.float8_e4m3fn),
    "float8, e5m2": Kind(lora(), dtype=torch.float8_e5m2),
    "alphas missing": Kind(lora(alpha=None)),
    "alphas of one dimension": Kind(lora(), change=alphas(lambda alpha: alpha.reshape(1))),
    "alphas of whole numbers": Kind(lora(), change=alphas(lambda alpha: alpha.to(torch.int64))),
    "alphas, each another": Kind(_mixed, change=alphas(lambda alpha: alpha / 3)),
    "text encoder only": Kind(lora(), TEXT),
    "UNet only": Kind(lora(), UNET),
    "no metadata": Kind(lora()),
    "odd metadata": Kind(
        lora(),
        metadata={
            **{"ss_network_dim": 128, "ss_network_alpha": None, "ss_epoch": [1, 2]},
            **{"ss_tag_frequency": {"1_ink": {"ink": 3}}, "sshs_model_hash": "?", "": "x"},
        },
    ),
    "a stray alpha": Kind(
        lora(), more={"lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha": torch.tensor(4.0)}
    ),
    "norms of the text encoder": Kind(
        lora(),
        more={
            "lora_te_text_model_final_layer_norm.w_norm": torch.full((128,), 0.5),
            "lora_te_text_model_final_layer_norm.b_norm": torch.full((128,), 0.5),
        },
    ),
}


def _oft(shape: Shape, random: Random) -> Tensors:
    return {".oft_blocks": random(4, shape[0] // 4, shape[0] // 4, size=0.1)}


def _boft(shape: Shape, random: Random) -> Tensors:
    return {".oft_blocks": random(2, 4, shape[0] // 4, shape[0] // 4, size=0.1)}


def _ia3(shape: Shape, random: Random) -> Tensors:
    return {".weight": random(shape[0], 1, size=0.1), ".on_input": torch.tensor(0.0)}


def _peft_dora(shape: Shape, random: Random) -> Tensors:
    return {
        **lora(alpha=None, suffixes=PEFT)(shape, random),
        ".lora_magnitude_vector": 1 + random(shape[0], size=0.1),
    }


REFUSED: dict[str, tuple[Kind, str]] = {
    "OFT": (Kind(_oft, UNET), "does not apply OFT"),
    "BOFT": (Kind(_boft, UNET), "does not apply BOFT"),
    "(IA)³": (Kind(_ia3, UNET), "does not apply IA3"),
    "DoRA of PEFT": (Kind(_peft_dora, UNET, diffusers), "magnitudes of a DoRA as PEFT writes it"),
}
"""Kinds that the embedded server does not apply, and what is said about them."""
