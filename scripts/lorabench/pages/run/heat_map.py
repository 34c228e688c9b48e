"""Several LoRAs by their weights: which to use, and how each did at each weight."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from lorabench.bench.verdicts import choice_words
from lorabench.layout import weight_name
from lorabench.pages.finished_run import FinishedRun
from lorabench.pages.run.contents import Both, named
from lorabench.sweep.loras import SweptLora


@dataclass(frozen=True)
class Cell:
    """A LoRA at a weight."""

    weight: float
    label: str | None
    """Its verdict; None where it was not rendered."""
    best: bool
    """Whether this is the LoRA's weight to use."""
    score: float | None
    """How good it is; None where it is not usable."""


@dataclass(frozen=True)
class Row:
    """A LoRA over the weights."""

    at: int
    """Its place among the LoRAs."""
    label: Both
    chosen: bool
    """Whether it is the one to use."""
    tied: bool
    few: int | None
    """How many prompts it was judged on, if a search looked at others with more."""
    cells: Sequence[Cell]


@dataclass(frozen=True)
class HeatMap:
    """All LoRAs, in the order of the sweep, by all weights, ascending."""

    headline: partial[str]
    """Which to use, by language."""
    course: partial[str]
    """Where a series is trained for too long, or that it may go on; empty if unknown."""
    chosen: Both
    """What the one is called that the rest of the page is on."""
    weights: Sequence[float]
    rows: Sequence[Row]


def find(run: FinishedRun) -> HeatMap | None:
    """Return the verdicts on several LoRAs; None of one, or if the verdict is on others."""
    verdict = run.verdict
    choice = verdict.choice if verdict else None
    if len(run.loras) < 2 or not verdict or not choice:
        return None
    if {one.key for one in run.loras} != set(choice.each):
        return None
    names = {name for each in choice.each.values() for name in each.labels}
    weights = {float(name): name for name in sorted(names, key=float)}

    def row(at: int, lora: SweptLora) -> Row:
        judged = choice.each[lora.key]
        scores: dict[str, float | None] = {
            name: score.mean for name, score in judged.scores.items()
        }
        if judged.weight is not None:
            scores.setdefault(weight_name(judged.weight), choice.scores.get(lora.key))
        cells = [
            Cell(weight, judged.labels.get(name), weight == judged.weight, scores.get(name))
            for weight, name in weights.items()
        ]
        prompts = choice.prompts.get(lora.key)
        few = prompts if prompts != max(choice.prompts.values(), default=None) else None
        chosen = lora.key == choice.lora and judged.weight is not None
        return Row(at, named(lora), chosen, lora.key in choice.tie, few, cells)

    return HeatMap(
        partial(choice_words.headline, verdict, run.loras),
        partial(choice_words.course, verdict, run.loras),
        named(run.loras[run.lora_shown]),
        list(weights),
        [row(at, lora) for at, lora in enumerate(run.loras)],
    )
