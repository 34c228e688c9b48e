"""Recognize a checkpoint by its JSON configs and safetensors headers alone.

Nothing here imports torch: each parse of the Snakefile reads the checkpoint's family.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lorabench.base import families, file_kinds, header, recognized
from lorabench.base.family import LDM_UNET, PARTS, Family, Known
from lorabench.base.model_kinds import TAESD
from lorabench.base.stable_diffusion import BUNDLED, SDXL
from lorabench.errors import UserError
from lorabench.text import nearest
from lorabench.text.phrases import listed

ALLOWED = (
    f"allowed are {listed([family.title for family in families.PUBLIC])} models: one .safetensors "
    "file, or a diffusers folder of one with a UNet"
)

Prediction = Literal["epsilon", "v_prediction", "EDM", "flow"]
"""What a model predicts; `EDM`: one with the noise of Karras et al. (2022), such as Playground 2.5;
`flow`: the way from the picture to the noise."""
_EDM_MARKS = ({"edm_mean", "edm_std"}, {"edm_vpred.sigma_max"})
"""Tensors by which ComfyUI recognizes an SDXL of that kind."""


@dataclass(frozen=True)
class Checkpoint:
    """A base model on disk."""

    path: Path
    kind: Literal["folder", "file"]
    family: Family
    prediction: Prediction
    zero_snr: bool = False
    """Whether no signal is left at the last timestep (zero terminal SNR)."""
    tiny_vae: bool = False
    """Whether its VAE is a tiny one, such as a TAESD; trainers of others do not read it there."""


def inspect(path: Path) -> Checkpoint:
    """Return the kind of checkpoint at `path`, without reading its weights.

    Raises `UserError`: nothing is there, or this pipeline cannot train on it.
    """
    if path.is_dir():
        return _inspect_folder(path)
    if not path.is_file():
        there = [one.name for one in path.parent.glob("*") if _may_be_one(one)]
        near = nearest.there(path.name, there)
        raise UserError(f"{path}: there is no such file or folder{near}; {ALLOWED}.")
    if path.suffix.lower() != ".safetensors":
        raise UserError(f"{path}: {_what_else(path)}")
    return _inspect_file(path)


def check_run(base: Checkpoint) -> None:
    """Raise `UserError` for what neither a trainer nor the embedded server runs.

    They do not know the noise of EDM.
    """
    if base.prediction == "EDM":
        raise UserError(
            f"{base.path}: this is an EDM model, such as Playground 2.5, whose noise is another "
            "than Stable Diffusion's: no trainer here and not the embedded server run it. Take a "
            "checkpoint of epsilon or v-prediction; a finished LoRA for this one can be benched "
            "with comfy_url=<the URL of a ComfyUI server>."
        )


def _may_be_one(path: Path) -> bool:
    return path.suffix.lower() == ".safetensors" or (path / "model_index.json").is_file()


def _what_else(path: Path) -> str:
    """Return what to do about a file with another suffix."""
    if path.suffix.lower() in file_kinds.PICKLED:
        return file_kinds.conversion(path, path.with_suffix(".safetensors"))
    return f"{path.suffix or 'a file without suffix'} is not read; {ALLOWED}."


def _inspect_folder(path: Path) -> Checkpoint:
    index = _read_json(path / "model_index.json")
    pipeline = index.get("_class_name", "?")
    if not (path / "unet").is_dir():
        raise UserError(f"{path}: a {pipeline} without a UNet; {ALLOWED}.")
    unet = _read_json(path / "unet" / "config.json")
    scheduler = _read_json(path / "scheduler" / "scheduler_config.json")
    width = unet.get("cross_attention_dim")
    known = families.by_width(width) or BUNDLED
    if unet.get("addition_embed_type") == "text_time":  # it is told sizes and a pooled text
        known = SDXL
    family = _usable(path, width, known if isinstance(width, int) else None)
    for part in family.parts:
        if not any((path / part).glob("*.safetensors")):
            raise UserError(f"{path}: no .safetensors weights in its folder {part}/.")
    _check_text_to_image(path, unet["in_channels"], unet["out_channels"])
    prediction = _prediction(path, scheduler)
    no_signal = bool(scheduler.get("rescale_betas_zero_snr"))
    tiny = "AutoencoderTiny" in index.get("vae", ())
    return Checkpoint(path, "folder", family, prediction, no_signal, tiny)


def _inspect_file(path: Path) -> Checkpoint:
    tensors, _ = header.read(path)
    keys = [key for one in families.KNOWN if one.block and (key := one.cross_attention) in tensors]
    if not keys:
        return Checkpoint(path, "file", _transformer(path, tensors), "flow")
    width = tensors[keys[0]]["shape"][1]
    has = {part for prefix, part in families.PREFIXES.items() if _begins(prefix, tensors)}
    family = _usable(path, width, SDXL if "text_encoder_2" in has else families.by_width(width))
    for part in ("vae", "text_encoder"):
        if part not in has:
            raise UserError(
                f"{path}: the file holds no {PARTS[part]}; take the full "
                "checkpoint, with UNet, VAE and text encoder in one file, or a diffusers folder."
            )
    _check_text_to_image(
        path,
        tensors[f"{LDM_UNET}input_blocks.0.0.weight"]["shape"][1],
        tensors[f"{LDM_UNET}out.2.weight"]["shape"][0],
    )
    prediction = _marked(family, tensors)
    no_signal = prediction == "v_prediction" and "ztsnr" in tensors
    tiny = f"{family.parts['vae']}{TAESD}" in tensors
    return Checkpoint(path, "file", family, prediction, no_signal, tiny)


def _begins(prefix: str, tensors: Collection[str]) -> bool:
    return any(key.startswith(prefix) for key in tensors)


def _marked(family: Family, tensors: Collection[str]) -> Prediction:
    """Return what a single file's marks say, as ComfyUI reads them.

    They are tensors beside the weights, and count for SDXL alone; what the metadata say does not.
    A LoRA that was trained otherwise would be drawn wrong.
    """
    if family is not SDXL:
        return "epsilon"
    if any(marks <= set(tensors) for marks in _EDM_MARKS):
        return "EDM"
    return "v_prediction" if "v_pred" in tensors else "epsilon"


def _transformer(path: Path, tensors: header.Tensors) -> Family:
    """Return the family of a file without a UNet; raises `UserError` for none that is known."""
    shapes = {key: tuple(tensor["shape"]) for key, tensor in tensors.items()}
    if found := families.transformer(shapes):
        return found[0]
    lora = any(key.startswith("lora_") for key in tensors)
    what = "a LoRA" if lora else recognized.title(shapes) or "not a model that is known here"
    raise UserError(f"{path}: this is {what}; {ALLOWED}.")


def _usable(path: Path, width: Any, found: Known | None) -> Family:
    if not isinstance(found, Family):
        like = f", as that of {found.a_title} is" if found else ""
        raise UserError(f"{path}: its cross-attention is {width} wide{like}; {ALLOWED}.")
    return found


def _prediction(path: Path, scheduler: Mapping[str, Any]) -> Prediction:
    """Return what the scheduler of a folder says that the UNet predicts."""
    kind = scheduler.get("_class_name", "")
    if kind.startswith("EDM"):
        return "EDM"
    name = "flow" if kind.startswith("FlowMatch") else scheduler.get("prediction_type", "epsilon")
    if name not in ("epsilon", "v_prediction"):
        raise UserError(
            f"{path}: its scheduler predicts {name!r}; allowed are epsilon and v_prediction."
        )
    return name


def _check_text_to_image(path: Path, channels_in: int, channels_out: int) -> None:
    if channels_in != channels_out:
        raise UserError(
            f"{path}: its UNet reads {channels_in} channels and writes {channels_out}, "
            "as an inpainting model does; take the text-to-image checkpoint."
        )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(
            f"{path}: missing, so its folder is no diffusers checkpoint; {ALLOWED}."
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: unreadable ({error}).") from error
