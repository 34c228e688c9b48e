"""What a run has left already: plans and targets ask the disk about it here alone."""

import glob
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from lorabench import files, layout
from lorabench.base import file_kinds
from lorabench.errors import UserError
from lorabench.layout import RunLayout
from lorabench.lora import receipt
from lorabench.run.further import Further
from lorabench.run.identity import Identity
from lorabench.run.record import RunRecord
from lorabench.settings.models import Config
from lorabench.sweep.search import SearchRecord

_ELSEWHERE: set[Path] = set()
"""Files of runs that exist in a bucket."""


def note(path: Path) -> None:
    """Note that a file exists, in a bucket."""
    _ELSEWHERE.add(path)


def is_there(path: Path) -> bool:
    """Return whether a file or folder exists."""
    if path in _ELSEWHERE:
        return True
    with suppress(OSError, ValueError):  # a name that no file can have
        return path.exists()
    return False


def is_run(folder: Path) -> bool:
    """Return whether a folder holds a run, trained or only benched."""
    return (folder / "run.yaml").is_file() or (folder / "bench").is_dir()


def is_same(path: Path, other: Path) -> bool:
    """Return whether both are one file that exists here."""
    with suppress(OSError, ValueError):  # one is not on this disk
        return path.samefile(other)
    return False


def record(paths: RunLayout) -> RunRecord | None:
    """Return what went into a run; None where nothing has yet, or its LoRA is from elsewhere."""
    return RunRecord.read(paths.record) if is_there(paths.record) else None


def further(paths: RunLayout) -> tuple[float, ...]:
    """Return the weights of a sweep that went on by itself; none if it did not."""
    return Further.read(paths.further).weights if is_there(paths.further) else ()


def search(paths: RunLayout) -> SearchRecord | None:
    """Return what a search has rendered so far; None before its second stage."""
    return SearchRecord.read(paths.search) if is_there(paths.search) else None


def trained(config: Config, identity: Identity) -> RunLayout:
    """Return the paths of the run of this identity; those of 0.1 where it lies there."""
    of = partial(RunLayout, config.profile, config.raw_set, normalized_id=identity.normalized_id)
    found = [of(run_id=name) for name in (identity.run_id, identity.older_run_id) if name]
    return next((paths for paths in found if is_there(paths.record)), found[0])


def benched(config: Config, base_digest: str) -> RunLayout:
    """Return the paths of the run whose LoRA is benched as it is.

    Raises `UserError` if it has none, or one of another set or base model.
    """
    names = sorted(p.parent.parent.name for p in layout.RUNS.glob("*/train/*.safetensors"))
    there = f"runs with a LoRA: {', '.join(dict.fromkeys(names)) or 'none yet'}"
    if not config.run_id:
        raise UserError(f"skip_train needs run_id, the run whose LoRA is benched; {there}")
    paths = RunLayout(config.profile, config.raw_set, config.run_id, "")
    if not is_there(paths.lora):
        _check_set_of_run(config, config.run_id, paths.lora.parent)
        _check_pickled(paths.lora)
        raise UserError(
            f"skip_train: run {config.run_id} has no LoRA; there should be {paths.lora}; {there}"
        )
    found = record(paths)
    if found and found.identity.base_model.digest != base_digest:
        raise UserError(
            f"skip_train: run {config.run_id} was trained on {found.identity.base_model.name}"
            f"{config.base_model and f', not on {config.base_model}'}; name that checkpoint with "
            "base_model="
        )
    return paths


def epochs(paths: RunLayout) -> dict[int, Path]:
    """Return the states of a training that it kept on its way, by the epochs that were over."""
    kept = paths.lora.parent.glob(f"{glob.escape(paths.lora.stem)}-{'[0-9]' * 6}.safetensors")
    return {int(path.stem[-6:]): path for path in sorted(kept)}


def stand_in(paths: RunLayout, key: str) -> Path | None:
    """Return the LoRA that stands in for several where none matters; None if there is none yet.

    `key` is empty, or that of a file for low noise.
    """
    written = paths.receipt(key and f"{key}.")
    if not is_there(written):
        return None
    # Its name alone: from a bucket, the LoRA was installed by way of a copy elsewhere.
    source = paths.lora.with_name(Path(receipt.read(written).source).name)
    return source if is_there(source) else None


def check_no_training(paths: RunLayout) -> None:
    """Refuse a run of several LoRAs from elsewhere in the place of one that trained its own."""
    if is_there(paths.record):
        raise UserError(
            f"lora: run {paths.run_id} has trained a LoRA of its own; "
            "give these a name with run_id="
        )


def check_given(paths: RunLayout, loras: Mapping[Path, str]) -> None:
    """Refuse a run that has another LoRA than these files, whose contents' digests are in hex.

    A run that is named after its content has none; this is for a `run_id` that was given.
    """
    there = sorted(paths.lora.parent.glob("*.safetensors"))
    others = [path for path in loras if is_there(path) and files.sha256(path) != loras[path]]
    others += [path for path in there if path not in loras]
    if found := [*([paths.record] if is_there(paths.record) else []), *others]:
        raise UserError(
            f"lora: run {paths.run_id} is another LoRA's: it has {found[0]}; give another run_id, "
            "or none: then the run is named after the file"
        )


def _check_pickled(lora: Path) -> None:
    """Name a file of PyTorch's that lies where the LoRA should."""
    for found in sorted(lora.parent.glob(f"{glob.escape(lora.stem)}.*")):
        if found.suffix.lower() in file_kinds.PICKLED:
            raise UserError(
                f"skip_train: {found} is a PyTorch file, where {lora.name} is expected; "
                f"{file_kinds.conversion(found, lora)}"
            )


def _check_set_of_run(config: Config, run_id: str, folder: Path) -> None:
    """Refuse a run of another set; its LoRA, in `folder`, is named after the set."""
    for lora in sorted(folder.glob(f"*__{glob.escape(run_id)}.safetensors")):
        raise UserError(
            f"skip_train: run {run_id} has the LoRA {lora.name}, and none of the set "
            f"{config.raw_set} (profile {config.profile}); give its set, or another run_id"
        )
