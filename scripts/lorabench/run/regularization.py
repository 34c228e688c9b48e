"""Regularization pictures: which raw set they are, and whether they can do what they are for."""

from pathlib import Path

from lorabench import layout
from lorabench.dataset import raw
from lorabench.dataset.raw import RawSet
from lorabench.errors import UserError
from lorabench.settings.models import Config
from lorabench.sweep import variants
from lorabench.text import phrases


def find(config: Config) -> tuple[str, str, Path]:
    """Return profile, name and folder of the raw set `reg_set`; the name is its normalized set's.

    `reg` is kohya's folder in the raw set that is learnt; any other name is a raw set of its own.
    """
    name = config.reg_set or ""
    if name == config.raw_set:
        raise UserError(f"reg_set: {name} is the raw set itself; name pictures of other things")
    own = layout.raw_set(config.profile, config.raw_set) / name
    if raw.is_regularization(name) and own.is_dir():
        return config.profile, f"{config.raw_set}-{name}", own
    here = layout.raw_set(config.profile, name).is_dir()
    profile = config.profile if here else layout.profile_of(name)
    if not profile:
        sets = {one.name for profile in ("style", "char") for one in layout.sets(profile)}
        raise UserError(
            f"reg_set: there is no raw set {name}, and no folder {own}. Sets that exist: "
            f"{', '.join(sorted(sets - {config.raw_set})) or 'none but the one that is learnt'}"
        )
    return profile, name, layout.raw_set(profile, name)


def check(found: RawSet, trigger: str) -> None:
    """Raise `UserError` for captions that are missing, or have the trigger: they would teach it."""
    without = [picture.name for picture in found.pictures if not picture.words]
    if without:
        raise UserError(
            f"reg_set: {found.folder}: {phrases.count(len(without), 'picture')} without a caption "
            f"({phrases.few(without, 3)}). Write beside each what it shows, without the trigger, "
            "or put them into kohya's folder 1_<what they show>"
        )
    calling = [one.name for one in found.pictures if trigger and variants.has(one.words, trigger)]
    if calling:
        raise UserError(
            f"reg_set: {found.folder}: {phrases.count(len(calling), 'caption')} with the trigger "
            f"{trigger!r} ({phrases.few(calling, 3)}). These pictures keep what the base model "
            "draws without it: take it out of their captions"
        )


def note(found: RawSet, config: Config, doubled: bool) -> str:
    """Say how they are used, and how steps count then."""
    train = config.train
    if train.epochs:
        steps = "so an epoch has twice the steps"
    elif doubled:
        steps = f"so there are {train.steps} steps, twice the usual number"
    else:
        steps = (
            f"so the pictures of the set get half of the {train.steps} steps; twice as many, "
            f"train={{steps: {2 * (train.steps or 0)}}}, show them as often as without"
        )
    return (
        f"regularization pictures: {len(found.pictures)} in {found.folder}; an epoch shows as many "
        f"of them as of the set, {steps}"
    )
