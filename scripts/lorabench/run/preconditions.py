"""Check before a run that what it needs is there, and that the settings go together.

All checks only read, so a dry run may call them.
"""

import difflib
import os
import re
from contextlib import suppress
from pathlib import Path

from lorabench import layout
from lorabench.base import checkpoint, families
from lorabench.base.family import Family
from lorabench.bench.embeddings import embedding
from lorabench.dataset import notes as raw_notes
from lorabench.dataset.raw import RawSet
from lorabench.errors import UserError, of_another
from lorabench.run import lora_family, trainers
from lorabench.settings.models import Config, as_typed
from lorabench.settings.servers import EMBEDDED

_UNFIT = re.compile(r"[{}\x00-\x1f\x7f]")
"""What Snakemake reads in a file's name, or cannot."""
_SETS_SHOWN = 12


def check(config: Config, family: Family, base: checkpoint.Checkpoint | None) -> None:
    """Raise `UserError` for what would fail later, perhaps after a training.

    There is no `base` where a LoRA from elsewhere, of this `family`, is rendered by a ComfyUI.
    """
    if not config.bench_workflow:
        raise UserError(
            f"bench_workflow: none is bundled for {family.a_title}; give one that your "
            "ComfyUI renders with: bench_workflow=/path/to/workflow.json"
        )
    _check_programs(config)
    if base and config.comfy_url == EMBEDDED:
        checkpoint.check_run(base)
    if base and not config.only_benched:
        trainers.check(config, base)
    if config.reads_set:
        _check_raw_set(config)
    _check_server(config, family)
    _check_install_dir(Path(config.lora_install_dir).absolute())
    _check_embedding(config, family)


def _check_programs(config: Config) -> None:
    used = {"resize": config.programs.resize} if config.reads_set else {}
    if config.trainer == "kohya" and not config.only_benched:
        used["run_lora"] = config.programs.run_lora
    for name, path in used.items():
        if not Path(path).is_file():
            raise UserError(f"programs.{name}: there is no file {path}")


def check_raw(found: RawSet, config: Config, key: str = "raw_set") -> None:
    """Refuse a raw set to train on whose captions would not be read; otherwise as `check_names`."""
    check_names(found, key)
    raw_notes.check_captions(found, config.trigger or config.preprocess.trigger)


def check_names(found: RawSet, key: str = "raw_set") -> None:
    """Refuse a raw set with names that Snakemake cannot take; `key` is the setting for it."""
    for path in map(str, found.files):
        if odd := _UNFIT.search(path):
            what = "braces" if odd[0] in "{}" else "line breaks and other control characters"
            raise UserError(f"{key}: {path!r}: take the {what} out of its name, for Snakemake")


def _check_raw_set(config: Config) -> None:
    if config.training_set:
        if not Path(config.training_set).is_dir():
            raise UserError(
                f"training_set: there is no folder {config.training_set}; name the folder of the "
                "pictures that the LoRA was trained on"
            )
        return
    raw = layout.raw_set(config.profile, config.raw_set)
    if not raw.is_dir():
        hint = _read_as_number(config) or _meant(config)
        raise UserError(f"raw_set: there is no folder {raw}. {hint}{_existing_sets()}")


def _read_as_number(config: Config) -> str:
    """Return how to type a set's name that Snakemake took for the number that was given."""
    for folder in layout.sets(config.profile):
        with suppress(ValueError):  # most names are no numbers
            if float(folder.name) == float(config.raw_set):
                typed = as_typed("raw_set", folder.name)
                return f"{folder.name} is read as a number; to keep it, write {typed}. "
    return ""


def _meant(config: Config) -> str:
    """Return which set was meant, and how to say so; empty where nothing is like it."""
    name = config.raw_set
    if ";" in name:
        return "Separate the names of several sets by commas. "
    other = "char" if config.profile == "style" else "style"
    names = {p: [folder.name for folder in layout.sets(p)] for p in (config.profile, other)}
    if name in names[other]:
        return f"{layout.raw_sets(other) / name} exists: add profile={other}. "
    for profile, found in names.items():
        lower = {one.lower(): one for one in found}
        for near in difflib.get_close_matches(name.lower(), lower, 1):
            add = "" if profile == config.profile else f" profile={profile}"
            return f"Did you mean raw_set={lower[near]}{add}? "
    return ""


def _existing_sets() -> str:
    found = []
    for profile in ("style", "char"):
        names = [folder.name for folder in layout.sets(profile)]
        more = [f"and {len(names) - _SETS_SHOWN} more"] if len(names) > _SETS_SHOWN else []
        if names:
            found.append(f"{', '.join([*names[:_SETS_SHOWN], *more])} (profile={profile})")
    return f"Sets that exist: {'; '.join(found)}" if found else "There are no sets at all yet."


def _check_server(config: Config, family: Family) -> None:
    """Refuse a model that the embedded server does not render."""
    if config.comfy_url == EMBEDDED and not family.embedded:
        raise lora_family.not_rendered(f"base_model is {family.a_title} one")


def _check_install_dir(folder: Path) -> None:
    """Refuse a folder that cannot be written, or made: it is needed after the training only."""
    there = next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))
    if not there.is_dir():
        raise UserError(f"lora_install_dir: {folder}: {there} is a file; name a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise UserError(
            f"lora_install_dir: {folder} cannot be written; {of_another(there)}, or name the "
            "folder that your ComfyUI lists LoRAs from"
        )


def _check_embedding(config: Config, family: Family) -> None:
    where = config.bench.embedding
    if not where:
        return
    if where == embedding.BASE and not (family.embedded and config.base_model):
        raise UserError(
            f"bench.embedding: the features of {families.EMBEDDED} checkpoints can be read, and "
            f"{f'base_model is {family.a_title} one' if config.base_model else 'none is here'}; "
            "give the folder of a CLIP, SigLIP or DINO model"
        )
    try:
        embedding.check(where)
    except UserError as error:
        raise UserError(f"bench.embedding: {error}") from None
