"""Recognize a checkpoint by its JSON configs and safetensors headers alone.

Nothing here imports torch: each parse of the Snakefile reads the checkpoint's family.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lorabench.base import families, file_kinds, header
from lorabench.base.families import LDM_UNET, Family, Known
from lorabench.errors import UserError
from lorabench.text.phrases import listed

ALLOWED = (
    f"allowed are {listed([family.title for family in families.PUBLIC])} checkpoints: "
    "a diffusers folder or one .safetensors file"
)


Prediction = Literal["epsilon", "v_prediction", "EDM"]
"""What a UNet predicts; EDM stands for both forms of another noise schedule (Karras et al. 2022),
as in Playground 2.5."""
_EDM_MARKS = ({"edm_mean", "edm_std"}, {"edm_vpred.sigma_max"})
"""The tensors by which ComfyUI recognizes such an SDXL."""


@dataclass(frozen=True)
class Checkpoint:
    """A base model on disk; `latent_channels` is the width of its UNet's input."""

    path: Path
    kind: Literal["folder", "file"]
    family: Family
    prediction: Prediction
    latent_channels: int
    zero_snr: bool = False
    """Whether the last timestep of its noise schedule has no signal left (zero terminal SNR)."""


def inspect(path: Path) -> Checkpoint:
    """Return the kind of checkpoint at `path`, without reading its weights.

    Raises `UserError`: nothing is there, or this pipeline cannot train on it.
    """
    if path.is_dir():
        return _inspect_folder(path)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file or folder; {ALLOWED}.")
    if path.suffix.lower() != ".safetensors":
        raise UserError(f"{path}: {_what_else(path)}")
    return _inspect_file(path)


def trainable_prediction(base: Checkpoint) -> Literal["epsilon", "v_prediction"]:
    """Return what the UNet predicts; raises `UserError` for EDM, which only a ComfyUI runs."""
    if base.prediction == "EDM":
        raise UserError(
            f"{base.path}: an EDM model (such as Playground 2.5), whose noise is another than "
            "Stable Diffusion's: neither trainer and not the embedded server run it. Take a "
            "checkpoint of epsilon or v-prediction; a finished LoRA can be benched with "
            "comfy_url=<the URL of a ComfyUI server>."
        )
    return base.prediction


def _what_else(path: Path) -> str:
    """Return what to do about a file with another suffix."""
    if path.suffix.lower() in file_kinds.PICKLED:
        return file_kinds.conversion(path, path.with_suffix(".safetensors"))
    return f"{path.suffix or 'a file without suffix'} is not read; {ALLOWED}."


def _inspect_folder(path: Path) -> Checkpoint:
    pipeline = _read_json(path / "model_index.json").get("_class_name", "?")
    if not (path / "unet").is_dir():
        raise UserError(f"{path}: a {pipeline} without a UNet; {ALLOWED}.")
    unet = _read_json(path / "unet" / "config.json")
    scheduler = _read_json(path / "scheduler" / "scheduler_config.json")
    width = unet.get("cross_attention_dim")
    known = families.by_width(width) or families.BUNDLED
    if unet.get("addition_embed_type") == "text_time":  # told of sizes and of a pooled text
        known = families.SDXL
    family = _usable(path, width, known if isinstance(width, int) else None)
    for part in family.parts:
        if not any((path / part).glob("*.safetensors")):
            raise UserError(f"{path}: no .safetensors weights in its folder {part}/.")
    return Checkpoint(
        path,
        "folder",
        family,
        _prediction(path, scheduler),
        _latent_channels(path, unet["in_channels"], unet["out_channels"]),
        bool(scheduler.get("rescale_betas_zero_snr")),
    )


def _inspect_file(path: Path) -> Checkpoint:
    tensors, _ = header.read(path)
    keys = [key for one in families.KNOWN if (key := one.cross_attention) in tensors]
    if not keys:
        lora = any(key.startswith("lora_") for key in tensors)
        what = "a LoRA" if lora else "not a Stable Diffusion checkpoint in the LDM format"
        raise UserError(f"{path}: this is {what}; {ALLOWED}.")
    width = tensors[keys[0]]["shape"][1]
    has = {part for prefix, part in families.PREFIXES.items() if _begins(prefix, tensors)}
    known = families.SDXL if "text_encoder_2" in has else families.by_width(width)
    family = _usable(path, width, known)
    for part in family.parts:
        if part not in has:
            raise UserError(
                f"{path}: the file holds no {families.PARTS[part]}; take the full "
                "checkpoint, with UNet, VAE and text encoder in one file, or a diffusers folder."
            )
    prediction = _marked(family, tensors)
    return Checkpoint(
        path,
        "file",
        family,
        prediction,
        _latent_channels(
            path,
            tensors[f"{LDM_UNET}input_blocks.0.0.weight"]["shape"][1],
            tensors[f"{LDM_UNET}out.2.weight"]["shape"][0],
        ),
        prediction == "v_prediction" and "ztsnr" in tensors,
    )


def _begins(prefix: str, tensors: Collection[str]) -> bool:
    return any(key.startswith(prefix) for key in tensors)


def _usable(path: Path, width: Any, found: Known | None) -> Family:
    if not isinstance(found, Family):
        like = f", as that of {found.a_title} is" if found else ""
        raise UserError(f"{path}: its cross-attention is {width} wide{like}; {ALLOWED}.")
    return found


def _marked(family: Family, tensors: Collection[str]) -> Prediction:
    """Return what the marks in a file say, as ComfyUI reads them.

    They are tensors beside the weights and count for SDXL alone, in this order; what metadata say
    it does not read. A LoRA that was trained otherwise would be drawn wrong.
    """
    if family is not families.SDXL:
        return "epsilon"
    if any(marks <= set(tensors) for marks in _EDM_MARKS):
        return "EDM"
    return "v_prediction" if "v_pred" in tensors else "epsilon"


def _prediction(path: Path, scheduler: Mapping[str, Any]) -> Prediction:
    """Return what the scheduler of a folder says that the UNet predicts."""
    if "EDM" in scheduler.get("_class_name", ""):
        return "EDM"
    name = scheduler.get("prediction_type", "epsilon")
    if "FlowMatch" in scheduler.get("_class_name", ""):
        name = "flow"
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
