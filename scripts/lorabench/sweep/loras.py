"""The LoRAs of a sweep that has several: how each is called in paths, tables and for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from lorabench.text import phrases
from lorabench.text.phrases import Language

_EPOCH = ("epoch {at}", "エポック {at}")
_STEP = ("step {at}", "ステップ {at}")


@dataclass(frozen=True)
class SweptLora:
    """One LoRA among several."""

    key: str
    """Its folder below `bench/`, and its name in tables; empty for the one that a run trained."""
    file: str
    """Its file in the run's `train/`."""
    name: str
    """Its stem where it came from."""
    series: str = ""
    """What the files of its training have in common; empty if it stands alone."""
    epoch: int | None = None
    """After so many epochs it was saved; None if unknown."""
    step: int | None = None
    """After so many steps; likewise."""
    trigger: str = ""
    """The words that call it; empty if unknown."""
    baseline: str = ""
    """The folder below `bench/` of what its prompts draw without any LoRA; empty: `bench/`."""
    low: str = ""
    """Of a LoRA of two files, that for low noise in `train/`; `file` is that for high noise."""


def holds(lora: SweptLora, key: object, weight: float) -> bool:
    """Return whether a row of a table is of this LoRA, by its key; at weight 0 LoRAs share rows."""
    return key == (lora.key if weight else lora.baseline)


def is_series(loras: Sequence[SweptLora]) -> bool:
    """Return whether all are of one training."""
    return len(loras) > 1 and bool(loras[0].series) and len({one.series for one in loras}) == 1


def places(loras: Sequence[SweptLora]) -> tuple[Literal["epoch", "step", ""], list[int]]:
    """Return where LoRAs stand on an axis, and what it counts; nothing: one after the other."""
    if is_series(loras):
        for unit in ("epoch", "step"):
            known = [at for one in loras if (at := getattr(one, unit)) is not None]
            if len(set(known)) == len(loras):
                return unit, known
    return "", list(range(len(loras)))


def label(lora: SweptLora, language: Language = "en") -> str:
    """Return what people call it: in a series by epoch or step, else by its file."""
    return saved(lora, language) or lora.name


def saved(lora: SweptLora, language: Language = "en") -> str:
    """Return after which epoch or step of its series it was saved; empty if it stands alone."""
    if lora.series and lora.epoch is not None:
        return phrases.say(_EPOCH, language, at=lora.epoch)
    if lora.series and lora.step is not None:
        return phrases.say(_STEP, language, at=lora.step)
    return ""
