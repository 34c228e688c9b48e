"""What a training set makes possible: `bench/training_set.json`, which the verdict reads.

Some LoRAs fail for what they were trained on: captions that never say the trigger words, or
pictures that the base model's autoencoder cannot give back.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from lorabench.bench.measures import descriptors, detail
from lorabench.bench.measures.style import Axis
from lorabench.dataset import checks
from lorabench.settings.formats import reading
from lorabench.sweep.pictures import Picture, evenly, open_rgb
from lorabench.sweep.variants import has, without

_COMPARED = 16
"""Pictures that are compared with what the autoencoder gives back."""
_AREA = descriptors.SIDE**2


@dataclass(frozen=True)
class TrainingSet:
    """What is known of the pictures that a LoRA was trained on."""

    pictures: int = 0
    captions: int = 0
    """How many different captions they have."""
    with_trigger: int = 0
    """How many pictures have the trigger words in their caption."""
    detail: float | None = None
    """How much fine detail the autoencoder gives back: a correlation, 1 is all of it."""
    apart: float | None = None
    """How far what it gives back is from what the base model draws, in spreads of a descriptor."""
    beside: int = 0
    """How many regularization pictures without the trigger words were trained on, too."""
    subject: str = ""
    """What nearly all captions with the trigger words name; empty if they name this and that."""
    naming: float = 0.0
    """The share of these captions that name it."""


def examine(
    training: Sequence[Path],
    reference: Sequence[Path],
    drawn: Sequence[Picture],
    trigger: str,
    beside: Sequence[Path] = (),
) -> TrainingSet:
    """Examine the `training` pictures, with their captions beside, and the same in `reference`.

    `drawn` are the pictures of the sweep, `beside` the regularization pictures.
    """
    captions = [_caption(path) for path in training]
    given_back = {path.name: path for path in reference}
    pairs = [(path, given_back[path.name]) for path in training if path.name in given_back]
    base = [one.path for one in drawn if one.weight == 0 and not one.probe]
    calling = [without(one, trigger) for one in captions if _calls(one, trigger)] or captions
    subject, naming = next(iter(checks.subject(calling)), ("", 0))
    return TrainingSet(
        pictures=len(training),
        captions=len(set(captions)),
        with_trigger=sum(_calls(caption, trigger) for caption in captions),
        detail=_detail(evenly(pairs, _COMPARED)) if pairs else None,
        apart=_apart(base, reference) if base and reference else None,
        beside=sum(not _calls(_caption(path), trigger) for path in beside),
        subject=subject,
        naming=round(naming / len(calling), 4) if subject else 0.0,
    )


def _calls(caption: str, trigger: str) -> bool:
    return bool(trigger) and has(caption, trigger)


def _caption(path: Path) -> str:
    beside = path.with_suffix(".txt")
    return beside.read_text(encoding="utf-8").strip() if beside.exists() else ""


def _detail(pairs: Sequence[tuple[Path, Path]]) -> float:
    kept = [detail.given_back(open_rgb(one), open_rgb(other)) for one, other in pairs]
    return round(float(np.mean(kept)), 4)


def _apart(base: Sequence[Path], reference: Sequence[Path]) -> float:
    drawn, taught = (
        np.stack([descriptors.describe(descriptors.fitted(open_rgb(path), _AREA)) for path in some])
        for some in (evenly(base, _COMPARED), evenly(reference, _COMPARED))
    )
    return round(Axis.between(drawn, taught).length, 4)


def write(found: TrainingSet, path: Path) -> None:
    """Write it as JSON."""
    path.write_text(json.dumps(asdict(found), indent=2) + "\n", encoding="utf-8")


def read(path: Path) -> TrainingSet:
    """Read what `write` wrote; raise `UserError` for anything else."""
    with reading(path, "what a training set makes possible"):
        return TypeAdapter(TrainingSet).validate_json(path.read_bytes())
