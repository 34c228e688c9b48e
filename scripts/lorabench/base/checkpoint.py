"""What kind of checkpoint lies at a path, read from JSON configs and safetensors headers alone.

Nothing here imports torch: the Snakefile asks for a checkpoint's family each time it is parsed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lorabench.base import file_kinds
from lorabench.errors import UserError

Family = Literal["bundled", "sd15", "sdxl"]

ALLOWED = "allowed are SD1.x and SDXL checkpoints: a diffusers folder or one .safetensors file"
# The width of the text features that the UNet attends to tells the families apart.
FAMILY_BY_WIDTH: Mapping[int, Family] = {768: "sd15", 2048: "sdxl"}
SD2_WIDTH = 1024
# The first cross-attention of an LDM-format UNet: SDXL has none in its first block.
LDM_UNET = "model.diffusion_model."
LDM_CROSS_ATTENTIONS = tuple(
    f"{LDM_UNET}input_blocks.{block}.1.transformer_blocks.0.attn2.to_k.weight" for block in (1, 4)
)


@dataclass(frozen=True)
class Checkpoint:
    """A base model on disk.

    `family` chooses the preset of settings; "bundled" is any diffusers folder of the SD
    architecture with a small UNet (its cross-attention width is that of no public family).
    `prediction` is what the UNet predicts, `latent_channels` the width of its input.
    """

    path: Path
    kind: Literal["folder", "file"]
    family: Family
    prediction: Literal["epsilon", "v_prediction"]
    latent_channels: int


def inspect(path: Path) -> Checkpoint:
    """Return what the checkpoint at `path` is, without reading its weights.

    Raises:
        UserError: nothing is there, or it is not a checkpoint that this pipeline can train on.
    """
    if path.is_dir():
        return _inspect_folder(path)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file or folder; {ALLOWED}.")
    if path.suffix.lower() != ".safetensors":
        raise UserError(f"{path}: {_what_else(path)}")
    return _inspect_file(path)


def _what_else(path: Path) -> str:
    """Return what to do with a file of another suffix."""
    if path.suffix.lower() in file_kinds.PICKLED:
        return file_kinds.conversion(path, path.with_suffix(".safetensors"))
    return f"{path.suffix or 'a file without suffix'} is not read; {ALLOWED}."


def read_header(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return (tensor name -> {"dtype", "shape", "data_offsets"}, metadata) of a safetensors file.

    Metadata that are no texts are returned as the texts that they would be: they decide nothing.

    Raises:
        UserError: the file is cut short or of another format.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > path.stat().st_size - 8:
                raise ValueError("the header is cut short")
            header = json.loads(file.read(length))
        metadata = header.pop("__metadata__", None)
        end = max((_end(tensor) for tensor in header.values()), default=0)
        if path.stat().st_size != 8 + length + end:
            raise ValueError(f"it should have {8 + length + end} bytes")
    except (OSError, ValueError, AttributeError, TypeError, KeyError) as error:
        raise UserError(_not_safetensors(path, error)) from error
    said = metadata if isinstance(metadata, dict) else {}
    return header, {key: str(value) for key, value in said.items()}


def _end(tensor: Mapping[str, Any]) -> int:
    """Return where a tensor ends in the data; raises what a malformed entry raises."""
    begin, end = tensor["data_offsets"]
    if min(begin, *tensor["shape"], 0) < 0 or end < begin or not isinstance(tensor["dtype"], str):
        raise ValueError("an entry of the header makes no sense")
    return end


def _not_safetensors(path: Path, error: Exception) -> str:
    kind = file_kinds.by_first_bytes(path) if path.is_file() else None
    if kind:
        return f"{path}: not a .safetensors file but {kind}"
    return f"{path}: not a whole .safetensors file ({error}); copy or download it again."


def _inspect_folder(path: Path) -> Checkpoint:
    pipeline = _read_json(path / "model_index.json").get("_class_name", "?")
    if not (path / "unet").is_dir():
        raise UserError(f"{path}: a {pipeline} without a UNet; {ALLOWED}.")
    unet = _read_json(path / "unet" / "config.json")
    scheduler = _read_json(path / "scheduler" / "scheduler_config.json")
    for part in ("unet", "vae", "text_encoder"):
        if not any((path / part).glob("*.safetensors")):
            raise UserError(f"{path}: no .safetensors weights in its folder {part}/.")
    width = unet.get("cross_attention_dim")
    family = FAMILY_BY_WIDTH.get(width, "bundled")
    if width == SD2_WIDTH or not isinstance(width, int):
        raise UserError(f"{path}: its cross-attention is {width} wide; {ALLOWED}.")
    return Checkpoint(
        path,
        "folder",
        family,
        _prediction(path, scheduler.get("prediction_type", "epsilon")),
        _latent_channels(path, unet["in_channels"], unet["out_channels"]),
    )


def _inspect_file(path: Path) -> Checkpoint:
    tensors, metadata = read_header(path)
    keys = [key for key in LDM_CROSS_ATTENTIONS if key in tensors]
    if not keys:
        lora = any(key.startswith("lora_") for key in tensors)
        what = "a LoRA" if lora else "not a Stable Diffusion checkpoint in the LDM format"
        raise UserError(f"{path}: this is {what}; {ALLOWED}.")
    width = tensors[keys[0]]["shape"][1]
    if width not in FAMILY_BY_WIDTH:
        raise UserError(f"{path}: its cross-attention is {width} wide; {ALLOWED}.")
    for prefix, part in (
        ("first_stage_model.", "VAE"),
        (("cond_stage_model.", "conditioner."), "text encoder"),
    ):
        if not any(key.startswith(prefix) for key in tensors):
            raise UserError(
                f"{path}: the file holds no {part}; take the full checkpoint, with "
                "UNet, VAE and text encoder in one file, or a diffusers folder."
            )
    # Fine-tunes on v-prediction mark themselves with an empty tensor of this name.
    marked = "v_pred" in tensors or metadata.get("modelspec.prediction_type") == "v"
    return Checkpoint(
        path,
        "file",
        FAMILY_BY_WIDTH[width],
        "v_prediction" if marked else "epsilon",
        _latent_channels(
            path,
            tensors[f"{LDM_UNET}input_blocks.0.0.weight"]["shape"][1],
            tensors[f"{LDM_UNET}out.2.weight"]["shape"][0],
        ),
    )


def _prediction(path: Path, name: str) -> Literal["epsilon", "v_prediction"]:
    if name not in ("epsilon", "v_prediction"):
        raise UserError(
            f"{path}: its scheduler predicts {name!r}; allowed are epsilon and v_prediction."
        )
    return name


def _latent_channels(path: Path, channels_in: int, channels_out: int) -> int:
    if channels_in != channels_out:
        raise UserError(
            f"{path}: its UNet reads {channels_in} channels and writes {channels_out}, "
            "as an inpainting model does; take the text-to-image checkpoint."
        )
    return channels_in


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(
            f"{path}: missing, so its folder is no diffusers checkpoint; {ALLOWED}."
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: unreadable ({error}).") from error
