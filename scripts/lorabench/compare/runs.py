"""The runs to compare: found by name or folder, and read from their files."""

import csv
import difflib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lorabench import layout
from lorabench.bench.cell import Cell, sweep
from lorabench.bench.variants import probe_of, usual_weight
from lorabench.bench.verdicts import verdict
from lorabench.config import read_sweep, read_yaml
from lorabench.errors import UserError
from lorabench.identity import one_trigger

_NEAREST = 3


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval; the ends are None where there were too few pictures."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Run:
    """A run with pictures; of what is not there yet, the mappings are empty."""

    name: str
    folder: Path
    record: Mapping[str, Any]
    """run.yaml."""
    sweep: Mapping[str, Any]
    """sweep.yaml."""
    cells: Sequence[Cell]
    pictures: Mapping[str, str]
    """Name by SHA-256 of every picture that it was trained on."""
    rejected: int
    summary: Mapping[str, Mapping[float, Interval]]
    """Metric -> weight -> value."""
    verdict: verdict.Verdict | None

    @cached_property
    def weights(self) -> list[float]:
        """The weights that were rendered, ascending."""
        return sorted({cell.weight for cell in self.cells})

    @property
    def best(self) -> float | None:
        """The recommended weight, if its pictures are there."""
        weight = self.verdict.weight if self.verdict else None
        return weight if weight in self.weights else None

    @property
    def shown(self) -> float:
        """The weight to show first: the recommended one, else the one nearest to 0.8."""
        asked = [cell.weight for cell in self.cells if not probe_of(cell.variant)]
        return usual_weight(asked or self.weights) if self.best is None else self.best

    @cached_property
    def variants(self) -> dict[str, dict[str, Any]]:
        """What sweep.yaml says of each variant that has pictures, by name, in its order."""
        told = {one["name"]: one for one in self.sweep.get("variants") or []}
        told.setdefault("", {"name": "", "text": self.sweep.get("positive")})
        there = {cell.variant for cell in self.cells}
        return {name: told.get(name, {"name": name}) for name in (*told, *sorted(there - set(told)))
                if name in there}  # fmt: skip


def find(words: Sequence[str], runs: Path = layout.RUNS) -> list[Path]:
    """Return the folders of the runs that a user named, by id or by folder.

    Raises:
        UserError: fewer than two, one of them twice, or one that is not there.
    """
    folders = [_find(word, runs) for word in words]
    for number, folder in enumerate(folders):
        if folder.resolve() in [other.resolve() for other in folders[:number]]:
            raise UserError(f"{words[number]}: named twice; a run equals itself.")
    if len(folders) < 2:
        others = [name for name in _names(runs) if name != folders[0].name] if folders else []
        raise UserError(
            f"give two runs or more{f' besides {words[0]}' if words else ''}; "
            f"there are: {', '.join(others) or 'no others'}"
        )
    return folders


def read(folder: Path) -> Run:
    """Read a run.

    Raises:
        UserError: it has no pictures yet, or one of its files cannot be read.
    """
    bench = folder / "bench"
    pictures = _pictures(bench)
    if not pictures:
        raise UserError(
            f"{folder}: this run has no pictures yet, so there is nothing to compare; "
            "finish it with the command that began it, or leave it out."
        )
    record = one_trigger(_yaml(folder / "run.yaml"))
    log = _rows(folder / "preprocess_log.csv")
    used = [row for row in log if row.get("ok") == "True"]
    told = bench / "verdict.json"
    return Run(
        name=str(record.get("run_id") or folder.resolve().name),
        folder=folder,
        record=record,
        sweep=_yaml(bench / "sweep.yaml", read_sweep),
        cells=sweep(pictures),
        pictures={row["source_sha256"]: row["source"] for row in used},
        rejected=len(log) - len(used),
        summary=_summary(bench / "summary.csv"),
        verdict=verdict.read(told) if told.exists() else None,
    )


def _pictures(bench: Path) -> list[Path]:
    """Return the pictures that metrics.csv lists: those of earlier sweeps lie there, too.

    Where nothing was measured, all of them.
    """
    listed = [bench / row["file"] for row in _rows(bench / "metrics.csv") if row.get("file")]
    found = listed or [*bench.glob("w*/seed*.png"), *bench.glob("*/w*/seed*.png")]
    return [path for path in found if path.is_file()]


def _find(word: str, runs: Path) -> Path:
    path = Path(word)
    for folder in (runs / word, path):
        if _is_run(folder):
            return folder
    above = next((parent for parent in path.absolute().parents if _is_run(parent)), None)
    if path.exists() and above:
        raise UserError(f"{word}: lies in a run; name the run itself, {above.name}.")
    if path.suffix == ".html":
        raise UserError(f"{word}: no run; the page to write is named with --output {word}.")
    if "," in word or "=" in word:
        raise UserError(f"{word}: give the runs by name with blanks between them: RUN RUN.")
    names = _names(runs)
    near = difflib.get_close_matches(word, names, _NEAREST, 0.5)
    near = near or [name for name in names if word.lower() in name.lower()][:_NEAREST]
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    else:
        hint = f"there are: {', '.join(names) or 'none yet'}"
    raise UserError(f"{word}: there is no such run in {runs}/; {hint}")


def _is_run(folder: Path) -> bool:
    return (folder / "run.yaml").is_file() or (folder / "bench").is_dir()


def _names(runs: Path) -> list[str]:
    return sorted(folder.name for folder in runs.glob("[!.]*/") if _is_run(folder))


def _yaml(path: Path, reader: Callable[[Path], dict[str, Any]] = read_yaml) -> dict[str, Any]:
    return reader(path) if path.exists() else {}


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as a table ({error}); make it again") from None


def _summary(path: Path) -> dict[str, dict[float, Interval]]:
    found: dict[str, dict[float, Interval]] = {}
    for row in _rows(path):
        try:
            numbers = {key: float(text or "nan") for key, text in row.items() if key}
            weight = numbers["weight"]
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path}: not a summary of bench_metrics.py ({error})") from None
        for key, mean in numbers.items():
            if f"{key}_low" in numbers and math.isfinite(mean):
                ends = (numbers[f"{key}{end}"] for end in ("_low", "_high"))
                low, high = (end if math.isfinite(end) else None for end in ends)
                found.setdefault(key, {})[weight] = Interval(mean, low, high)
    return found
