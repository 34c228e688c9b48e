"""From what the user gave to what the workflow needs: config, identity and paths of one run.

Runs on every parse, a dry run included: it reads, checks and writes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
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
from lorabench.run import (
    base_choice,
    bench_workflow,
    epochs,
    existing,
    given_lora,
    given_loras,
    matrix,
    preconditions,
    regularization,
)
from lorabench.run.given_lora import GivenLora
from lorabench.run.given_loras import GivenLoras
from lorabench.run.identity import Identity, check_binding, identify, normalized_id
from lorabench.run.record import Contents, RunRecord
from lorabench.settings.layers import merge, read_yaml, resolve
from lorabench.settings.mappings import nested
from lorabench.settings.models import Config, PreprocessSettings
from lorabench.settings.servers import EMBEDDED
from lorabench.settings.types import as_name, split
from lorabench.sweep import prompt_notes, search, variants
from lorabench.sweep.loras import SweptLora
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.search import Part
from lorabench.sweep.variants import Variant
from lorabench.text import syntax
from lorabench.text.phrases import listed

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
    several: tuple[SweptLora, ...] = ()
    """The LoRAs in order, where it is not the run's own alone."""
    left_out: tuple[str, ...] = ()
    """What lies beside them and is no LoRA, with the reasons."""


@dataclass(frozen=True, eq=False)
class RunPlan(Source):
    """One run: where its LoRAs come from, and how they are benched."""

    _: KW_ONLY
    family: Family
    base_digest: str
    workflow_prompt: str | None
    """The prompt in the workflow; None where only the servers can read it."""
    given: frozenset[str] = frozenset()
    """The settings that somebody gave; all others have their defaults."""
    given_urls: tuple[str, ...] = field(default=(), repr=False)
    """`comfy_url` as it was given, with logins: for the jobs alone, and for no record."""
    varied: str = ""
    """What tells the run from the others of its matrix."""
    comparison: layout.ComparisonLayout | None = None
    """Where the runs of a matrix are compared."""

    @cached_property
    def trigger(self) -> str:
        """The trigger words; empty if there are none."""
        if self.config.trigger or self.training:
            return self.config.trigger
        found = existing.record(self.paths)
        return found.trigger if found else ""

    @property
    def awaits_epochs(self) -> bool:
        """Whether states of the training are asked for that it is still to make."""
        return self.config.epochs != "last" and not self.several

    def positive(self, trigger: str) -> str | None:
        """Return what replaces the workflow's prompt; the family's own gets the trigger words."""
        if self.config.positive:
            return variants.filled(self.config.positive, trigger, "positive")
        of_family = Path(self.family.preset["bench_workflow"]).resolve()
        own = Path(self.config.bench_workflow).resolve() == of_family
        prompt = self.workflow_prompt or ""
        if own and trigger and not variants.has(prompt, trigger):
            example = self.family.example_prompts[self.config.profile]
            return variants.filled(example, trigger, "positive")
        called = syntax.called(prompt, trigger)
        return None if called == prompt else called

    def _prompts(self, trigger: str) -> Sequence[str]:
        """Return the further prompts as they were typed."""
        lines = self.config.prompts
        if isinstance(lines, str):
            lines = variants.read(Path(lines.replace("{profile}", self.config.profile)))
        if "prompts" not in self.given and not trigger:
            lines = [line.replace(f"{variants.PLACE}, ", "") for line in lines]
        return lines

    @cached_property
    def variants(self) -> list[Variant]:
        """What is rendered: the benchmark's own prompt, further ones, and probes, by LoRA."""
        if not self.searches:
            return self.full(self.config.sweep)
        weights = {*self.config.sweep, *search.weights(self.parts)}
        return search.narrowed(self.full(weights), self.parts)

    @property
    def searches(self) -> bool:
        """Whether only a part of the full sweep is rendered, to find the best of it."""
        return self.config.search == "auto" and not self.awaits_epochs

    @cached_property
    def parts(self) -> Sequence[Part]:
        """The parts of the full sweep that a search renders."""
        record = existing.search(self.paths)
        return record.parts if record else search.first(
            list(self.loras), self.config.weights, self.prompts
        )  # fmt: skip

    @property
    def search_settled(self) -> bool:
        """Whether a search has nothing more to render than its parts."""
        record = existing.search(self.paths)
        return bool(record and record.settled)

    @property
    def prompts(self) -> list[str]:
        """The names of the prompts: the benchmark's own is empty."""
        return [one.prompt for one in self._called(self.trigger, ())]

    def full(self, weights: Iterable[float]) -> list[Variant]:
        """Return all that can be rendered at these weights."""
        weights = sorted(weights)
        if not self.several:
            return self._called(self.trigger, weights)
        called = {one.trigger: self._called(one.trigger, weights) for one in self.several}
        return [
            replace(variant, lora=one.key, baseline=one.baseline)
            for one in self.several
            for variant in called[one.trigger]
        ]

    def _called(self, trigger: str, weights: Sequence[float]) -> list[Variant]:
        """Return what is rendered of a LoRA that is called by these trigger words."""
        config = self.config
        return variants.plan(
            self.positive(trigger) or self.workflow_prompt,
            variants.named(self._prompts(trigger), trigger),
            trigger,
            variants.EXTENTS[config.probe],
            weights,
            config.seeds,
        )

    @cached_property
    def by_folder(self) -> dict[str, Variant]:
        """What is rendered, by its folder with its `/`; LoRAs share those at weight 0."""
        return {
            variant.folder(weight): variant
            for variant in self.variants
            for weight in variant.weights
        }

    def text(self, folder: str) -> str | None:
        """Return what replaces the workflow's prompt in this folder; None leaves it."""
        variant = self.by_folder[folder]
        if variant.name:
            return variant.text
        words = {one.key: one.trigger for one in self.several}
        return self.positive(words.get(variant.lora, self.trigger))

    def loaded(self, folder: str) -> str:
        """Return the key of the LoRA that the cells in this folder load; at 0 none counts."""
        variant = self.by_folder[folder]
        return "" if folder == variant.folder(0) != variant.folder(1) else variant.lora

    def lora(self, key: str) -> Path:
        """Return where the LoRA of this key lies in the run.

        Without a key, several LoRAs have a stand-in for where it does not matter: for checks, and
        at weight 0. It is the first that ever was, even if it is left out by now: so one LoRA more
        or less renders no picture of the others again.
        """
        if key in self.loras:
            return self.loras[key]
        return existing.stand_in(self.paths) or next(iter(self.loras.values()))

    def receipt(self, lora: str) -> Path:
        """Return the receipt of the LoRA of this key."""
        return self.paths.receipt(lora and f"{lora}.")

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
        return model_digest(embedding.weights(self.config.bench.embedding), Digests(layout.DIGESTS))

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
        found = self._found_trigger
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
                "loras": self.several,
                "variants": self.variants,
            }
        )

    @property
    def _found_trigger(self) -> str:
        """The trigger words that nobody gave: those of the LoRA's metadata or of the captions."""
        of_loras = [lora.trigger for lora in self.from_elsewhere.values()]
        return next(filter(None, of_loras), "") or (self.raw.trigger() if self.raw else "")

    @property
    def copied(self) -> dict[str, GivenLora]:
        """The LoRAs that are copied into the run, by the copy's stem.

        To copy one over itself would delete it.
        """
        return {
            copy.stem: lora
            for copy, lora in self.from_elsewhere.items()
            if not existing.is_same(copy, lora.source)
        }

    @property
    def sets(self) -> list[Normalizing]:
        """The raw sets that are normalized: the training set first."""
        if not self.raw:
            return []
        own = Normalizing(self.raw, self.paths.normalized, self.config.preprocess)
        return [own, *([self.training.reg] if self.training and self.training.reg else [])]

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
        if not self.training or not self.raw or existing.is_there(self.paths.lora):
            return []
        return checks.find(facts.of_raw(self.raw, self.use))

    @property
    def notes(self) -> list[str]:
        """What a user should know of set, prompts and base before all is done, a line each."""
        own = self.config.positive or self.workflow_prompt
        further = self._prompts(self.trigger)
        prompts = [text for text in (own, self.config.negative, *further) if text]
        of_prompts = list(prompt_notes.notes(prompts, self.trigger, self.embedded_server))
        other = self.drawn_elsewhere
        of_base = [base_choice.warning(Path(self.config.base_model), other)] if other else []
        return [*self._of_set, *self._of_lora, *of_prompts, *of_base]

    @property
    def _of_set(self) -> list[str]:
        training = self.training
        if not self.raw:
            return self._of_unused_set
        if not training:
            return list(raw_notes.not_used(self.raw))
        of_set = raw_notes.notes(self.raw, self.trigger, self.config.reg_set)
        if not training.reg:
            return of_set
        return [*of_set, regularization.note(training.reg.raw, self.config, training.doubled)]

    @property
    def _of_lora(self) -> list[str]:
        """What calls a LoRA from elsewhere, where nobody said it."""
        left_out = [f"left out: {one}" for one in self.left_out]
        if not self.from_elsewhere or self.given & {"trigger"}:
            return left_out
        words = list(dict.fromkeys(one.trigger for one in self.several)) or [self.trigger]
        if "" in words:
            return [
                *left_out,
                "WITHOUT TRIGGER WORDS: the LoRA's metadata name none, so prompts with {trigger} "
                "and the probes are left out, and the verdict judges neither copies nor leaks. Say "
                "with trigger= which words call the LoRA",
            ]
        called = listed([repr(one) for one in words])
        return [*left_out, f"the LoRA is called by {called}; other words: trigger="]

    @property
    def _of_unused_set(self) -> list[str]:
        """Why the raw set is not used, where it is there and the LoRA is from elsewhere."""
        unused = self.config.raw_set and not existing.record(self.paths)
        if not unused or not existing.is_there(self.paths.raw):
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

    There is one for each raw set and row of the matrix. Raises `UserError` for a user's mistakes.
    """
    merged = merge(read_yaml(defaults), given)
    trainings = matrix.read(merged)
    merged.pop("matrix", None)
    plans: dict[str, RunPlan] = {}
    rows: dict[str, matrix.Row] = {}
    for row in trainings.rows if trainings else [matrix.Row()]:
        for plan in _of_row(merged, row):
            run_id = plan.paths.run_id
            if run_id in plans and rows[run_id] is not row:
                raise UserError(
                    f"two runs are called {run_id}: {rows[run_id].where}, and {row.where}"
                )
            plans[run_id], rows[run_id] = plan, row
    first, *others = (plan.config.model_dump(exclude=_OF_A_RUN) for plan in plans.values())
    assert all(other == first for other in others)  # the rules take these from one run
    if not trainings:
        return plans
    matrix.check_name(trainings.name, rows)
    comparison = layout.ComparisonLayout(trainings.name)
    return {
        run_id: replace(plan, comparison=comparison, varied=trainings.label(plan.config))
        for run_id, plan in plans.items()
    }


_OF_A_RUN: Any = nested(dict.fromkeys((*matrix.VARIES, "weights", "verdict"), True))
"""What the runs of a call may have of their own."""


def _of_row(merged: Mapping[str, Any], row: matrix.Row) -> list[RunPlan]:
    try:
        settings = row.over(merged)
        return [_make_plan({**settings, **one}) for one in _raw_sets(settings)]
    except UserError as error:
        raise row.explains(error) from None


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
    if len(names) > 1 and merged.get("lora"):
        raise UserError(
            f"lora: was trained on one set, and raw_set names several: {','.join(names)}; give one"
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
    base_digest = model_digest(base.path, digests)
    if config.lora and given_loras.is_several(config.lora):
        source = _several(config, given_loras.find(config.lora, digests), digests)
    elif config.lora:
        source = _given(config, Path(str(config.lora)), digests)
    elif config.skip_train:
        paths = existing.benched(config, base_digest)
        source = _with_epochs(Source(config, paths, {"": paths.lora}))
    else:
        source = _trained(config, merged.get("train", {}), digests)
    if "weights" not in given and (weights := existing.further(source.paths)):
        source = replace(source, config=source.config.model_copy(update={"weights": weights}))
    plan = RunPlan(
        **vars(source),
        family=base.family,
        base_digest=base_digest,
        workflow_prompt=workflow_prompt,
        given=given,
        given_urls=tuple(split(merged.get("comfy_url") or EMBEDDED)),
    )
    _ = plan.variants  # reports mistakes in prompts at once
    return plan


def _given(config: Config, path: Path, digests: Digests) -> Source:
    """Return the LoRA at `path`, to be copied, and what it was trained on if that was given."""
    lora = given_lora.read(path, digests)
    config, found, paths = _of_given(config, lora.key, [lora.trigger], digests)
    copy = paths.given_lora(lora.name)
    if config.run_id:
        existing.check_given(paths, copy, lora.sha256)
    return Source(config, paths, {"": copy}, found, from_elsewhere={copy: lora})


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
            lora.key, f"{lora.key}.safetensors", lora.name, **vars(saved), trigger=words,
            baseline=as_name(".".join(filter(None, ["no-lora", "-".join(words.split())]))),
        )
        for lora, saved in given.loras
        for words in [typed or lora.trigger or (config.trigger if found else "")]
    )  # fmt: skip
    copies = {paths.given_lora(lora.key): lora for lora, _ in given.loras}
    loras = {lora.key: copy for copy, lora in copies.items()}
    return Source(
        config, paths, loras, found, from_elsewhere=copies, several=several,
        left_out=tuple(given.left_out),
    )  # fmt: skip


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
    found = epochs.find(source.config, source.paths)
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
        preconditions.check_sd_scripts(config)


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


def _inspect(path: Path) -> checkpoint.Checkpoint:
    try:
        return checkpoint.inspect(path)
    except UserError as error:
        raise UserError(f"base_model: {error}") from None
