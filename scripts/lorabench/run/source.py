"""Where a run's LoRAs come from: a training here, or files from elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from lorabench import layout
from lorabench.dataset import raw
from lorabench.dataset.raw import RawSet
from lorabench.digests import Digests, digest
from lorabench.errors import UserError
from lorabench.run import (
    epochs,
    existing,
    given_lora,
    given_loras,
    given_pair,
    preconditions,
    regularization,
    trainers,
)
from lorabench.run.given_lora import GivenLora
from lorabench.run.given_loras import GivenLoras
from lorabench.run.identity import Identity, check_binding, identify, normalized_id
from lorabench.settings.models import Config, PreprocessSettings
from lorabench.settings.types import as_name
from lorabench.sweep.loras import SweptLora

_DIGITS = 4


class Normalizing(NamedTuple):
    """A raw set, its normalized set, and by which settings."""

    raw: RawSet
    folder: Path
    settings: PreprocessSettings

    @property
    def images(self) -> str:
        """The folder of the normalized pictures."""
        return str(self.folder / "images")


@dataclass(frozen=True)
class Training:
    """What makes a training one of its own, besides its pictures."""

    identity: Identity
    reg: Normalizing | None = None
    """The regularization pictures, if there are any."""
    doubled: bool = False
    """Whether they double the usual number of steps."""


@dataclass(frozen=True, eq=False)
class Source:
    """Where a run's LoRAs come from, and the settings and paths that follow from it."""

    config: Config
    paths: layout.RunLayout
    loras: Mapping[str, Path]
    """What is benched, where it lies in the run, by key: that of a run's own LoRA is empty."""
    raw: RawSet | None = None
    """The training pictures; None where they are not known."""
    training: Training | None = None
    """None where the LoRAs are there already."""
    from_elsewhere: Mapping[Path, GivenLora] = field(default_factory=dict)
    """The LoRAs that the user gave by their files, by where they lie in the run."""
    low: Mapping[str, Path] = field(default_factory=dict)
    """Of LoRAs of two files, where those for low noise lie, by `RunLayout.low` of the key."""
    several: tuple[SweptLora, ...] = ()
    """The LoRAs in order, where it is not the run's own alone, in one file."""
    left_out: tuple[str, ...] = ()
    """What lies beside them and is no LoRA, with the reasons."""


def find(
    config: Config, train: Mapping[str, Any], base_digest: str, digests: Digests, paired: bool
) -> Source:
    """Return where the LoRAs come from that `config` asks for; `train` is its section as given.

    `paired`: the workflow has two models, each with a LoRA file of its own. Raises `UserError` for
    a user's mistakes.
    """
    if config.lora and given_loras.is_several(config.lora):
        return _several(config, given_loras.find(config.lora, digests, paired), digests)
    if config.lora:
        read = given_pair.read if paired else given_lora.read
        return _given(config, read(Path(str(config.lora)), digests), digests)
    if paired:
        raise UserError(
            f"bench_workflow: {config.bench_workflow} has a LoRA loader for each of two models, and"
            f" a training here makes one file; give both files with lora=, or, {given_pair.ALONE}"
        )
    if config.skip_train:
        paths = existing.benched(config, base_digest)
        return _with_epochs(Source(config, paths, {"": paths.lora}))
    return _trained(config, train, digests)


def trigger(source: Source) -> str:
    """Return the trigger words: those given or of the set, else those that the run recorded."""
    if source.config.trigger or source.training:
        return source.config.trigger
    found = existing.record(source.paths)
    return found.trigger if found else ""


def _given(config: Config, lora: GivenLora, digests: Digests) -> Source:
    """Return a LoRA from elsewhere, to be copied, and what it was trained on if that was given."""
    config, found, paths = _of_given(config, lora.key, [lora.trigger], digests)
    copies = {paths.given_lora(one.name): one for one in lora.files}
    if config.run_id:
        existing.check_given(paths, {copy: one.sha256 for copy, one in copies.items()})
    source = Source(config, paths, {"": next(iter(copies))}, found, from_elsewhere=copies)
    if not lora.low:
        return source
    high, low = copies
    swept = SweptLora("", high.name, lora.title, trigger=config.trigger, low=low.name)
    return replace(source, low={paths.low(""): low}, several=(swept,))


def _several(config: Config, given: GivenLoras, digests: Digests) -> Source:
    """Return LoRAs from elsewhere, to be copied: a run of their own, whichever they are.

    One more or one less is the same run, since each has its content in the names of its files.
    """
    triggers = [lora.trigger for lora, _ in given.loras]
    typed = config.trigger or config.preprocess.trigger
    config, found, paths = _of_given(config, given.name, triggers, digests)
    existing.check_no_training(paths)
    several = tuple(
        SweptLora(
            lora.key, f"{high}.safetensors", name, **vars(saved), trigger=words,
            low=f"{low[0]}.safetensors" if low else "", baseline=_without_lora(words),
        )
        for (lora, saved), name in zip(given.loras, given.names, strict=True)
        for high, *low in [lora.copies]
        for words in [typed or lora.trigger or (config.trigger if found else "")]
    )  # fmt: skip
    copies = {
        paths.given_lora(name): one
        for lora, _ in given.loras
        for name, one in zip(lora.copies, lora.files, strict=True)
    }
    train = paths.lora.parent
    loras = {one.key: train / one.file for one in several}
    low = {paths.low(one.key): train / one.low for one in several if one.low}
    return Source(
        config, paths, loras, found, from_elsewhere=copies, low=low, several=several,
        left_out=tuple(given.left_out),
    )  # fmt: skip


def _without_lora(words: str) -> str:
    """Return the folder of what prompts with these trigger words draw without any LoRA.

    Words that a folder's name cannot tell apart have a digest there.
    """
    spelt = "-".join(words.split())
    name = as_name(f"no-lora.{spelt}" if spelt else "no-lora")
    if name.endswith(spelt) and spelt.replace("-", " ") == words:
        return name
    return f"{name}-{digest(words)[:_DIGITS]}"


def _of_given(
    config: Config, run_id: str, triggers: Sequence[str], digests: Digests
) -> tuple[Config, RawSet | None, layout.RunLayout]:
    """Return the settings, the training pictures if they were given, and the paths of the run."""
    words = config.trigger or config.preprocess.trigger or next(filter(None, triggers), "")
    config = config.model_copy(update={"trigger": words})
    found, name, normalized = None, "", ""
    if config.reads_set:
        found, name = _taught(config)
        config = _with_trigger(config, found, name)
        normalized = normalized_id(found, config.preprocess, digests)
    paths = layout.RunLayout(config.profile, name, config.run_id or run_id, normalized)
    return config, found, paths


def _taught(config: Config) -> tuple[RawSet, str]:
    """Return what a LoRA from elsewhere was trained on, and its name in paths."""
    if not config.training_set:
        found = raw.read(layout.raw_set(config.profile, config.raw_set))
        preconditions.check_names(found)
        return found, config.raw_set
    found = raw.read(Path(config.training_set))
    preconditions.check_names(found, "training_set")
    return found, as_name(found.name)


def _trained(config: Config, train: Mapping[str, Any], digests: Digests) -> Source:
    """Return the LoRA that is trained on the raw set; `train` as given."""
    found = raw.read(layout.raw_set(config.profile, config.raw_set))
    preconditions.check_raw(found, config)
    config = _with_trigger(config, found, config.raw_set)
    reg = _regularization(config, digests) if config.reg_set else None
    doubled = bool(reg) and not (train.get("steps") or train.get("epochs"))
    config = _with_twice_the_steps(config) if doubled else config
    identity = identify(config, found, digests, reg.raw if reg else None)
    paths = existing.trained(config, identity)
    _check_trained(paths, config, identity)
    training = Training(identity, reg, doubled)
    return _with_epochs(Source(config, paths, {"": paths.lora}, found, training))


def _with_epochs(source: Source) -> Source:
    """Return the LoRA that a run trained with the states on its way that are benched, too."""
    found = epochs.find(source.config, source.paths, trigger(source))
    if not found:
        return source
    loras = {one.key: path for one, path in found.items()}
    return replace(source, loras=loras, several=tuple(found))


def _check_trained(paths: layout.RunLayout, config: Config, identity: Identity) -> None:
    """Refuse a run that has been made of something else, or that nothing here can train."""
    if record := existing.record(paths):
        then = {"raw_set": record.raw_set, **record.identity.model_dump(exclude_unset=True)}
        check_binding(then, {"raw_set": config.raw_set, **identity.contents}, record.run_id)
    if not existing.is_there(paths.lora):
        trainers.check_installed(config)


def _with_trigger(config: Config, found: RawSet, name: str) -> Config:
    """Return the settings with the trigger words, if there are any; `name` is the set's.

    If every picture has a caption, no caption uses them, so other words are not another training:
    then the set's name goes into the run's identity.
    """
    given = config.trigger or config.preprocess.trigger
    stand_in = found.stand_in(given) if found.lacks_captions else name
    preprocess = config.preprocess.model_copy(update={"trigger": stand_in})
    return config.model_copy(update={"trigger": found.trigger(given), "preprocess": preprocess})


def _regularization(config: Config, digests: Digests) -> Normalizing:
    """Return the run's regularization pictures, normalized as its own; runs may share them."""
    profile, name, folder = regularization.find(config)
    found = raw.read(folder)
    preconditions.check_raw(found, config, "reg_set")
    regularization.check(found, config.trigger)
    # All have captions: as for a set that is learnt, the name stands in for none.
    settings = config.preprocess.model_copy(update={"trigger": name})
    content = normalized_id(found, settings, digests)
    return Normalizing(found, layout.normalized(profile, name, content), settings)


def _with_twice_the_steps(config: Config) -> Config:
    """Return the settings by which a set is learnt as often as without regularization pictures."""
    train = config.train.model_copy(update={"steps": 2 * (config.train.steps or 0)})
    return config.model_copy(update={"train": train})
