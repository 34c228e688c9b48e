"""Read everything that the pages show of a run, finished or not."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from lorabench.bench.measures import columns, rows
from lorabench.bench.measures.faults import Fault
from lorabench.bench.measures.faults import read as read_faults
from lorabench.bench.verdicts import stored
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.dataset import check
from lorabench.errors import UserError
from lorabench.pages import tables
from lorabench.run.record import RunRecord
from lorabench.settings.formats import reading
from lorabench.sweep import origin
from lorabench.sweep.loras import SweptLora, holds, label
from lorabench.sweep.pictures import Picture
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.variants import Variant, usual_weight
from lorabench.train import history

Content = TypeVar("Content")

_OF_PICTURES = ("source", "ok", "reason")
_OF_TRAINING = ("run.yaml", "train/train_log.csv", "preprocess_log.csv")


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval; the ends are None if there were too few pictures."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Measured:
    """A picture and its row of metrics.csv."""

    picture: Picture
    values: Mapping[str, str]
    """By column; empty if nothing was measured."""
    at: int = 0
    """Its place in the table: on a page, its picture is called after it."""

    @property
    def name(self) -> str:
        """What its picture is called on a page."""
        return f"p{self.at}"

    def is_of(self, lora: SweptLora) -> bool:
        """Return whether it is one of this LoRA, or one without any that it shares."""
        return holds(lora, self.picture.lora, self.picture.weight)

    @property
    def is_there(self) -> bool:
        """Whether the picture exists."""
        return self.picture.path.is_file()


@dataclass
class FinishedRun:
    """A run; what is missing is empty or None."""

    folder: Path
    training_set: Path | None = None
    """`images/` of the normalized set, where it is known."""
    record: RunRecord | None = None
    sweep: SweepRecord | None = None
    verdict: Verdict | None = None
    faults: list[Fault] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    """The pictures of the last sweep, in the order of metrics.csv."""
    summary: list[tables.Row] = field(default_factory=list)
    every_summary: list[tables.Row] = field(default_factory=list)
    """That of all of several LoRAs, as `every` is of the pictures."""
    loss: list[tables.Row] = field(default_factory=list)
    preprocess: list[tables.Row] = field(default_factory=list)
    workflow: Any = None
    files: list[Path] = field(default_factory=list)
    """Its LoRAs."""
    loras: tuple[SweptLora, ...] = ()
    """Of several, in order; sweep, pictures and summary are of the one that the verdict is on."""
    whole: SweepRecord | None = None
    """The sweep of all of them; of one LoRA, the same as `sweep`."""
    asked: bool = False
    """Whether one of them was asked for by name."""
    every: list[Measured] = field(default_factory=list)
    """The pictures of all of them; of one LoRA, the same as `measured`."""
    training: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What was looked for and is not there, as paths from `folder`; not what a run that was only
    benched never has."""

    @property
    def name(self) -> str:
        """The run's name, with that of the one of several LoRAs that was asked for."""
        name = self.record.run_id if self.record else self.folder.resolve().name
        return f"{name} {label(self.loras[self.lora_shown])}" if self.asked else name

    @property
    def bench(self) -> Path:
        """The folder of the pictures."""
        return self.folder / "bench"

    @property
    def base_model(self) -> str:
        """The name of the model that the LoRA was trained on; empty where no record has it."""
        return self.record.identity.base_model.name if self.record else ""

    @property
    def only_benched(self) -> bool:
        """Whether the LoRA is from elsewhere, so that its training has no record."""
        return bool(self.sweep and self.sweep.only_benched) and not self.record

    @property
    def shows_set(self) -> bool:
        """Whether a page has a place for what became of the raw pictures."""
        return bool(self.preprocess) or not self.only_benched

    @property
    def lora_shown(self) -> int:
        """Which of several LoRAs the verdict is on, by its place."""
        chosen = self.verdict.choice.lora if self.verdict and self.verdict.choice else None
        keys = [one.key for one in self.loras]
        return keys.index(chosen) if chosen in keys else 0

    @property
    def is_empty(self) -> bool:
        """Whether the folder has no part of a run."""
        return not (self.record or self.sweep or self.measured or self.loss)

    @cached_property
    def pictures(self) -> list[Picture]:
        """The pictures of the last sweep that exist."""
        return [one.picture for one in self.measured if one.is_there]

    @cached_property
    def weights(self) -> list[float]:
        """The weights that were rendered, ascending."""
        return sorted({picture.weight for picture in self.pictures})

    @property
    def best(self) -> float | None:
        """The recommended weight, if its pictures are there."""
        weight = self.verdict.weight if self.verdict else None
        return weight if weight in self.weights else None

    @property
    def shown(self) -> float:
        """The weight to show first: the recommended one, else the one nearest to 0.8."""
        asked = [picture.weight for picture in self.pictures if not picture.probe]
        return usual_weight(asked or self.weights) if self.best is None else self.best

    @property
    def variants(self) -> dict[str, Variant]:
        """What was rendered, by key, in the order of the sweep; what it does not know comes last.

        Where no record has the words of a prompt, its pictures have them.
        """
        return _variants(self.measured, self.sweep)

    def variants_of(self, lora: SweptLora) -> dict[str, Variant]:
        """Return the same of one of several LoRAs."""
        sweep = self.whole.only(lora.key) if self.whole else None
        return _variants([one for one in self.every if one.is_of(lora)], sweep)

    @cached_property
    def curves(self) -> dict[str, dict[float, Interval]]:
        """The metrics over the weight: column -> weight -> mean with its interval."""
        found: dict[str, dict[float, Interval]] = {}
        for row in self.summary:
            weight = float(row["weight"])
            for key in (key for key in row if f"{key}_low" in row):
                ends = [tables.number(row.get(f"{key}{end}")) for end in ("_low", "_high")]
                ends = [None, None] if None in ends else ends
                if (mean := tables.number(row[key])) is not None:
                    found.setdefault(key, {})[weight] = Interval(mean, *ends)
        return found

    @property
    def trained_on(self) -> dict[str, str]:
        """The raw pictures that were trained on: name by SHA-256."""
        return {row["source_sha256"]: row["source"] for row in self.preprocess if _is_used(row)}

    @property
    def rejected(self) -> list[tables.Row]:
        """The raw pictures that were left out, with their reasons."""
        return [row for row in self.preprocess if not _is_used(row)]


def read(folder: Path, training_set: Path | None = None, lora: str | None = None) -> FinishedRun:
    """Read what there is of a run, trained on the pictures in `training_set` where it is known.

    `lora` is the key of one of several LoRAs; by default it is the one that the verdict chose.

    Raises `UserError` for a file that is damaged.
    """
    run = FinishedRun(folder, training_set)

    def part(name: str, reader: Callable[[Path], Content], empty: Content) -> Content:
        if (folder / name).exists():
            return reader(folder / name)
        run.missing.append(name)
        return empty

    run.record = part("run.yaml", RunRecord.read, None)
    run.whole = part("bench/sweep.yaml", SweepRecord.read, None)
    run.verdict = part("bench/verdict.json", stored.read, None)
    if lora is not None and run.verdict and run.verdict.choice:
        run.asked = True
        choice = replace(run.verdict.choice, lora=lora)
        run.verdict = replace(choice.each[lora], choice=choice)
    run.loras = run.whole.loras if run.whole else ()
    shown = run.loras[run.lora_shown] if run.loras else None
    run.sweep = run.whole.only(shown.key) if run.whole and shown else run.whole
    run.faults = part("bench/warnings.json", read_faults, [])
    run.measured = part("bench/metrics.csv", lambda path: list(_measured(path, run.sweep)), [])
    if not run.measured:
        run.measured = [Measured(one, {}, at) for at, one in enumerate(_rendered(run))]
    run.every = run.measured
    run.every_summary = run.summary = part("bench/summary.csv", rows.of_weights, [])
    if shown:
        run.measured = [one for one in run.every if one.is_of(shown)]
        run.summary = [row for row in run.summary if row.get(columns.LORA, "") == shown.key]
    run.workflow = part("bench/workflow.json", _json, None)
    run.loss = part("train/train_log.csv", history.rows, [])
    run.preprocess = part("preprocess_log.csv", partial(check.log, needed=_OF_PICTURES), [])
    if training_set:
        run.training = sorted(training_set.glob("*.png"))
        run.missing += [] if run.training else [f"{training_set.parent.name}/{training_set.name}"]
    if run.only_benched:
        run.missing = [name for name in run.missing if name not in _OF_TRAINING]
    run.files = sorted((folder / "train").glob("*.safetensors"))
    return run


def _rendered(run: FinishedRun) -> Iterator[Picture]:
    """Yield the rendered pictures if nothing was measured."""
    if not run.sweep:
        return origin.labelled(run.bench)
    return (one for one in run.sweep.pictures_in(run.bench) if one.path.is_file())


def _measured(path: Path, sweep: SweepRecord | None) -> Iterator[Measured]:
    known = {one.name: one for one in (sweep.variants if sweep else ())}
    for at, row in enumerate(rows.of_pictures(path)):
        name = row.get("variant") or ""
        prompt = row.get("prompt")
        if prompt is None:  # version 0.1 had no such column
            prompt = known[name].prompt if name in known else name
        try:
            place = name, int(row["seed"]), int(row["index"]), float(row["weight"])
        except ValueError as error:
            raise UserError(f"{path}: not a table of bench_metrics.py ({error})") from None
        probe: Any = row.get("probe") or ""
        lora = row.get(columns.LORA) or ""
        yield Measured(Picture(*place, path.parent / row["file"], prompt, probe, lora), row, at)


def _json(path: Path) -> Any:
    with reading(path, "a workflow"):
        return json.loads(path.read_bytes())


def _variants(measured: Sequence[Measured], sweep: SweepRecord | None) -> dict[str, Variant]:
    used: dict[str, list[Picture]] = {}
    for one in measured:
        used.setdefault(one.picture.variant, []).append(one.picture)
    known = {one.name: one for one in (sweep.variants if sweep else ())}
    order = {name: at for at, name in enumerate(known)}
    names = sorted(used, key=lambda name: order.get(name, len(order)))
    return {name: _worded(known.get(name), used[name]) for name in names}


def _worded(variant: Variant | None, pictures: list[Picture]) -> Variant:
    """Return what was rendered, with its words."""
    first = pictures[0]
    weights = tuple(sorted({one.weight for one in pictures}))
    seeds = tuple(dict.fromkeys(one.seed for one in pictures))
    variant = variant or Variant(first.prompt, None, first.probe, weights, seeds)
    return variant if variant.text else replace(variant, text=origin.prompt(pictures) or None)


def _is_used(row: tables.Row) -> bool:
    return row["ok"] == "True"
