"""What a run has left so far, read from its files; every part may be missing."""

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lorabench.bench import cell
from lorabench.bench.measures import columns
from lorabench.bench.measures.faults import Fault
from lorabench.bench.measures.faults import read as read_faults
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.bench.verdicts.verdict import read as read_verdict
from lorabench.config import read_sweep, read_yaml
from lorabench.errors import UserError
from lorabench.identity import one_trigger
from lorabench.report import tables

Content = TypeVar("Content")

_OF_TRAINING = ("run.yaml", "train/train_log.csv", "preprocess_log.csv")


@dataclass
class Run:
    """A run's files as the page needs them; what is missing is empty or None."""

    folder: Path
    dataset: Path | None
    record: dict[str, Any] = field(default_factory=dict)
    sweep: dict[str, Any] = field(default_factory=dict)
    verdict: Verdict | None = None
    faults: list[Fault] = field(default_factory=list)
    metrics: list[tables.Row] = field(default_factory=list)
    """A row per picture; with the place of the picture alone where nothing was measured."""
    summary: list[tables.Row] = field(default_factory=list)
    loss: list[tables.Row] = field(default_factory=list)
    preprocess: list[tables.Row] = field(default_factory=list)
    workflow: Any = None
    loras: list[Path] = field(default_factory=list)
    training: list[Path] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What was looked for and is not there, as paths from `folder`; not what a
    run that was only benched never has."""

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.record.get("run_id") or self.folder.resolve().name)

    @property
    def base_model(self) -> str:
        """The name of the model that the LoRA was trained on; empty where no record has it."""
        return self.record.get("identity", {}).get("base_model", {}).get("name") or ""

    @property
    def only_benched(self) -> bool:
        """Whether the LoRA is from elsewhere, so that nothing is recorded of its training."""
        return bool(self.sweep.get("skip_train")) and not self.record

    @property
    def bench(self) -> Path:
        """The folder that files of `metrics` are relative to."""
        return self.folder / "bench"

    def is_there(self, row: tables.Row) -> bool:
        """Whether the picture of a row of `metrics` exists."""
        return (self.bench / row["file"]).is_file()


def read(folder: Path, dataset: Path | None) -> Run:
    """Read the run in `folder`, trained on the normalized set `dataset` where one is known.

    Raises:
        UserError: there is no such folder, nothing of a run is in it, or a file is damaged.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such run; its folder is runs/<run_id>")
    run = Run(folder, dataset)

    def part(name: str, reader: Callable[[Path], Content], empty: Content) -> Content:
        if (folder / name).exists():
            return reader(folder / name)
        run.missing.append(name)
        return empty

    run.record = one_trigger(part("run.yaml", read_yaml, {}))
    run.sweep = part("bench/sweep.yaml", read_sweep, {})
    run.verdict = part("bench/verdict.json", read_verdict, None)
    run.faults = part("bench/warnings.json", read_faults, [])
    run.metrics = part("bench/metrics.csv", _table(*columns.PLACE[2:]), [])
    run.metrics = run.metrics or [_place(one, run.bench) for one in _pictures(run.bench)]
    run.summary = part("bench/summary.csv", _table("weight"), [])
    run.workflow = part("bench/workflow.json", _json, None)
    run.loss = part("train/train_log.csv", _table("step", "loss"), [])
    run.preprocess = part("preprocess_log.csv", _table("source", "ok", "reason"), [])
    if dataset:
        run.training = sorted((dataset / "images").glob("*.png"))
        run.missing += [] if run.training else [f"{dataset.name}/images"]
    if run.only_benched:
        run.missing = [name for name in run.missing if name not in _OF_TRAINING]
    run.loras = sorted((folder / "train").glob("*.safetensors"))
    if not (run.record or run.sweep or run.metrics or run.loss):
        raise UserError(f"{folder}: nothing of a run is there; its folder is runs/<run_id>")
    return run


def _table(*needed: str) -> Callable[[Path], list[tables.Row]]:
    return lambda path: tables.read(path, needed)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error})") from None


def _pictures(bench: Path) -> Iterable[cell.Cell]:
    return cell.sweep(bench.glob("**/w*/seed*.png"))


def _place(one: cell.Cell, bench: Path) -> tables.Row:
    return {
        "variant": one.variant,
        "weight": str(one.weight),
        "seed": str(one.seed),
        "index": str(one.index),
        "file": Path(os.path.relpath(one.path, bench)).as_posix(),
    }
