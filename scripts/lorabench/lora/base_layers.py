"""List the layers of a base model, from the headers alone.

Names have underscores, as in a LoRA's keys: `down_blocks_0_attentions_0_proj_in` of the UNet,
`encoder_layers_0_mlp_fc1` of a text encoder. A UNet's are diffusers', a transformer's its own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lorabench.base import header
from lorabench.base.checkpoint import Checkpoint
from lorabench.base.families import PREFIXES, transformer
from lorabench.base.layer_naming import Naming, Shape
from lorabench.lora.names import TEXT_ENCODERS, Part, place

Parts = dict[Part, dict[str, Shape]]

BIAS = "_bias"
_RESNET = {
    "in_layers_0": "norm1",
    "in_layers_2": "conv1",
    "out_layers_0": "norm2",
    "out_layers_3": "conv2",
    "emb_layers_1": "time_emb_proj",
    "skip_connection": "conv_shortcut",
}
_OUTSIDE_BLOCKS = {
    "input_blocks_0_0": "conv_in",
    "out_0": "conv_norm_out",
    "out_2": "conv_out",
    "time_embed_0": "time_embedding_linear_1",
    "time_embed_2": "time_embedding_linear_2",
    "label_emb_0_0": "add_embedding_linear_1",
    "label_emb_0_2": "add_embedding_linear_2",
}
_BLOCK = re.compile(r"(input|output)_blocks_(\d+)_(\d)_(.+)")
_MIDDLE = re.compile(r"middle_block_(\d)_(.+)")


@dataclass(frozen=True)
class BaseLayers:
    """The shapes of the weights by part and layer; those of biases under the name and `_bias`."""

    parts: Mapping[Part, Mapping[str, Shape]]
    unread: frozenset[Part]
    """Parts of the base whose layers its files do not list."""
    depth: int = 2
    """Residual blocks at each level of the UNet: 2 in all public models of the architecture."""
    naming: Naming | None = None
    """Of a transformer's layers."""

    def shape(self, part: Part, layer: str) -> Shape | None:
        """Return the shape of a layer, or of those of its rows that a name stands for.

        Empty where the file packs its numbers, so that its shapes are not the layers'.
        """
        if part == "transformer" and self.naming:
            target = self.naming.target(layer)
            found = self.parts.get(part, {}).get(target.layer) if target else None
            return target.rows(found) if target and found is not None else found
        return self.parts.get(part, {}).get(self.name(part, layer))

    def bias(self, part: Part, layer: str) -> Shape | None:
        """Return the shape of a layer's bias, None if it has none."""
        return self.parts.get(part, {}).get(f"{self.name(part, layer)}{BIAS}")

    def name(self, part: Part, layer: str) -> str:
        """Return the name under which a layer is listed here, with its rows if it is a slice."""
        if part == "transformer" and self.naming:
            return str(self.naming.target(layer) or layer)
        return diffusers_name(layer, self.depth) if part == "unet" else layer


def read(base: Checkpoint) -> BaseLayers:
    """Return the layers of a checkpoint; raises `UserError` for a damaged file."""
    if base.family.naming:
        return _of_transformer(base.path, base.family.naming)
    parts, depth = _of_folder(base.path) if base.kind == "folder" else _of_file(base.path)
    has = base.family.parts.keys() - {"vae"}
    return BaseLayers(parts, frozenset(has - parts.keys()), depth)


def of_parameters(part: Part, shapes: Mapping[str, Shape]) -> BaseLayers:
    """Return the layers of one part, given its parameters by diffusers' dotted names."""
    layers = {layer_name(key): shape for key, shape in shapes.items()}
    return BaseLayers({part: layers}, frozenset(), _depth(layers))


def diffusers_name(layer: str, depth: int) -> str:
    """Return diffusers' name of a UNet layer, given that or the original one, underscored.

    The original UNet numbers all blocks in a row: `depth` residual blocks per level, each with its
    attention, then a block that halves the picture. On the way up, a level has one more, and the
    block that doubles the picture follows the last attention.
    """
    if layer.endswith(BIAS):
        return diffusers_name(layer.removesuffix(BIAS), depth) + BIAS
    if layer in _OUTSIDE_BLOCKS:
        return _OUTSIDE_BLOCKS[layer]
    if match := _MIDDLE.fullmatch(layer):
        place, rest = int(match[1]), match[2]
        if place == 1:
            return f"mid_block_attentions_0_{rest}"
        return f"mid_block_resnets_{place // 2}_{_RESNET.get(rest, rest)}"
    if not (match := _BLOCK.fullmatch(layer)):
        return layer
    side, number, place, rest = match[1], int(match[2]), int(match[3]), match[4]
    level, nth = divmod(number - (side == "input"), depth + 1)
    block = f"{'down' if side == 'input' else 'up'}_blocks_{level}"
    if rest == "op":
        return f"{block}_downsamplers_0_conv"
    if rest == "conv":
        return f"{block}_upsamplers_0_conv"
    if place == 0:
        return f"{block}_resnets_{nth}_{_RESNET.get(rest, rest)}"
    return f"{block}_attentions_{nth}_{rest}"


def original_name(layer: str, depth: int) -> str:
    """Return the original name of a layer in a transformer of the UNet, given diffusers'.

    It is the inverse of `diffusers_name`; layers outside of the transformers keep their name.
    """
    if match := re.fullmatch(r"(down|up)_blocks_(\d+)_attentions_(\d+)_(.+)", layer):
        number = int(match[2]) * (depth + 1) + int(match[3])
        if match[1] == "down":
            return f"input_blocks_{number + 1}_1_{match[4]}"
        return f"output_blocks_{number}_1_{match[4]}"
    return re.sub(r"^mid_block_attentions_0_", "middle_block_1_", layer)


def _of_folder(path: Path) -> tuple[Parts, int]:
    parts: Parts = {}
    for part in ("unet", "text_encoder", "text_encoder_2"):
        layers = {}
        for file in sorted((path / part).glob("*.safetensors")):
            layers |= {layer_name(key): shape for key, shape in _parameters(file)}
        if layers:
            parts[part] = layers
    return parts, _depth(parts["unet"])


def _depth(layers: Iterable[str]) -> int:
    return len(set(re.findall(r"\bdown_blocks_0_resnets_(\d+)_conv1\b", " ".join(layers))))


def _of_file(path: Path) -> tuple[Parts, int]:
    parts: Parts = {}
    for key, shape in _parameters(path):
        for prefix, part in PREFIXES.items():
            if key.startswith(prefix) and part != "vae":  # no LoRA changes that
                named = _open_clip if part == "text_encoder_2" else _named
                parts.setdefault(part, {}).update(named(key.removeprefix(prefix), shape))
    original = parts["unet"]
    # The first block that halves the picture ends the first level; block 0 is the first layer.
    halvings = [int(number) for number in re.findall(r"blocks_(\d+)_0_op\b", " ".join(original))]
    depth = min(halvings, default=3) - 1
    parts["unet"] = {diffusers_name(layer, depth): shape for layer, shape in original.items()}
    return parts, depth


def _of_transformer(path: Path, naming: Naming) -> BaseLayers:
    """Return the layers of a transformer's file, and of the text encoders that it may hold."""
    tensors = header.read(path)[0]
    shapes = {key: tuple(tensor["shape"]) for key, tensor in tensors.items()}
    found = transformer(shapes)
    prefix = found[1] if found else ""
    parts: Parts = {}
    for key, shape in shapes.items():
        if key.startswith("text_encoders."):
            part, layer = place(key.removesuffix(".weight"))
        elif key.startswith(prefix):
            part, layer = "transformer", _of_own(key.removeprefix(prefix), naming)
        else:
            continue
        packed = tensors[key]["dtype"] == "U8"
        parts.setdefault(part, {})[layer] = () if packed else shape
    return BaseLayers(parts, TEXT_ENCODERS - parts.keys(), naming=naming)


def _of_own(parameter: str, naming: Naming) -> str:
    """Return the transformer's own name of a parameter in a file, which may have its makers'."""
    layer = _layer(parameter)
    stem = layer.removesuffix(BIAS)
    target = naming.target(stem)
    return layer.replace(stem, target.layer) if target else layer


def _parameters(path: Path) -> Iterator[tuple[str, Shape]]:
    for key, tensor in header.read(path)[0].items():
        if key.endswith(("weight", "bias")):
            yield key, tuple(tensor["shape"])
        elif key.endswith("text_projection"):  # a matrix of its own, without a layer around it
            yield f"{key}.weight", tuple(tensor["shape"])


def layer_name(parameter: str) -> str:
    """Return the name of a parameter's layer, underscored; with `_bias` for its bias."""
    return _layer(parameter).removeprefix("text_model_")


def _layer(key: str) -> str:
    return key.removesuffix(".weight").replace(".", "_")


def _named(key: str, shape: Shape) -> dict[str, Shape]:
    return {layer_name(key): shape}


def _open_clip(key: str, shape: Shape) -> dict[str, Shape]:
    """Return OpenCLIP's weight under the names of transformers' CLIP."""
    layer = re.sub(r"^transformer\.resblocks\.(\d+)\.", r"encoder.layers.\1.", key)
    for theirs, ours in (("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2"),
                         ("attn.out_proj", "self_attn.out_proj"), ("ln_1", "layer_norm1"),
                         ("ln_2", "layer_norm2")):  # fmt: skip
        layer = layer.replace(theirs, ours)
    if "attn.in_proj_" in layer:  # query, key and value in one
        stem, _, kind = layer.partition("attn.in_proj_")
        stem, end = _layer(stem), BIAS if kind == "bias" else ""
        third = (shape[0] // 3, *shape[1:])
        return {f"{stem}self_attn_{letter}_proj{end}": third for letter in "qkv"}
    return {_layer(layer): shape}
