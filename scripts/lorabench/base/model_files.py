"""The files that a training reads beside the base model (`models`): which, and where they are."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

from lorabench.base import header
from lorabench.base.trainer import ModelFile
from lorabench.errors import UserError

FOLDERS = ("text_encoders", "clip", "vae", "diffusion_models", "checkpoints")
"""Where a ComfyUI, and models/ here, has such files."""


def find(
    given: Mapping[str, str],
    wanted: Mapping[str, ModelFile],
    base: Path,
    folders: Iterable[Path] = (),
) -> dict[str, Path]:
    """Return where each of the files `given` is: at a path, or by its name in one of `folders`.

    `wanted` are those of the base model's family; one that the file `base` holds may be missing.
    Raises `UserError`: one is missing, unknown, or not there.
    """
    unknown = [_unknown(name, wanted) for name in given if name not in wanted]
    found = {name: _located(name, path, folders) for name, path in given.items() if name in wanted}
    missing = [name for name in wanted if name not in given]
    if missing and base.is_file():
        tensors, _ = header.read(base)
        missing = [name for name in missing if not _holds(wanted[name], tensors)]
    missing = [name for name in missing if not wanted[name].optional]
    if unknown or missing:
        raise UserError("\n".join([*unknown, *([_missing(missing, wanted)] if missing else [])]))
    return found


def listed(wanted: Mapping[str, ModelFile]) -> str:
    """Return the names of such files with what they are."""
    return ", ".join(
        f"{name} ({file.title}{'; optional' if file.optional else ''})"
        for name, file in wanted.items()
    )


def typed(names: Iterable[str]) -> str:
    """Return how to give these files."""
    return f"models={{{', '.join(f'{name}: /path/to/…' for name in names)}}}"


def _holds(file: ModelFile, tensors: header.Tensors) -> bool:
    return bool(file.inside) and any(key.startswith(file.inside) for key in tensors)


def _located(name: str, given: str, folders: Iterable[Path]) -> Path:
    path = Path(given)
    places = [path, *(folder / path for folder in folders if not path.is_absolute())]
    found = next((place for place in places if place.exists()), None)
    if not found:
        looked = f", nor in {', '.join(map(str, folders))}" if len(places) > 1 else ""
        raise UserError(f"models.{name}: there is no file {given}{looked}")
    if found.is_file() and found.suffix.lower() not in (".safetensors", ".sft"):
        raise UserError(
            f"models.{name}: {found}: allowed are a .safetensors file, or a folder of one; download"
            " it in this form, or convert it"
        )
    return found


def _unknown(name: str, wanted: Mapping[str, ModelFile]) -> str:
    near = difflib.get_close_matches(name, wanted, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    allowed = f"allowed are {listed(wanted)}" if wanted else "none is needed: leave it out"
    return f"models.{name}: this training reads no such file; {hint}{allowed}"


def _missing(names: list[str], wanted: Mapping[str, ModelFile]) -> str:
    needed = listed({name: wanted[name] for name in names})
    return f"models: this training also reads {needed}; give their files: {typed(names)}"
