"""The files that a training reads beside the base model (`models`): which, and where they are."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

from lorabench.base import families, header, model_kinds
from lorabench.base.trainer import ModelFile
from lorabench.errors import UserError
from lorabench.text import nearest

FOLDERS = ("text_encoders", "clip", "vae", "diffusion_models", "checkpoints")
"""Where a ComfyUI, and models/ here, has such files."""
_SUFFIXES = (".safetensors", ".sft")


def find(
    given: Mapping[str, str],
    wanted: Mapping[str, ModelFile],
    base: Path,
    folders: Iterable[Path] = (),
) -> dict[str, Path]:
    """Return where each of the files `given` is: at a path, or by its name in one of `folders`.

    `wanted` are those of the base model's family; one that the file `base` holds may be missing.
    Raises `UserError`: one is missing, unknown, not there, or plainly another thing.
    """
    wrong = [_unknown(name, wanted) for name in given if name not in wanted]
    found: dict[str, Path] = {}
    for name in (name for name in given if name in wanted):
        try:
            found[name] = _located(name, given[name], folders)
            _check_kind(name, found[name], wanted)
        except UserError as error:
            wrong.append(str(error))
    named = {name.partition(":")[0] for name in given}  # of `clip_l:/path` that is said above
    missing = [name for name in needed(wanted, base) if name not in named]
    if wrong or missing:
        raise UserError("\n".join([*wrong, *([_missing(missing, wanted)] if missing else [])]))
    return found


def needed(wanted: Mapping[str, ModelFile], base: Path) -> list[str]:
    """Return which of the wanted files have to be given, as the file `base` does not hold them."""
    tensors = header.read(base)[0] if base.is_file() else {}
    return [
        name for name, file in wanted.items() if not file.optional and not _holds(file, tensors)
    ]


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
    if not given.strip():
        raise UserError(f"models.{name}: is empty; give the path of its file")
    path = Path(given)
    places = [path, *(folder / path for folder in folders if not path.is_absolute())]
    found = next((place for place in places if place.exists()), None)
    if not found:
        looked = f", nor in {', '.join(map(str, folders))}" if len(places) > 1 else ""
        raise UserError(f"models.{name}: there is no file {given}{looked}{_nearest(given, places)}")
    if found.is_file() and found.suffix.lower() not in _SUFFIXES:
        raise UserError(
            f"models.{name}: {found}: allowed are a .safetensors file, or a folder of one; download"
            " it in this form, or convert it"
        )
    if found.is_dir() and not _files(found):
        raise UserError(f"models.{name}: {found} is a folder without a .safetensors file")
    return found


def _nearest(given: str, places: Iterable[Path]) -> str:
    """Return which files with a name like `given` are in the folders that were looked through."""
    files = [file for place in places for file in sorted(place.parent.glob("*"))]
    names = [file.name for file in files if file.suffix.lower() in _SUFFIXES]
    return nearest.there(given, names)


def _check_kind(name: str, path: Path, wanted: Mapping[str, ModelFile]) -> None:
    """Refuse a file that is certainly another one than is wanted, with what it is."""
    shapes = _shapes(name, path)
    held, allowed = model_kinds.of(shapes), wanted[name].kinds
    diffusion = None if held else families.transformer(shapes)
    if not allowed or not (held or diffusion) or any(kind in allowed for kind in held):
        return
    seems = f"{diffusion[0].a_title} model" if diffusion else held[0].title
    meant = [other for other, file in wanted.items() if any(kind in file.kinds for kind in held)]
    hint = f"; did you mean models.{meant[0]}?" if meant else ""
    raise UserError(f"models.{name}: {path} is {seems}, and {wanted[name].title} is wanted{hint}")


def _shapes(name: str, path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors in a file, or in those of a folder."""
    try:
        tensors = {key: one for file in _files(path) for key, one in header.read(file)[0].items()}
    except UserError as error:
        raise UserError(f"models.{name}: {error}") from None
    return {key: tuple(one["shape"]) for key, one in tensors.items()}


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.safetensors")) if path.is_dir() else [path]


def _unknown(name: str, wanted: Mapping[str, ModelFile]) -> str:
    if ":" in name:
        hint = f"put a space after the colon: {name.replace(':', ': ', 1)}"
        return f"models.{name}: this training reads no such file; {hint}"
    near = difflib.get_close_matches(name, wanted, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    allowed = f"allowed are {listed(wanted)}" if wanted else "none is needed: leave it out"
    return f"models.{name}: this training reads no such file; {hint}{allowed}"


def _missing(names: list[str], wanted: Mapping[str, ModelFile]) -> str:
    needed = listed({name: wanted[name] for name in names})
    return f"models: this training also reads {needed}; give their files: {typed(names)}"
