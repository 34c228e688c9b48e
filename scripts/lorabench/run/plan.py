"""What the workflow needs to know of one run: its settings, LoRAs, paths and records."""

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

from lorabench import files, layout
from lorabench.base import families
from lorabench.base.family import Benchmark, Family
from lorabench.bench.embeddings import embedding
from lorabench.comfy.check import loaded
from lorabench.dataset import checks, facts
from lorabench.dataset.risks import Risk
from lorabench.digests import Digests, model_digest
from lorabench.run import base_choice, existing
from lorabench.run.given_lora import GivenLora
from lorabench.run.identity import WITHOUT_EFFECT
from lorabench.run.record import Contents, RunRecord
from lorabench.run.source import Normalizing, Source
from lorabench.run.source import trigger as trigger_of
from lorabench.settings.models import TrainSettings
from lorabench.settings.servers import EMBEDDED
from lorabench.sweep import search, variants
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.search import SearchRecord
from lorabench.sweep.variants import Variant
from lorabench.text import syntax

_Known = Annotated[
    Family,
    PlainSerializer(attrgetter("name"), return_type=str),
    PlainValidator(families.BY_NAME.__getitem__),
]
"""Where a plan is written, its family is a name."""


@dataclass(frozen=True, eq=False)
class RunPlan(Source):
    """One run: where its LoRAs come from, and how they are benched."""

    _: KW_ONLY
    family: _Known
    base_digest: str
    workflow_prompt: str | None
    """The prompt in the workflow; None where only the servers can read it."""
    given: frozenset[str] = frozenset()
    """The settings that somebody gave; all others have their defaults."""
    given_urls: tuple[str, ...] = field(default=(), repr=False)
    """`comfy_url` as it was given, with logins: for the jobs alone, and for no record."""
    server_state: Path = Path()
    """Where the embedded server's address is kept; the runs of a call share one server."""
    varied: str = ""
    """What tells the run from the others of its matrix."""
    comparison: layout.ComparisonLayout | None = None
    """Where the runs of a matrix are compared."""

    @cached_property
    def trigger(self) -> str:
        """The trigger words; empty if there are none."""
        return trigger_of(self)

    @property
    def awaits_epochs(self) -> bool:
        """Whether states of the training are asked for that it is still to make."""
        return self.config.epochs != "last" and not self.several

    def positive(self, trigger: str) -> str | None:
        """Return what replaces the workflow's prompt; the family's own gets the trigger words."""
        if self.config.positive:
            return variants.filled(self.config.positive, trigger, "positive")
        prompt = self.workflow_prompt or ""
        if self._bundled and trigger and not variants.has(prompt, trigger):
            example = self._bundled.example_prompts[self.config.profile]
            return variants.filled(example, trigger, "positive")
        called = syntax.called(prompt, trigger)
        return None if called == prompt else called

    def typed_prompts(self, trigger: str) -> Sequence[str]:
        """Return the further prompts as they were typed, for a LoRA with these trigger words."""
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
        weights = {*self.config.sweep, *search.weights(self.search.parts)}
        return search.narrowed(self.full(weights), self.search.parts)

    @property
    def searches(self) -> bool:
        """Whether only a part of the full sweep is rendered, to find the best of it."""
        return self.config.search == "auto"

    @cached_property
    def search(self) -> SearchRecord:
        """What a search has come to: it begins anew with other weights or prompts."""
        weights = tuple(weight for weight in self.config.weights if weight > 0)
        begun = SearchRecord(weights=weights, prompts=tuple(self.prompts))
        found = existing.search(self.paths)
        if not found or (found.weights, found.prompts) != (begun.weights, begun.prompts):
            found = begun
        return found.within(self.config.pictures).with_loras(list(self.loras))

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
            variants.named(self.typed_prompts(trigger), trigger),
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
        known = {**self.loras, **self.low}
        if key in known:
            return known[key]
        files = self.low if key == self.paths.low("") else self.loras
        return existing.stand_in(self.paths, key) or next(iter(files.values()))

    def files(self, lora: str) -> list[str]:
        """Return the keys of a LoRA's files: its own, and that of its file for low noise."""
        return [lora, self.paths.low(lora)] if self.low else [lora]

    def receipts(self, lora: str) -> list[Path]:
        """Return the receipts of the LoRA of this key: one, or that for high noise first."""
        return [self.paths.receipt(key and f"{key}.") for key in self.files(lora)]

    @property
    def embedded_server(self) -> bool:
        """Whether the pictures are rendered by the embedded server."""
        return self.config.comfy_url == EMBEDDED

    @property
    def _bundled(self) -> Benchmark | None:
        """The family's benchmark that is rendered; None where the user gave a workflow."""
        return self.family.benchmark(self.config.bench_workflow)

    @property
    def base_model(self) -> Path | None:
        """The base model; None for a LoRA from elsewhere whose base model is only on the server."""
        return Path(self.config.base_model) if self.config.base_model else None

    @property
    def autoencoder(self) -> Path | None:
        """The model that the training pictures are passed through; None where none is read here."""
        return self.base_model if "vae" in self.family.parts else None

    @property
    def checkpoint_name(self) -> str | None:
        """The checkpoint that the workflow is made to load; None: as the workflow says."""
        return self.config.bench.checkpoint or self._base_name

    @property
    def _base_name(self) -> str | None:
        """The name of the base model for the workflow; None where that names its own."""
        if not self.base_model:
            return None
        if self.embedded_server:
            return self.base_model.name
        free = self._bundled or loaded.PLACEHOLDER.fullmatch(self._loads or "")
        return base_choice.listed_name(self.base_model) if free else None

    @cached_property
    def _loads(self) -> str | None:
        """The checkpoint that the workflow loads on a ComfyUI; None if unknown."""
        return None if self.embedded_server else base_choice.loads(self.config.model_dump())

    @cached_property
    def drawn(self) -> base_choice.Drawn | None:
        """The checkpoint that renders the pictures; None if unknown."""
        return base_choice.find(self.checkpoint_name or self._loads, self.config.model_dump())

    @cached_property
    def renders_base(self) -> bool:
        """Whether the pictures are known to be rendered with the base model."""
        if self.embedded_server and not self.config.bench.checkpoint:
            return True
        if not self.base_model or not self.drawn:
            return False
        digests = Digests(layout.DIGESTS)
        return base_choice.is_same(self.base_model, self.base_digest, self.drawn, digests)

    @cached_property
    def drawn_elsewhere(self) -> base_choice.Drawn | None:
        """The checkpoint that renders the pictures, if the LoRA is trained on another."""
        elsewhere = not self.training and not existing.record(self.paths)
        if elsewhere or not self.drawn or not self.base_model or self.renders_base:
            return None
        return self.drawn

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
            train=self._recorded_training,
        )

    @property
    def _recorded_training(self) -> TrainSettings:
        """The settings of the training; what it kept on its way stays as it was once it is over.

        Where the record has to be written, Snakemake overlooks all that is missing behind it.
        """
        found = existing.record(self.paths)
        if not found or not existing.is_there(self.paths.lora):
            return self.config.train
        kept = found.train.model_dump(include=set(WITHOUT_EFFECT))
        return self.config.train.model_copy(update=kept)

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
                "family": None if self.base_model else self.family.name,
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
            tokens=reads if isinstance(reads, int) else self.family.caption_tokens,
        )

    @cached_property
    def risks(self) -> list[Risk]:
        """What the captions and settings say will spoil the training; none where it is over."""
        if not self.training or not self.raw or existing.is_there(self.paths.lora):
            return []
        return checks.find(facts.of_raw(self.raw, self.use))

    @cached_property
    def workflow_digest(self) -> str:
        """Digest of the benchmark workflow's content; its mtime means nothing."""
        return files.sha256(Path(self.config.bench_workflow))
