"""What to try next after a verdict: one change of the run's settings that helps.

What only renders comes before what trains again: it costs minutes, and keeps the LoRA.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lorabench.bench.verdicts.verdict import Verdict

Settings = Mapping[str, Any]

ENOUGH_PROMPTS = 8
SUBJECTS = ("a cat", "a house by the sea", "a portrait of a woman", "a street at night",
            "a bowl of fruit", "a forest path", "a red car")  # fmt: skip
_TOP = 1.0
"""A LoRA is expected to work up to here."""
_LOWEST = 0.2


@dataclass(frozen=True)
class Advice:
    """A change: its code, which `words.ADVICE` puts in words, and the records of the next run."""

    code: str
    record: dict[str, Any]
    sweep: dict[str, Any]


def advise(verdict: Verdict, record: Settings, sweep: Settings) -> Advice | None:
    """Return the first change that helps; None where none is known.

    `record` and `sweep` are run.yaml and sweep.yaml; without `train` in the record, the LoRA was
    made elsewhere, and it is not advised to train it.
    """
    for code, change in _changes(verdict, record, sweep):
        trains = {"train": change["train"]} if "train" in change else {}
        if not trains:
            return Advice(code, dict(record), {**sweep, **change})
        if identity := record.get("identity"):
            made = {**identity, "train": {**identity["train"], **trains["train"]}}
            left = {
                key: value for key, value in sweep.items() if key not in ("run_id", "skip_train")
            }
            return Advice(code, {**record, "run_id": None, "identity": made}, left)
    return None


def _changes(verdict: Verdict, record: Settings, sweep: Settings) -> Iterator[tuple[str, Settings]]:
    """Yield changes of settings with their codes, the best first."""
    found = {one.code for one in (*verdict.reasons, *verdict.unknown)}
    weights = sorted(float(weight) for weight in sweep["weights"])
    above = sorted({*weights, *(round(weights[-1] + step, 2) for step in (0.2, 0.4))})
    below = [weight for weight in weights if weight > 0][:1]
    train = record.get("train") or {}
    if "base_constant" in found:
        return  # it is not the LoRA
    if "no_baseline" in found:
        yield "baseline", {"baseline": True}
    if "only_baseline" in found:
        yield "weights", {"weights": [0.4, 0.6, 0.8]}
    if verdict.label in ("fried", "copies", "broken") and below and below[0] > _LOWEST:
        yield "lower_weights", {"weights": sorted({round(below[0] / 2, 2), *weights})}
    if verdict.label in ("weak", "dead") and weights[-1] < _TOP:
        yield "higher_weights", {"weights": above}
    if train:
        yield from _trainings(verdict, train)
    if verdict.label == "works" and "highest" in found and weights[-1] < 2 * _TOP:
        yield "higher_weights", {"weights": above}
    if verdict.label == "uncertain" and "prompts_needed" in found:
        yield from _more_pictures(sweep)
    if found & {"few_triggers", "no_untriggered"} and sweep.get("probe") != "full":
        yield "probes", {"probe": "full"}
    if "no_training_set" in found:
        yield "look", {"seeds": _more_seeds(sweep)}  # no number of prompts lets the style be judged
    yield from _more_pictures(sweep)


def _trainings(verdict: Verdict, train: Settings) -> Iterator[tuple[str, Settings]]:
    length = "steps" if train.get("steps") else "epochs"
    if not train.get(length):
        return  # of another version, or written by hand
    longer, shorter = train[length] * 2, max(1, train[length] // 2)
    rates = ("unet_lr", "text_encoder_lr")
    if verdict.label == "weak":
        yield "longer", {"train": {length: longer}}
    if verdict.label == "dead":
        yield "higher_rate", {"train": {rate: float(f"{train[rate] * 3:.2g}") for rate in rates}}
    if verdict.label in ("fried", "broken"):
        yield "lower_rate", {"train": {rate: float(f"{train[rate] / 3:.2g}") for rate in rates}}
    if verdict.label == "copies":
        yield "shorter", {"train": {length: shorter}}


def _more_pictures(sweep: Settings) -> Iterator[tuple[str, Settings]]:
    """Yield more prompts, which count for more, or more seeds."""
    asked = [one for one in sweep.get("variants") or [] if not one.get("probe")]
    if len(asked) < ENOUGH_PROMPTS and not sweep.get("prompts"):
        trigger = "{trigger}, " if sweep.get("trigger") else ""
        yield "prompts", {"prompts": [f"{trigger}{subject}" for subject in SUBJECTS]}
    yield "seeds", {"seeds": _more_seeds(sweep)}


def _more_seeds(sweep: Settings) -> list[int]:
    seeds = [int(seed) for seed in sweep["seeds"]]
    return [*seeds, max(seeds) + 1, max(seeds) + 2]
