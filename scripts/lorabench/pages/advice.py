"""Choose what to try next after a verdict: one change of the run's settings.

Rendering more comes before training again: it takes minutes, and keeps the LoRA.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorabench import layout
from lorabench.base import families
from lorabench.base.stable_diffusion import BUNDLED, SD15
from lorabench.bench.verdicts.verdict import TOO_LITTLE, Verdict
from lorabench.dataset.raw import is_regularization
from lorabench.run.record import RunRecord
from lorabench.settings.models import BUNDLED_BASE, TrainSettings
from lorabench.sweep.record import SweepRecord

Settings = Mapping[str, Any]

ENOUGH_PROMPTS = 8
_REMEDIES = frozenset(
    {"trigger_unsaid", "few_pictures", "captions_alike", "subject_alike", "detail_lost", "no_style"}
)
"""What no setting mends: the sentence itself says what does."""
_TOP = 1.0
"""A LoRA should work up to here."""
_LOWEST = 0.2
_FINEST = 0.1
"""Weights nearer than this differ too little to draw one between."""
_TOO_MUCH = ("fried", "lost", "copies", "broken")


@dataclass(frozen=True)
class Advice:
    """A change: its code for `words.ADVICE`, and the records of the next run."""

    code: str
    record: RunRecord | None
    sweep: SweepRecord


def advise(verdict: Verdict, record: RunRecord | None, sweep: SweepRecord) -> Advice | None:
    """Return the first change that helps; None if none is known.

    Without a record the LoRA was made elsewhere, so the advice is not to train it.
    """
    code, change = next(_changes(verdict, record, sweep), (None, {}))
    if not code:
        return None
    if record and change.keys() & {"train", "reg_set"}:
        train = {**record.identity.train, **change.get("train", {})}
        identity = record.identity.model_copy(update={"train": train})
        reg_set = change.get("reg_set", record.reg_set)
        another = record.model_copy(update={"run_id": "", "reg_set": reg_set, "identity": identity})
        return Advice(code, another, sweep.model_copy(update={"skip_train": False}))
    return Advice(code, record, sweep.model_copy(update=change))


def _changes(
    verdict: Verdict, record: RunRecord | None, sweep: SweepRecord
) -> Iterator[tuple[str, Settings]]:
    """Yield changes of settings with their codes, the best first."""
    found = {one.code for one in (*verdict.reasons, *verdict.unknown)}
    weights = sorted(sweep.weights)
    above = tuple(sorted({*weights, *(round(weights[-1] + step, 2) for step in (0.2, 0.4))}))
    if found & {"base_constant", "base_noise", "base_alike"}:
        return  # it is not the LoRA
    if "no_baseline" in found:
        yield "baseline", {"baseline": True}
    if "only_baseline" in found:
        yield "weights", {"weights": (0.4, 0.6, 0.8)}
    if verdict.label in _TOO_MUCH and (weight := _gentler(verdict, weights)):
        code = "lower_weights" if weight < min(filter(None, weights)) else "between_weights"
        yield code, {"weights": tuple(sorted({weight, *weights}))}
    if verdict.label in TOO_LITTLE and weights[-1] < _TOP:
        yield "higher_weights", {"weights": above}
    if verdict.label != "works" and found & _REMEDIES:
        return
    if record:
        yield from _trainings(verdict, record.train)
    if verdict.label == "works" and "highest" in found and weights[-1] < 2 * _TOP:
        yield "higher_weights", {"weights": above}
    if record and verdict.label == "works" and "leaks" in found and not record.reg_set:
        yield "reg_set", {"reg_set": _beside(record)}
    if verdict.label == "uncertain" and "prompts_needed" in found:
        yield from _more_pictures(record, sweep)
    if found & {"few_triggers", "no_untriggered"} and sweep.probe != "full":
        yield "probes", {"probe": "full"}
    if "no_training_set" in found:
        yield "look", {"seeds": _more_seeds(sweep)}  # no number of prompts lets the style be judged
    yield from _more_pictures(record, sweep)


def _gentler(verdict: Verdict, weights: Sequence[float]) -> float | None:
    """Return a weight that may do less, without doing too little; None if none is likely to."""
    above = [weight for weight in weights if weight > 0]
    little = [one for one in above if verdict.labels.get(layout.weight_name(one)) in TOO_LITTLE]
    if not little:
        return round(above[0] / 2, 2) if above and above[0] > _LOWEST else None
    higher = next((weight for weight in above if weight > little[-1]), little[-1])
    return round((little[-1] + higher) / 2, 2) if higher - little[-1] > _FINEST else None


def _trainings(verdict: Verdict, train: TrainSettings) -> Iterator[tuple[str, Settings]]:
    length, number = ("steps", train.steps) if train.steps else ("epochs", train.epochs or 1)
    rates = {"unet_lr": train.unet_lr, "text_encoder_lr": train.text_encoder_lr}
    if verdict.label == "weak":
        yield "longer", {"train": {length: number * 2}}
    if verdict.label == "dead":
        yield "higher_rate", {"train": _times(3, rates)}
    if verdict.label in ("fried", "lost", "broken"):
        yield "lower_rate", {"train": _times(1 / 3, rates)}
    if verdict.label == "copies":
        yield "shorter", {"train": {length: max(1, number // 2)}}


def _beside(record: RunRecord) -> str:
    """Return the regularization pictures in the raw set itself, or a name for a set of them."""
    own = layout.raw_set(record.identity.profile, record.raw_set)
    names = sorted(path.name for path in own.glob("*/")) if own.is_dir() else []
    return next(filter(is_regularization, names), "plain")


def _times(factor: float, rates: Mapping[str, float]) -> dict[str, float]:
    return {name: float(f"{rate * factor:.2g}") for name, rate in rates.items()}


def _more_pictures(record: RunRecord | None, sweep: SweepRecord) -> Iterator[tuple[str, Settings]]:
    """Yield more prompts, which count for more, or more seeds."""
    asked = [one for one in sweep.variants if not one.probe]
    if len(asked) < ENOUGH_PROMPTS and not sweep.prompts and (more := _prompts(record, sweep)):
        yield "prompts", {"prompts": more}
    yield "seeds", {"seeds": _more_seeds(sweep)}


def _prompts(record: RunRecord | None, sweep: SweepRecord) -> str:
    """Return what to ask for besides: what the family of the base model knows."""
    if not sweep.trigger:
        return ""  # they are made for trigger words
    family = families.of_workflow(sweep.bench_workflow)
    if family and (bundled := family.benchmark(sweep.bench_workflow)):
        return bundled.prompts
    name = record.identity.base_model.name if record else sweep.checkpoint
    family = BUNDLED if name == Path(BUNDLED_BASE).name else SD15
    return family.preset["prompts"]


def _more_seeds(sweep: SweepRecord) -> tuple[int, ...]:
    last = max(sweep.seeds)
    return (*sweep.seeds, last + 1, last + 2)
