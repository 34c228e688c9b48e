"""Arrange the grids of a sweep and their rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from lorabench.bench.grids.sheet import Grid, Row
from lorabench.bench.grids.strip import Strip
from lorabench.sweep import labels
from lorabench.sweep.pictures import Picture
from lorabench.sweep.variants import Variant
from lorabench.text import syntax
from lorabench.text.phrases import count, count_weights


@dataclass(frozen=True)
class Texts:
    """The words on the grids that are not in the pictures' metadata."""

    title: str = ""
    own: str = ""
    """The benchmark's own prompt."""
    order: Sequence[Variant] = ()
    """The variants in the order to show."""


_PROBES = (
    ("trigger", "the trigger words alone", False),
    ("untriggered", "prompts without the trigger words", True),
)
"""Each kind, its description, and whether its prompts need labels."""


class _Place(NamedTuple):
    variant: int
    """Its place in the order."""
    seed: int
    index: int


class _Places(list[_Place]):
    """The rows of pictures: variants in their order, seeds, places in the batch."""

    def __init__(self, pictures: Sequence[Picture], texts: Texts) -> None:
        at = {variant.name: place for place, variant in enumerate(texts.order)}
        super().__init__(sorted({_Place(at[p.variant], p.seed, p.index) for p in pictures}))
        self.order = texts.order
        self.prompts = len({place.variant for place in self})
        self.seeds = sorted({place.seed for place in self})
        self.batch = any(place.index for place in self)

    def rows(self, with_prompt: bool, with_seed: bool) -> Iterator[Row]:
        """Yield the rows, labelled by what differs between them."""
        for place in self:
            numbers = [f"{place.seed}"] if with_seed else []
            number = " · ".join([*numbers, f"{place.index:02d}"] if self.batch else numbers)
            variant = self.order[place.variant]
            name = labels.label(variant.prompt, variant.probe)
            label, note = (name, number) if with_prompt else (number, "")
            yield Row(variant.name, place.seed, place.index, label, note)


def seeds(pictures: Sequence[Picture], texts: Texts) -> Iterator[Grid]:
    """Yield a grid of prompts by weights for each seed."""
    places = _Places(pictures, texts)
    several = places.prompts > 1
    rows = list(places.rows(with_prompt=several, with_seed=False))
    for seed in places.seeds:
        yield Grid(
            name=f"seed{seed}_weights",
            title=texts.title,
            note=f"seed {seed}",
            caption=syntax.plain(texts.own),
            corner="prompt" if several else "",
            rows=[row for row in rows if row.seed == seed],
            weights=_weights(pictures),
        )


def differences(grid: Grid) -> Grid:
    """Return the grid of the differences between a seed's pictures and weight 0."""
    return replace(
        grid,
        name=grid.name.replace("weights", "differences"),
        note=f"{grid.note} · difference from weight 0",
        differences=True,
    )


def overview(pictures: Sequence[Picture], texts: Texts, strip: Strip | None) -> Grid:
    """Return the grid of all pictures: prompts and seeds by weights."""
    places, weights = _Places(pictures, texts), _weights(pictures)
    prompts, number = places.prompts, len(places.seeds)
    one_seed = prompts > 1 and number == 1
    counts = [
        count(prompts, "prompt") if prompts > 1 else "",
        "" if one_seed else count(number, "seed"),
        count_weights(weights),
    ]
    note = " × ".join(filter(None, counts))
    return Grid(
        name="overview",
        title=texts.title,
        note=f"{note} · seed {places.seeds[0]}" if one_seed else note,
        caption=syntax.plain(texts.own),
        corner="prompt" if prompts > 1 else "seed",
        rows=list(places.rows(with_prompt=prompts > 1, with_seed=not one_seed)),
        weights=weights,
        strip=strip,
        whole=True,
    )


def probes(pictures: Sequence[Picture], texts: Texts) -> Grid:
    """Return the grid of the trigger words alone, and beside it that of prompts without them.

    They have different weights, so in one grid half of the cells would be empty.
    """
    trigger = next((one.text for one in texts.order if one.probe == "trigger"), "")
    grids = [
        Grid(
            name="probes",
            title=texts.title,
            note=f"probes: {what}",
            caption=f"trigger words: {syntax.plain(trigger)}" if trigger else "",
            corner="prompt" if named else "seed",
            rows=list(_Places(some, texts).rows(with_prompt=named, with_seed=True)),
            weights=_weights(some),
            whole=True,
        )
        for probe, what, named in _PROBES
        if (some := [picture for picture in pictures if picture.probe == probe])
    ]
    return replace(grids[0], beside=grids[1]) if len(grids) > 1 else grids[0]


def _weights(pictures: Sequence[Picture]) -> list[float]:
    return sorted({picture.weight for picture in pictures})
