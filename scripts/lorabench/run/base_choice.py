"""Which checkpoint a run is trained on, and whether the same one renders its pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from lorabench.base import checkpoint
from lorabench.base.checkpoint import Prediction
from lorabench.base.family import Family
from lorabench.base.stable_diffusion import BUNDLED, SD15
from lorabench.comfy.check import loaded
from lorabench.comfy.graph import workflow
from lorabench.comfy.graph.roles import Choices
from lorabench.digests import Digests, model_digest
from lorabench.errors import UserError
from lorabench.layout import RunLayout
from lorabench.run import existing
from lorabench.settings.layers import is_embedded
from lorabench.settings.models import BUNDLED_BASE
from lorabench.settings.types import from_home
from lorabench.settings.validation import shortened
from lorabench.text import nearest

CHECKPOINTS = Path(BUNDLED_BASE).parent
_MODELS = CHECKPOINTS.parent
_FOLDERS = (CHECKPOINTS.name, "diffusion_models", "unet")
"""Where a ComfyUI looks for checkpoints, and for models in files of their own."""

Given = Mapping[str, Any]
"""Settings, not validated yet: that takes the base model's family."""


@dataclass(frozen=True)
class Drawn:
    """The checkpoint that renders: its name on the server, and its file, if it is here."""

    name: str
    path: Path | None


def choose(given: Given) -> Path | None:
    """Return the base model that the user gave, or else the one that the benchmark renders with.

    None for a LoRA that is only benched, by a ComfyUI whose model does not lie here or cannot be
    read here, such as a `.ckpt`: nothing but that server needs it. Raises `UserError` if a LoRA has
    to be trained on a model that does not lie here.
    """
    if given.get("base_model"):
        return _path("base_model", given["base_model"])
    skips = str(given.get("skip_train")).lower() in ("true", "1", "yes", "on")
    only_drawn = skips or bool(given.get("lora"))
    if only_drawn and (recorded := _recorded(given.get("run_id"))):
        return recorded
    name = (given.get("bench") or {}).get("checkpoint") or loads(given)
    found = find(name, given)
    embedded = is_embedded(given.get("comfy_url"))
    if found and found.path and (embedded or not only_drawn or _is_read(found.path)):
        return found.path
    if embedded:  # it renders with the training's model
        return Path(BUNDLED_BASE)
    if only_drawn:
        return None
    if found or _workflow(given):
        raise _not_here(found)
    return Path(BUNDLED_BASE)  # errors in a workflow are reported where it is used


def preset(family: Family, given: Given, prediction: Prediction | None = None) -> Given:
    """Return the family's preset, with the benchmark that is given or usual.

    A ComfyUI whose checkpoint is not here renders no bundled one.
    """
    usual = [one for one in family.benchmarks if one.v_prediction == (prediction == "v_prediction")]
    chosen = family.benchmark(given.get("bench_workflow")) or next(iter(usual), None)
    found = family.preset_with(chosen or family.benchmarks[0])
    embedded = is_embedded(given.get("comfy_url"))
    if family is not BUNDLED or embedded or given.get("base_model"):
        return found
    return {**found, **{key: SD15.preset[key] for key in ("prompts", "probe")}}


def loads(given: Given) -> str | None:
    """Return which checkpoint the benchmark's workflow loads; None if unknown."""
    content = _workflow(given)
    if content is None:
        return None
    bench = given.get("bench") or {}
    nodes = {key: bench.get(f"{key}_node") for key in ("lora", "save")}
    return loaded.checkpoint(content, Choices(**nodes))


def find(name: Any, given: Given) -> Drawn | None:
    """Look for a model that a ComfyUI lists as `name`; None for none and for a placeholder.

    It may lie among the models here, or among those of the ComfyUI that the LoRA is put into.
    """
    if not name or loaded.PLACEHOLDER.fullmatch(str(name)):
        return None
    listed = PurePosixPath(str(name).replace("\\", "/"))  # a workflow from Windows
    loras = _path("lora_install_dir", given.get("lora_install_dir") or CHECKPOINTS)
    folders = [models / folder for folder in _FOLDERS for models in (_MODELS, loras.parent)]
    places = [folder / one for one in (listed, listed.name) for folder in folders]
    inside = ".." not in listed.parts and not listed.is_absolute()
    return Drawn(str(name), next(filter(existing.is_there, places), None) if inside else None)


def listed_name(base: Path) -> str:
    """Return how a ComfyUI lists a base model: by its place among the models, or its name."""
    folders = [_MODELS / folder for folder in _FOLDERS]
    inside = [folder for folder in folders if base.is_relative_to(folder)]
    return base.relative_to(inside[0]).as_posix() if inside else base.name


def warning(base: Path, drawn: Drawn) -> str:
    """Say that the LoRA is trained on `base` and rendered with another model, and what to do."""
    return (
        f"warning: the LoRA is trained on {base.name} and rendered with {drawn.name}, another "
        f"checkpoint. To render with the former: 'bench={{checkpoint: {base.name}}}'; to train on "
        f"the latter: base_model={drawn.path or f'/path/to/{drawn.name}'}"
    )


def is_same(base: Path, digest: str, drawn: Drawn, digests: Digests) -> bool:
    """Return whether `drawn` is `base`, whose digest is `digest`."""
    there = drawn.path
    if not there:
        return base.name == PurePosixPath(drawn.name.replace("\\", "/")).name
    if base.samefile(there):
        return True
    if base.is_file() and there.is_file() and base.stat().st_size != there.stat().st_size:
        return False  # no need to read gigabytes
    return model_digest(there, digests) == digest


def _recorded(run_id: Any) -> Path | None:
    """Return what a run was trained on, if that lies among the checkpoints."""
    found = existing.record(RunLayout("", "", str(run_id), "")) if run_id else None
    path = CHECKPOINTS / found.identity.base_model.name if found else None
    return path if path and existing.is_there(path) else None


def _is_read(path: Path) -> bool:
    try:
        checkpoint.inspect(path)
    except UserError:
        return False
    return True


def _path(key: str, value: Any) -> Path:
    try:
        return Path(from_home(str(value)))
    except ValueError as error:
        raise UserError(f"{key}: {shortened(str(value))}: {error}") from None


def _workflow(given: Given) -> dict[str, Any] | None:
    """Return the workflow that the user gave, if it can be read."""
    if not given.get("bench_workflow"):
        return None
    try:
        return workflow.read(_path("bench_workflow", given["bench_workflow"]))
    except UserError:
        return None


def _not_here(found: Drawn | None) -> UserError:
    way = "with base_model=/path/to/… (in config/config.yaml: `base_model: /path/to/…`)"
    if not found:
        return UserError(
            "base_model: nothing says which checkpoint the workflow renders with, and the LoRA has "
            f"to be trained on the same; name its file {way}"
        )
    here = [path.name for folder in _FOLDERS for path in sorted((_MODELS / folder).glob("*"))]
    return UserError(
        f"base_model: the workflow renders with {found.name}, and there is none in {CHECKPOINTS}/ "
        f"to train on{nearest.there(found.name, here)}. Put it there (a link will do), or name the "
        f"file {way}"
    )
