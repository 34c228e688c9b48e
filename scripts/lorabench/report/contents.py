"""From a run's files to what the page's scripts are given, and to the pictures it embeds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorabench.bench import origin, shown
from lorabench.bench.cell import Cell, size
from lorabench.bench.variants import probe_of
from lorabench.bench.verdicts import words
from lorabench.bench.verdicts.verdict import Finding, Verdict
from lorabench.dataset import kind
from lorabench.report import strings, tables
from lorabench.report.prose import japanese
from lorabench.report.run import Run
from lorabench.report.thumbnails import SMALL_SIDE, Thumbnail, side

SHOWN_TRAINING = 24
"""How many training pictures stand on the page besides those that are nearest to a picture."""
SHOWN_REJECTED = 100
"""How many rejected pictures are shown; all are listed."""

Limits = Mapping[str, float]
DECIDING: Mapping[str, Callable[[Limits], float | None]] = {
    "style_gained": lambda limits: limits.get("style"),
    "structure": lambda limits: limits.get("structure"),
    "style_beside": lambda limits: limits.get("beside"),
    "outside": lambda limits: limits.get("outside"),
    "ssim": lambda limits: 1 - limits["change"] if "change" in limits else None,
    "prompts_apart": lambda limits: limits.get("prompts_apart"),
    "trigger_similarity": lambda limits: limits.get("copy_similarity"),
}
"""The metrics that the verdict stands on, as they are shown first, and what gives their limit."""

Both = dict[str, str]
"""A text by language."""


@dataclass(frozen=True)
class Training:
    """A picture of the training set."""

    name: str
    path: Path
    caption: str
    shown: bool
    """Whether it stands among the examples."""


@dataclass(frozen=True)
class Rejected:
    """A raw picture that was left out."""

    name: str
    source: str
    kind: str
    reason: str
    path: Path | None
    """Where its copy is, if it is to be shown."""


def finding(found: Finding) -> Both:
    """Return a finding in both languages."""
    return {"en": words.finding(found, "en"), "ja": words.finding(found, "ja")}


def label(name: str) -> Both:
    """Return the label of a verdict in both languages."""
    return {"en": words.label(name, "en"), "ja": words.label(name, "ja")}


def prompt(variant: str) -> Both:
    """Return what a prompt is called, in both languages."""
    return {"en": shown.label(variant, "en"), "ja": shown.label(variant, "ja")}


def no_weight(verdict: Verdict) -> Both:
    """Return why there is no weight to use, in both languages."""
    return {"en": words.no_weight(verdict, "en"), "ja": words.no_weight(verdict, "ja")}


def in_words(text: str) -> Both:
    """Return a warning or a reason, which files have in English, in both languages."""
    return {"en": text, "ja": japanese(text)}


def training(run: Run) -> list[Training]:
    """Return the training pictures to embed: examples, evenly chosen, and the nearest ones."""
    number = len(run.training)
    step = max(1, number / SHOWN_TRAINING)
    some = {run.training[int(at * step)] for at in range(min(number, SHOWN_TRAINING))}
    nearest = {path for row in run.metrics if (path := nearest_path(run, row))}
    return [
        Training(f"t{at}", path, _caption(path), path in some)
        for at, path in enumerate(sorted(some | {path for path in nearest if path.is_file()}))
    ]


def nearest_path(run: Run, row: tables.Row) -> Path | None:
    """Return the training picture that a picture is nearest to, wherever the set lies now."""
    if not (run.dataset and row.get("nearest")):
        return None
    return run.dataset / "images" / Path(row["nearest"]).name


def rejected(run: Run) -> list[Rejected]:
    """Return the raw pictures that were left out, each with its reason."""
    rows = [row for row in run.preprocess if row["ok"] != "True"]
    return [
        Rejected(f"r{at}", row["source"], kind(row["reason"]), row["reason"], _copy(run, row, at))
        for at, row in enumerate(rows)
    ]


def thumbnails(run: Run, examples: list[Training], left_out: list[Rejected]) -> Iterator[Thumbnail]:
    """Yield all pictures to embed, those of the sweep first, in the order of the table."""
    longest = side(len(run.metrics))
    for at, row in enumerate(run.metrics):
        if run.is_there(row):
            yield Thumbnail(f"p{at}", run.bench / row["file"], longest)
    for one in examples:
        yield Thumbnail(one.name, one.path, SMALL_SIDE)
    for one in left_out:
        if one.path:
            yield Thumbnail(one.name, one.path, SMALL_SIDE)


def for_scripts(run: Run, examples: list[Training]) -> dict[str, Any]:
    """Return the data of the page's scripts, as JSON takes them."""
    metrics = tables.metrics_of(run.metrics[0]) if run.metrics else []
    names = {one.path: one.name for one in examples}
    variants = _variants(run)
    order = {variant["name"]: at for at, variant in enumerate(variants)}
    pictures = [_picture(run, at, row, order, metrics, names) for at, row in enumerate(run.metrics)]
    of_weights = metrics + (tables.of_a_weight(run.summary[0]) if run.summary else [])
    limits = run.verdict.thresholds if run.verdict else {}
    return {
        "run": run.name,
        "texts": strings.keyed(),
        "variants": variants,
        "metrics": metrics,
        "pictures": sorted(pictures, key=lambda picture: picture["variant"]),
        "training": {one.name: {"file": one.path.name, "caption": one.caption} for one in examples},
        "summary": tables.summary(run.summary, of_weights),
        "summary_metrics": of_weights,
        "deciding": {column: limit(limits) for column, limit in DECIDING.items()},
        "shape": _shape(run),
        "loss": tables.loss(run.loss) if run.loss else None,
        "window": list(run.verdict.window) if run.verdict and run.verdict.window else None,
        "weight": run.verdict.weight if run.verdict else None,
        "tie": run.verdict.tie if run.verdict else [],
        "judged": bool(run.verdict and run.verdict.label != "uncertain"),
    }


def ruler(run: Run) -> list[dict[str, Any]]:
    """Return the weights that were drawn, each with its own label and its part in the verdict."""
    verdict = run.verdict or Verdict("uncertain", None, None)
    low, high = verdict.window or (float("inf"), float("-inf"))
    of_prompts = {float(row["weight"]) for row in run.metrics if not row.get("probe")}
    return [
        {
            "weight": weight,
            "label": verdict.labels.get(f"{weight:.2f}"),
            "usable": low <= weight <= high,
            "chosen": weight == verdict.weight,
            "tied": weight in verdict.tie,
        }
        for weight in sorted(of_prompts)
    ]


def _picture(
    run: Run,
    at: int,
    row: tables.Row,
    order: dict[str, int],
    metrics: list[dict[str, str]],
    names: dict[Path, str],
) -> dict[str, Any]:
    """Return one picture; its seed as text, for JavaScript has no whole numbers of 64 bits."""
    return {
        "id": f"p{at}" if run.is_there(row) else None,
        "variant": order[row.get("variant") or ""],
        "weight": float(row["weight"]),
        "seed": row["seed"],
        "index": int(row["index"]),
        "file": f"bench/{row['file']}",
        "values": [tables.number(row.get(metric["column"])) for metric in metrics],
        "nearest": names.get(nearest_path(run, row)),
        "mirrored": row.get("nearest_mirrored") == "True",
    }


def _variants(run: Run) -> list[dict[str, Any]]:
    """Return the prompts in the order of the sweep; those that it does not know come last."""
    used = dict.fromkeys(row.get("variant") or "" for row in run.metrics)
    known = {one["name"]: one for one in run.sweep.get("variants", [])}
    names = [
        *(name for name in known if name in used),
        *(name for name in used if name not in known),
    ]
    return [_variant(run, name, known.get(name, {})) for name in names]


def _variant(run: Run, name: str, known: dict[str, Any]) -> dict[str, Any]:
    text = known.get("text") or _prompt_in_a_picture(run, name)
    return {"name": name, "label": prompt(name), "probe": probe_of(name), "text": text}


def _prompt_in_a_picture(run: Run, variant: str) -> str:
    paths = (run.bench / row["file"] for row in run.metrics if row.get("variant", "") == variant)
    first = next((path for path in paths if path.is_file()), None)
    return origin.prompt([Cell.parse(first)]) if first else ""


def _shape(run: Run) -> float:
    """Return width / height of the first picture, so that the page keeps room for all."""
    for row in run.metrics:
        if run.is_there(row):
            width, height = size(run.bench / row["file"])
            return width / height
    return 1.0


def _caption(path: Path) -> str:
    beside = path.with_suffix(".txt")
    return beside.read_text(encoding="utf-8", errors="replace") if beside.is_file() else ""


def _copy(run: Run, row: tables.Row, at: int) -> Path | None:
    path = run.folder / "rejected" / row["source"]
    return path if at < SHOWN_REJECTED and path.is_file() else None
