"""From what the user gave to what the workflow needs: config, identity and paths of one run.

Runs on every parse, a dry run included: it reads, checks and writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from lorabench import files, layout
from lorabench.base import checkpoint
from lorabench.base.families import BUNDLED
from lorabench.bench.embeddings import embedding
from lorabench.comfy.check import loaded
from lorabench.dataset import notes as raw_notes
from lorabench.dataset import raw
from lorabench.dataset.raw import RawSet
from lorabench.digests import Digests, model_digest
from lorabench.errors import UserError
from lorabench.run import base_choice, bench_workflow, existing, preconditions
from lorabench.run.identity import Identity, check_binding, identify
from lorabench.run.record import Contents, RunRecord
from lorabench.settings.layers import merge, read_yaml, resolve
from lorabench.settings.models import Config
from lorabench.settings.servers import EMBEDDED
from lorabench.settings.types import split
from lorabench.sweep import prompt_notes, variants
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.variants import Variant
from lorabench.text import syntax

_NARROWED = (
    "one prompt and no probes, as no prompts= and no probe= is given and comfy_url is a ComfyUI of "
    "your own. For a fuller verdict add, for instance, "
    "prompts=config/prompts/drawnworld_{profile}.txt probe=quick"
)


@dataclass(frozen=True)
class Training:
    """What a LoRA is trained on, and the identity of the run that this makes."""

    raw: RawSet
    identity: Identity


@dataclass(frozen=True, eq=False)
class RunPlan:
    """One run: its settings and paths, the training of its LoRAs, and how they are benched."""

    config: Config
    paths: layout.RunLayout
    training: Training | None  # None where the LoRAs are there already
    loras: tuple[Path, ...]  # what is benched: one for now
    base_digest: str
    workflow_prompt: str | None
    """The prompt in the workflow; None where only the servers can read it."""
    narrowed: bool = False
    """Whether there is one prompt and no probe, and nobody has said so: as on any ComfyUI."""
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
        """What replaces the workflow's prompt; the bundled one's trigger gives way to the set's."""
        if self.config.positive:
            return variants.filled(self.config.positive, self.trigger, "positive")
        bundled = Path(BUNDLED.preset["bench_workflow"]).resolve()
        own = Path(self.config.bench_workflow).resolve() == bundled
        prompt = self.workflow_prompt or ""
        if own and self.trigger and not variants.has(prompt, self.trigger):
            example = BUNDLED.example_prompts[self.config.profile]
            return variants.filled(example, self.trigger, "positive")
        called = syntax.called(prompt, self.trigger)
        return None if called == prompt else called

    @cached_property
    def _prompts(self) -> Sequence[str]:
        """The further prompts as they were typed."""
        lines = self.config.prompts
        if lines == BUNDLED.preset["prompts"] and not self.trigger:
            return ()  # nobody asked for these, and they need a trigger
        if isinstance(lines, str):
            return variants.read(Path(lines.replace("{profile}", self.config.profile)))
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
    def notes(self) -> list[str]:
        """What a user should know of set, prompts and base before all is done, a line each."""
        training = self.training
        of_set = raw_notes.notes(training.raw, self.trigger) if training else self._of_unused_set
        own = self.config.positive or self.workflow_prompt
        prompts = [text for text in (own, self.config.negative, *self._prompts) if text]
        of_prompts = list(prompt_notes.notes(prompts, self.trigger, self.embedded_server))
        of_prompts += [_NARROWED] if self.narrowed else []
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
    of_set = {"raw_set", "profile", "trigger", "preprocess"}
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


def _make_plan(merged: dict[str, Any]) -> RunPlan:
    base = _inspect(base_choice.choose(merged))
    merged["base_model"] = str(base.path)
    config = resolve(merged, base.family.preset)
    preconditions.check(config, base)
    workflow_prompt = bench_workflow.prompt_of(config)
    urls = tuple(split(merged.get("comfy_url") or EMBEDDED))
    chosen = any(merged.get(key) is not None for key in ("prompts", "probe"))
    narrowed = not chosen and config.comfy_url != EMBEDDED
    digests, training = Digests(layout.DIGESTS), None
    if config.skip_train:
        base_digest = model_digest(base.path, digests)
        paths = existing.benched(config, base_digest)
    else:
        found = raw.read(layout.raw_set(config.profile, config.raw_set))
        preconditions.check_raw(found, config)
        config = _with_trigger(config, found)
        identity = identify(config, found, digests)
        training = Training(found, identity)
        base_digest = identity.contents["base_model"]["digest"]
        paths = existing.trained(config, identity)
        if record := existing.record(paths):
            then = {"raw_set": record.raw_set, **record.identity.model_dump(exclude_unset=True)}
            check_binding(then, {"raw_set": config.raw_set, **identity.contents}, record.run_id)
        if not existing.is_there(paths.lora):
            preconditions.check_sd_scripts(config)
    loras = (paths.lora,)
    plan = RunPlan(config, paths, training, loras, base_digest, workflow_prompt, narrowed, urls)
    _ = plan.variants  # reports mistakes in prompts at once
    return plan


def _with_trigger(config: Config, found: RawSet) -> Config:
    """Return the settings with the trigger words, if there are any.

    If every picture has a caption, no caption uses them, so other words are not another training:
    then the set's name goes into the run's identity.
    """
    given = config.trigger or config.preprocess.trigger
    stand_in = found.stand_in(given) if found.lacks_captions else config.raw_set
    preprocess = config.preprocess.model_copy(update={"trigger": stand_in})
    return config.model_copy(update={"trigger": found.trigger(given), "preprocess": preprocess})


def _inspect(path: Path) -> checkpoint.Checkpoint:
    try:
        return checkpoint.inspect(path)
    except UserError as error:
        raise UserError(f"base_model: {error}") from None
