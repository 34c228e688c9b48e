"""From a run's files to what the page's scripts are given, and to the pictures it embeds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorabench.bench.embeddings.embedding import BASE
from lorabench.bench.measures import columns
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.dataset.refusals import Refusal
from lorabench.layout import weight_name
from lorabench.pages import tables
from lorabench.pages.finished_run import FinishedRun, Measured
from lorabench.pages.thumbnails import SMALL_SIDE, Thumbnail, side
from lorabench.pages.words import keyed
from lorabench.sweep import labels as shown
from lorabench.sweep import loras
from lorabench.sweep.loras import SweptLora
from lorabench.sweep.pictures import Picture, relative, size
from lorabench.sweep.variants import Variant

SHOWN_TRAINING = 24
"""How many training pictures stand on the page besides those that are nearest to a picture."""
SHOWN_REJECTED = 100
"""How many rejected pictures are shown; all are listed."""

Limits = Mapping[str, float]
DECIDING: Mapping[str, Callable[[Limits], float | None]] = {
    "style_gained": lambda limits: limits.get("style"),
    "likeness": lambda limits: limits["likeness"] if limits.get("likeness", -1) > -1 else None,
    "prompt_kept": lambda limits: limits.get("prompt_kept"),
    "structure": lambda limits: limits.get("structure"),
    "style_beside": lambda limits: limits.get("beside"),
    "outside": lambda limits: limits.get("outside"),
    "ssim": lambda limits: 1 - limits["change"] if "change" in limits else None,
    "prompts_apart": lambda limits: limits.get("prompts_apart"),
    "trigger_similarity": lambda limits: limits.get("copy_similarity"),
}
"""The metrics that the verdict stands on, as they are shown first, and what gives their limit."""
_BY_EMBEDDING = {"prompt": "prompt_kept", "likeness": "likeness"}
"""What of an embedding the verdict stands on, and the metric whose limit it has."""

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
    why: Refusal
    path: Path | None
    """Where its copy is, if it is to be shown."""


def prompt(of: Picture | Variant) -> Both:
    """Return what a prompt is called, in both languages."""
    en, ja = (shown.label(of.prompt, of.probe, language) for language in ("en", "ja"))
    return {"en": en, "ja": ja}


def named(lora: SweptLora) -> Both:
    """Return what a LoRA is called, in both languages."""
    return {"en": loras.label(lora), "ja": loras.label(lora, "ja")}


def training(run: FinishedRun) -> list[Training]:
    """Return the training pictures to embed: examples, evenly chosen, and the nearest ones."""
    number = len(run.training)
    step = max(1, number / SHOWN_TRAINING)
    some = {run.training[int(at * step)] for at in range(min(number, SHOWN_TRAINING))}
    nearest = {path for one in run.every if (path := nearest_path(run, one))}
    return [
        Training(f"t{at}", path, _caption(path), path in some)
        for at, path in enumerate(sorted(some | {path for path in nearest if path.is_file()}))
    ]


def nearest_path(run: FinishedRun, one: Measured) -> Path | None:
    """Return the training picture that a picture is nearest to, in the set's present folder."""
    nearest = one.values.get("nearest")
    return run.training_set / Path(nearest).name if run.training_set and nearest else None


def rejected(run: FinishedRun) -> list[Rejected]:
    """Return the raw pictures that were left out, each with its reason."""
    return [
        Rejected(f"r{at}", row["source"], Refusal.of_row(row), _copy(run, row, at))
        for at, row in enumerate(run.rejected)
    ]


def thumbnails(
    run: FinishedRun, examples: list[Training], left_out: list[Rejected]
) -> Iterator[Thumbnail]:
    """Yield all pictures to embed, those of the sweep first, in the order of the table."""
    longest = side(len(run.every))
    for one in run.every:
        if one.is_there:
            yield Thumbnail(one.name, one.picture.path, longest)
    for beside in (*examples, *left_out):
        if beside.path:
            yield Thumbnail(beside.name, beside.path, SMALL_SIDE)


def for_scripts(run: FinishedRun, examples: list[Training]) -> dict[str, Any]:
    """Return the data of the page's scripts, as JSON takes them."""
    metrics = tables.metrics_of(run.measured[0].values) if run.measured else []
    names: dict[Path | None, str] = {one.path: one.name for one in examples}
    by_lora = [run.variants_of(lora) for lora in run.loras]
    variants = run.variants
    for own in by_lora:  # a probe that the chosen one lacks comes last
        variants |= {name: one for name, one in own.items() if name not in variants}
    pictures = [_picture(run, one, list(variants), metrics, names) for one in run.every]
    of_weights = metrics + (tables.of_a_weight(run.summary[0]) if run.summary else [])
    limits = run.verdict.thresholds if run.verdict else {}
    return {
        "run": run.name,
        "texts": keyed(""),
        "loras": [
            _lora(run, lora, _other_texts(own, variants))
            for lora, own in zip(run.loras, by_lora, strict=True)
        ],
        "lora": run.lora_shown,
        "course": _course(run) if len(run.loras) > 1 and run.every_summary else None,
        "variants": list(map(_variant, variants.values())),
        "metrics": metrics,
        "pictures": sorted(pictures, key=lambda picture: picture["variant"]),
        "training": {one.name: {"file": one.path.name, "caption": one.caption} for one in examples},
        "summary": tables.summary(run.summary, of_weights),
        "summary_metrics": of_weights,
        "deciding": deciding([metric["column"] for metric in of_weights], limits),
        "shape": _shape(run),
        "loss": tables.loss(run.loss) if run.loss else None,
        "held_out": tables.held_out(run.loss),
        "window": list(run.verdict.window) if run.verdict and run.verdict.window else None,
        "weight": run.verdict.weight if run.verdict else None,
        "tie": run.verdict.tie if run.verdict else [],
        "judged": bool(run.verdict and run.verdict.label != "uncertain"),
    }


def deciding(columns: Sequence[str], limits: Limits) -> dict[str, float | None]:
    """Return the metrics to show first, in their order, and their limits; None is without."""
    kinds = {column: column.rpartition("_")[2] for column in columns if column not in DECIDING}
    embedded = {
        column: DECIDING[_BY_EMBEDDING[kind]](limits)
        for column, kind in kinds.items()
        if kind in _BY_EMBEDDING and not column.startswith(f"{BASE}_")
    }
    return {column: limit(limits) for column, limit in DECIDING.items()} | embedded


def tied(verdict: Verdict) -> str:
    """Return the weights of a tie, each with its score where the file has it."""
    names = map(weight_name, verdict.tie)
    return " · ".join(
        f"{name} ({verdict.scores[name].mean:.2f})" if name in verdict.scores else name
        for name in names
    )


def ruler(run: FinishedRun) -> list[dict[str, Any]]:
    """Return the weights that were drawn, each with its own label and its part in the verdict."""
    verdict = run.verdict or Verdict("uncertain", None, None)
    low, high = verdict.window or (float("inf"), float("-inf"))
    of_prompts = {one.picture.weight for one in run.measured if not one.picture.probe}
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
    run: FinishedRun,
    one: Measured,
    order: list[str],
    metrics: list[dict[str, str]],
    names: dict[Path | None, str],
) -> dict[str, Any]:
    """Return one picture; its seed as text, for JavaScript has no whole numbers of 64 bits."""
    picture = one.picture
    return {
        "id": one.name if one.is_there else None,
        "loras": [at for at, lora in enumerate(run.loras) if one.is_of(lora)] or [0],
        "variant": order.index(picture.variant),
        "weight": picture.weight,
        "seed": str(picture.seed),
        "index": picture.index,
        "file": relative(picture.path, run.folder),
        "values": [tables.number(one.values.get(metric["column"])) for metric in metrics],
        "nearest": names.get(nearest_path(run, one)),
        "mirrored": one.values.get("nearest_mirrored") == "True",
    }


def _other_texts(own: Mapping[str, Variant], variants: Mapping[str, Variant]) -> dict[int, str]:
    """Return a LoRA's prompts that have other words than the page's, by their places there."""
    return {
        at: own[name].text or ""
        for at, (name, variant) in enumerate(variants.items())
        if name in own and own[name].text != variant.text
    }


def _lora(run: FinishedRun, lora: SweptLora, texts: Mapping[int, str]) -> dict[str, Any]:
    """Return one of several LoRAs: its name, what its verdict says, its own words of prompts."""
    judged = run.verdict.choice.each.get(lora.key) if run.verdict and run.verdict.choice else None
    return {
        "key": lora.key,
        "label": named(lora),
        "texts": texts,
        "weight": judged and judged.weight,
        "window": list(judged.window) if judged and judged.window else None,
        "tied": bool(run.verdict and run.verdict.choice and lora.key in run.verdict.choice.tie),
    }


def _course(run: FinishedRun) -> dict[str, Any]:
    """Return the means of several LoRAs at one weight, that of the one to use, and their places.

    `steps` are those after which each was saved, where the training has a log.
    """
    unit, places = loras.places(run.loras)
    epochs = places if unit == "epoch" and run.loss and "epoch" in run.loss[0] else []
    metrics = [tables.described(column) for column in columns.COURSE]
    of_weight = [row for row in run.every_summary if float(row["weight"]) == run.shown]
    values = {
        row.get(columns.LORA, ""): one["values"]
        for row, one in zip(of_weight, tables.summary(of_weight, metrics), strict=True)
    }
    return {
        "weight": run.shown,
        "series": loras.is_series(run.loras),
        "unit": unit,
        "places": places,
        "steps": places if unit == "step" else tables.ends(run.loss, epochs),
        "metrics": metrics,
        "values": [values.get(one.key, {}) for one in run.loras],
    }


def _variant(variant: Variant) -> dict[str, Any]:
    return {
        "name": variant.name,
        "label": prompt(variant),
        "probe": variant.probe,
        "text": variant.text or "",
    }


def _shape(run: FinishedRun) -> float:
    """Return width / height of the first picture, so that the page keeps room for all."""
    first = next((one.picture.path for one in run.measured if one.is_there), None)
    width, height = size(first) if first else (1, 1)
    return width / height


def _caption(path: Path) -> str:
    beside = path.with_suffix(".txt")
    return beside.read_text(encoding="utf-8", errors="replace") if beside.is_file() else ""


def _copy(run: FinishedRun, row: tables.Row, at: int) -> Path | None:
    path = run.folder / "rejected" / row["source"]
    return path if at < SHOWN_REJECTED and path.is_file() else None
