"""The verdict on a LoRA, for other programs: `bench/verdict.json`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

FORMAT = 1

Label = Literal["works", "weak", "dead", "broken", "fried", "lost", "copies", "uncertain"]
COPIED = 1 / 4
"""The share of a weight's pictures that are copies from which on the LoRA copies at it."""
TOO_LITTLE: frozenset[Label] = frozenset({"dead", "weak"})
"""The labels of weights at which the LoRA does too little."""

ENOUGH_STYLE = 0.85
"""Beyond this share of the way to the training set, more is no better (docs/verdict.md)."""


@dataclass(frozen=True)
class Finding:
    """One reason as a code with numbers; `words.py` has the words."""

    code: str
    weight: float | None = None
    value: float | None = None
    limit: float | None = None
    pictures: int | None = None
    """How many more are needed to judge what could not be judged."""
    spread: float | None = None
    """The standard deviation between prompts of what `value` is the mean of."""
    prompts: int | None = None
    """Over how many prompts `value` is a mean."""
    measured: int | None = None
    """On how many pictures it stands."""
    needs: int | None = None
    """How many prompts leave the limit outside the mean's 95 % interval, or settle a tie."""
    word: str | None = None
    """The word of the captions that it is about."""
    similarity: float | None = None
    """The correlation with a training picture beyond which a picture may be a copy."""


@dataclass(frozen=True)
class Score:
    """How good a usable weight is: the style gained, minus the structure lost."""

    mean: float
    behind: float
    """By how much it is behind the weight to use, in the mean over pairs of pictures."""
    low: float
    high: float
    """The bounds of that difference's 95 % interval; `low` is 0 or less in a tie."""


@dataclass(frozen=True)
class Verdict:
    """The benchmark's verdict on a LoRA."""

    label: Label
    leaks: bool | None = None
    """Whether it acts without its trigger words; None if unknown."""
    weight: float | None = None
    """The weight to use; None if no weight is usable, or, with the label "uncertain", unknown."""
    tie: list[float] = field(default_factory=list)
    """The weights that are as good as the best one, including it; ascending."""
    window: tuple[float, float] | None = None
    """The lowest and the highest usable weight of the sweep; None as for `weight`."""
    below: Finding | None = None
    """Why no weight below the window is usable; None if the window begins with the sweep."""
    above: Finding | None = None
    """Why no weight above it is usable."""
    reasons: list[Finding] = field(default_factory=list)
    """The reasons for the label."""
    unknown: list[Finding] = field(default_factory=list)
    """What could not be judged from these pictures, and how many more are needed."""
    labels: dict[str, Label] = field(default_factory=dict)
    """The label of each weight by itself, such as {"0.40": "weak", "0.80": "works"}."""
    thresholds: dict[str, float] = field(default_factory=dict)
    """The limits that were applied."""
    checks: dict[str, list[Finding]] = field(default_factory=dict)
    """All that was held against a limit at each weight, what failed and what did not."""
    leak: float | None = None
    """The style gained without the trigger words, relative to that with them; None if unknown."""
    leak_weight: float | None = None
    """The weight at which that was measured."""
    leak_prompts: int | None = None
    """On how many prompts."""
    scores: dict[str, Score] = field(default_factory=dict)
    """The score of each weight in the window, for the weight to use and its tie."""
    choice: "Choice | None" = None
    """Of several LoRAs, which this is the verdict on, and why; None of one."""


@dataclass(frozen=True)
class Choice:
    """Which of several LoRAs to use."""

    lora: str
    """The key of the one to use, or, if none works, of the one that comes nearest."""
    baseline: str = ""
    """The key in tables of what its prompts draw without a LoRA."""
    tie: list[str] = field(default_factory=list)
    """Those that are as good, including it, in the order of the sweep; empty if none works."""
    ranking: list[str] = field(default_factory=list)
    """Those that work, the best first."""
    scores: dict[str, float] = field(default_factory=dict)
    """Of each that works: the style gained at its weight, up to `ENOUGH_STYLE`."""
    over_trained: Finding | None = None
    """In a series: the label of the too long trained ones, and from which epoch or step on."""
    over_trained_from: str | None = None
    """The key of the first of these."""
    unfinished: bool = False
    """In a series: whether its last one is the best, so that training on may pay."""
    each: dict[str, Verdict] = field(default_factory=dict)
    """The verdict on each LoRA, by key, in the order of the sweep."""
    prompts: dict[str, int] = field(default_factory=dict)
    """The number of prompts of each; a search looks at some with fewer, and chooses none."""


def in_window(weights: Sequence[float], verdict: Verdict | None) -> list[bool]:
    """Return whether the verdict calls each weight usable."""
    low, high = (verdict and verdict.window) or (1.0, 0.0)
    return [low <= weight <= high for weight in weights]


def write(verdict: Verdict, path: Path) -> None:
    """Write the verdict as JSON."""
    text = json.dumps({"format": FORMAT, **asdict(verdict)}, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
