"""The record of a search, `bench/search.yaml`: which parts of the full sweep it has rendered."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from lorabench.settings.records import Record
from lorabench.sweep.pictures import evenly
from lorabench.sweep.variants import FULL_STRENGTH, Variant

COARSE_PROMPTS = 3
"""So many prompts tell LoRAs apart that differ much."""


@dataclass(frozen=True)
class Part:
    """What one stage renders of a LoRA."""

    lora: str
    """Its key."""
    weights: tuple[float, ...]
    """Ascending, above 0."""
    prompts: tuple[str, ...] = ()
    """By name; the benchmark's own is empty."""
    probes: bool = False
    """Whether the probes at these weights are rendered, too."""


class SearchRecord(Record):
    """The parts of a search so far."""

    what: ClassVar[str] = "search"

    weights: tuple[float, ...]
    """Those of the full sweep."""
    prompts: tuple[str, ...]
    """Its prompts, by name."""
    parts: tuple[Part, ...] = ()
    stage: int = 0
    """The next stage."""
    settled: bool = False
    """Whether nothing is left to render."""
    limit: int | None = None
    """The number of pictures that ended it; None where its stages did."""

    def within(self, pictures: int | None) -> "SearchRecord":
        """Return the search with so many pictures at most: it goes on where fewer ended it."""
        if self.limit is None or (pictures and pictures <= self.limit):
            return self
        return self.model_copy(update={"settled": False, "limit": None})

    def with_loras(self, loras: Sequence[str]) -> "SearchRecord":
        """Return the search of these LoRAs, by key: one more begins with a coarse look at it."""
        known = {part.lora for part in self.parts}
        new = [key for key in loras if key not in known]
        kept = tuple(part for part in self.parts if part.lora in loras)
        if not new:
            return self.model_copy(update={"parts": kept})
        parts = (*kept, *first(new, self.weights, self.prompts))
        return self.model_copy(update={"parts": parts, "stage": 0, "settled": False, "limit": None})


def weights(parts: Iterable[Part]) -> set[float]:
    """Return the weights of all parts."""
    return {weight for part in parts for weight in part.weights}


def first(
    loras: Sequence[str], weights: Sequence[float], prompts: Sequence[str]
) -> tuple[Part, ...]:
    """Return the coarse look at all LoRAs: the lowest and the highest weight of few prompts."""
    ends = tuple(sorted({weights[0], weights[-1]}))
    few = tuple(evenly(prompts, COARSE_PROMPTS))
    return tuple(Part(key, ends, few) for key in loras)


def narrowed(variants: Sequence[Variant], parts: Sequence[Part]) -> list[Variant]:
    """Return what the parts have of the variants of a full sweep, with their pictures at 0."""
    return [one for variant in variants for one in _narrowed(variant, parts)]


def _narrowed(variant: Variant, parts: Sequence[Part]) -> Iterator[Variant]:
    asked: set[float] = set()
    for part in parts:
        if part.lora != variant.lora:
            continue
        if variant.probe == "trigger" and part.probes:
            asked |= {*part.weights, FULL_STRENGTH}
        elif variant.probe and part.probes:
            asked |= set(variant.weights)
        elif not variant.probe and variant.prompt in part.prompts:
            asked |= set(part.weights)
    found = tuple(weight for weight in variant.weights if weight in asked or weight == 0)
    if asked:
        yield replace(variant, weights=found)
