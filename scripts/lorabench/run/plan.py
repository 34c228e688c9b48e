"""From what the user gave to what the workflow needs: config, identity and paths of one run.

Runs on every parse, a dry run included: it reads, checks and writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from lorabench import files, layout
from lorabench.base import checkpoint
from lorabench.base.families import Family
from lorabench.bench.embeddings import embedding
from lorabench.comfy.check import loaded
from lorabench.dataset import checks, facts, raw
from lorabench.dataset import notes as raw_notes
from lorabench.dataset.raw import RawSet
from lorabench.dataset.risks import Risk
from lorabench.digests import Digests, model_digest
from lorabench.errors import UserError
from lorabench.run import base_choice, bench_workflow, existing, preconditions, regularization
from lorabench.run.identity import Identity, check_binding, identify, normalized_id
from lorabench.run.record import Contents, RunRecord
from lorabench.settings.layers import merge, read_yaml, resolve
from lorabench.settings.models import Config, PreprocessSettings
from lorabench.settings.servers import EMBEDDED
from lorabench.settings.types import split
from lorabench.sweep import prompt_notes, variants
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.variants import Variant
from lorabench.text import syntax

_TOKENS = 75
"""So many tokens of a caption CLIP's text encoder reads, unless sd-scripts is told to join some."""


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
    """What a LoRA is trained on, and the identity of the run that this makes."""

    raw: RawSet
    identity: Identity
    reg: Normalizing | None = None
    """The regularization pictures, if there are any."""
    doubled: bool = False
    """Whether they double the usual number of steps."""


@dataclass(frozen=True, eq=False)
class RunPlan:
    """One run: its settings and paths, the training of its LoRAs, and how they are benched."""

    config: Config
    paths: layout.RunLayout
    training: Training | None  # None where the LoRAs are there already
    loras: tuple[Path, ...]  # what is benched: one for now
    family: Family
    base_digest: str
    workflow_prompt: str | None
    """The prompt in the workflow; None where only the servers can read it."""
    given: frozenset[str] = frozenset()
    """The settings that somebody gave; all others have their defaults."""
    given_urls: tuple[str, ...] = field(default=(), repr=False)
    """`comfy_url` as it was given, with logins: for the jobs alone, and for no record."""

    @cached_property
    def trigger(self) -> str:
        """The trigger words; empty if there are none."""
        if self.config.trigger or self.training:
            return self.config.trigger
        found = existing.record(self.paths)
        return found.trigger if found else ""

    @property
    def positive(self) -> str | None:
        """What replaces the workflow's prompt; that of the family's own gets the set's trigger."""
        if self.config.positive:
            return variants.filled(self.config.positive, self.trigger, "positive")
        of_family = Path(self.family.preset["bench_workflow"]).resolve()
        own = Path(self.config.bench_workflow).resolve() == of_family
        prompt = self.workflow_prompt or ""
        if own and self.trigger and not variants.has(prompt, self.trigger):
            example = self.family.example_prompts[self.config.profile]
            return variants.filled(example, self.trigger, "positive")
        called = syntax.called(prompt, self.trigger)
        return None if called == prompt else called

    @cached_property
    def _prompts(self) -> Sequence[str]:
        """The further prompts as they were typed."""
        lines = self.config.prompts
        if isinstance(lines, str):
            lines = variants.read(Path(lines.replace("{profile}", self.config.profile)))
        if "prompts" not in self.given and not self.trigger:
            lines = [line.replace(f"{variants.PLACE}, ", "") for line in lines]
        return lines

    @cached_property
    def variants(self) -> list[Variant]:
        """What is rendered: the benchmark's own prompt, further ones, and probes."""
        config = self.config
        return variants.plan(
            self.positive or self.workflow_prompt,
            variants.named(self._prompts, self.trigger),
            self.trigger,
            variants.EXTENTS[config.probe],
            config.sweep,
            config.seeds,
        )

    @cached_property
    def by_folder(self) -> dict[str, Variant]:
        """What is rendered, by its folder with its `/`."""
        return {variant.folder: variant for variant in self.variants}

    @property
    def embedded_server(self) -> bool:
        """Whether the pictures are rendered by the embedded server."""
        return self.config.comfy_url == EMBEDDED

    @property
    def checkpoint_name(self) -> str | None:
        """The checkpoint that the workflow is made to load; None: as the workflow says."""
        base = Path(self.config.base_model)
        own = base.name if self.embedded_server else None
        if loaded.PLACEHOLDER.fullmatch(self._loads or ""):
            own = base_choice.listed_name(base)
        return self.config.bench.checkpoint or own

    @cached_property
    def _loads(self) -> str | None:
        """The checkpoint that the workflow loads on a ComfyUI; None if unknown."""
        return None if self.embedded_server else base_choice.loads(self.config.model_dump())

    @cached_property
    def drawn(self) -> base_choice.Drawn | None:
        """The checkpoint that renders the pictures; None if unknown."""
        return base_choice.find(self.checkpoint_name or self._loads, self.config.model_dump())

    @cached_property
    def drawn_elsewhere(self) -> base_choice.Drawn | None:
        """The checkpoint that renders the pictures, if the LoRA is trained on another."""
        own = self.embedded_server and not self.config.bench.checkpoint
        elsewhere = not self.training and not existing.record(self.paths)
        if own or elsewhere or not self.drawn:
            return None
        base, digests = Path(self.config.base_model), Digests(layout.DIGESTS)
        same = base_choice.is_same(base, self.base_digest, self.drawn, digests)
        return None if same else self.drawn

    @cached_property
    def embedding_digest(self) -> str:
        """Digest of the model that embeds the pictures; it may lie elsewhere and be the same."""
        if self.config.bench.embedding == embedding.BASE:
            return self.base_digest
        return model_digest(Path(self.config.bench.embedding), Digests(layout.DIGESTS))

    @property
    def record(self) -> RunRecord | None:
        """What went into the run, and the settings that its jobs read; None without a training."""
        if not self.training:
            return None
        return RunRecord(
            run_id=self.paths.run_id,
            raw_set=self.config.raw_set,
            reg_set=self.config.reg_set,
            trigger=self.trigger,
            identity=Contents.model_validate(self.training.identity.contents),
            preprocess=self.config.preprocess,
            train=self.config.train,
        )

    @property
    def sweep(self) -> SweepRecord:
        """What is rendered: the settings outside the run's identity."""
        found = self.training.raw.trigger() if self.training else ""
        settings = self.config.model_dump(include=set(SweepRecord.model_fields))
        return SweepRecord.model_validate(
            settings
            | {
                "run_id": self.paths.run_id,
                "checkpoint": self.checkpoint_name,
                "workflow_digest": self.workflow_digest,
                "trigger": self.trigger,
                "trigger_given": self.config.trigger not in ("", found),
                "drawn_elsewhere": self.drawn_elsewhere and self.drawn_elsewhere.name,
                "variants": self.variants,
            }
        )

    @property
    def sets(self) -> list[Normalizing]:
        """The raw sets that are normalized: the training set first."""
        if not self.training:
            return []
        own = Normalizing(self.training.raw, self.paths.normalized, self.config.preprocess)
        return [own, *([self.training.reg] if self.training.reg else [])]

    @property
    def use(self) -> facts.Use:
        """What the set is to be trained for; a page on it needs no more of the settings."""
        train, usual = self.config.train, self.family.preset["train"]
        own = 2 if self.training and self.training.reg else 1  # every second picture, then
        reads = train.kohya_args.get("max_token_length")
        return facts.Use(
            profile=self.config.profile,
            trigger=self.trigger,
            batch_size=train.batch_size,
            pictures_a_step=train.batch_size * train.gradient_accumulation / own,
            steps=train.steps,
            epochs=train.epochs,
            usual=usual["steps"] * usual["batch_size"],
            tokens=reads if isinstance(reads, int) else _TOKENS,
        )

    @cached_property
    def risks(self) -> list[Risk]:
        """What the captions and settings say will spoil the training; none where it is over."""
        if not self.training or existing.is_there(self.paths.lora):
            return []
        return checks.find(facts.of_raw(self.training.raw, self.use))

    @property
    def notes(self) -> list[str]:
        """What a user should know of set, prompts and base before all is done, a line each."""
        training = self.training
        of_set = self._of_unused_set
        if training:
            of_set = raw_notes.notes(training.raw, self.trigger, self.config.reg_set)
        if training and training.reg:
            note = regularization.note(training.reg.raw, self.config, training.doubled)
            of_set = [*of_set, note]
        own = self.config.positive or self.workflow_prompt
        prompts = [text for text in (own, self.config.negative, *self._prompts) if text]
        of_prompts = list(prompt_notes.notes(prompts, self.trigger, self.embedded_server))
        other = self.drawn_elsewhere
        of_base = [base_choice.warning(Path(self.config.base_model), other)] if other else []
        return of_set + of_prompts + of_base

    @property
    def _of_unused_set(self) -> list[str]:
        """Why the raw set is not used, where it is there and the LoRA is from elsewhere."""
        if existing.record(self.paths) or not existing.is_there(self.paths.raw):
            return []
        words = "" if self.trigger else ", and say with trigger= which words call it"
        return [
            f"{self.paths.raw} is not used: skip_train benches a finished LoRA, and nothing "
            f"records that it was trained on these pictures. Judge its style by eye{words}"
        ]

    @cached_property
    def workflow_digest(self) -> str:
        """Digest of the benchmark workflow's content; its mtime means nothing."""
        return files.sha256(Path(self.config.bench_workflow))


def make_plans(given: Mapping[str, Any], defaults: Path) -> dict[str, RunPlan]:
    """Return the plans for the settings `given`, over those in the file `defaults`, by run_id.

    There is one for each raw set. Raises `UserError` for a user's mistakes.
    """
    merged = merge(read_yaml(defaults), given)
    plans = [_make_plan({**merged, **one}) for one in _raw_sets(merged)]
    of_set = {"raw_set", "profile", "trigger", "preprocess", "weights", "verdict"}
    first, *others = (plan.config.model_dump(exclude=of_set) for plan in plans)
    assert all(other == first for other in others)  # the rules take these from one run
    return {plan.paths.run_id: plan for plan in plans}


def _raw_sets(merged: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what each raw set of a list changes: one that lies elsewhere has its own profile."""
    named = merged.get("raw_set")
    if isinstance(named, str):
        named = [named] if layout.profile_of(named) else named.split(",")
    listed = named if isinstance(named, list) else []
    names = [name for one in listed if (name := str(one).strip())]
    if len(names) > 1 and merged.get("run_id"):
        raise UserError(
            f"run_id names one run, and raw_set several: {','.join(names)}; leave it out"
        )
    found = []
    for name in names:
        profile = None if "profile" in merged else layout.profile_of(name)
        found.append({"raw_set": name, **({"profile": profile} if profile else {})})
    return found or [{}]


def _make_plan(merged: Mapping[str, Any]) -> RunPlan:
    base = _inspect(base_choice.choose(merged))
    given = frozenset(key for key, value in merged.items() if value is not None)
    config = resolve(
        {**merged, "base_model": str(base.path)}, base_choice.preset(base.family, merged)
    )
    preconditions.check(config, base)
    workflow_prompt = bench_workflow.prompt_of(config)
    digests = Digests(layout.DIGESTS)
    if config.skip_train:
        training, base_digest = None, model_digest(base.path, digests)
        paths = existing.benched(config, base_digest)
    else:
        config, training = _trained(config, merged.get("train", {}), digests)
        base_digest = training.identity.contents["base_model"]["digest"]
        paths = existing.trained(config, training.identity)
        _check_trained(paths, config, training.identity)
    if "weights" not in given and (weights := existing.further(paths)):
        config = config.model_copy(update={"weights": weights})
    plan = RunPlan(
        config=config,
        paths=paths,
        training=training,
        loras=(paths.lora,),
        family=base.family,
        base_digest=base_digest,
        workflow_prompt=workflow_prompt,
        given=given,
        given_urls=tuple(split(merged.get("comfy_url") or EMBEDDED)),
    )
    _ = plan.variants  # reports mistakes in prompts at once
    return plan


def _trained(config: Config, train: Mapping[str, Any], digests: Digests) -> tuple[Config, Training]:
    """Return the settings that follow from the raw set, and the training; `train` as given."""
    found = raw.read(layout.raw_set(config.profile, config.raw_set))
    preconditions.check_raw(found, config)
    config = _with_trigger(config, found)
    reg = _regularization(config, digests) if config.reg_set else None
    doubled = bool(reg) and not (train.get("steps") or train.get("epochs"))
    config = _with_twice_the_steps(config) if doubled else config
    identity = identify(config, found, digests, reg.raw if reg else None)
    return config, Training(found, identity, reg, doubled)


def _check_trained(paths: layout.RunLayout, config: Config, identity: Identity) -> None:
    """Refuse a run that has been made of something else, or that nothing here can train."""
    if record := existing.record(paths):
        then = {"raw_set": record.raw_set, **record.identity.model_dump(exclude_unset=True)}
        check_binding(then, {"raw_set": config.raw_set, **identity.contents}, record.run_id)
    if not existing.is_there(paths.lora):
        preconditions.check_sd_scripts(config)


def _with_trigger(config: Config, found: RawSet) -> Config:
    """Return the settings with the trigger words, if there are any.

    If every picture has a caption, no caption uses them, so other words are not another training:
    then the set's name goes into the run's identity.
    """
    given = config.trigger or config.preprocess.trigger
    stand_in = found.stand_in(given) if found.lacks_captions else config.raw_set
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


def _inspect(path: Path) -> checkpoint.Checkpoint:
    try:
        return checkpoint.inspect(path)
    except UserError as error:
        raise UserError(f"base_model: {error}") from None
