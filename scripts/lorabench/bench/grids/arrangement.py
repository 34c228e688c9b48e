"""Which grids a sweep has, and what stands in their rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from lorabench.bench import shown
from lorabench.bench.cell import Cell
from lorabench.bench.grids.sheet import Grid, Row
from lorabench.bench.grids.strip import Strip
from lorabench.bench.variants import Variant, probe_of
from lorabench.phrases import count, count_weights


@dataclass(frozen=True)
class Texts:
    """What stands on the grids besides what the pictures tell."""

    title: str = ""
    own: str = ""
    """The benchmark's own prompt."""
    trigger: str = ""
    """The prompt that is the trigger words alone."""
    listed: Sequence[Variant] = ()
    """The variants in the order to show; those that are not among them follow by name."""


_PROBES = (
    ("trigger", "the trigger words alone", False),
    ("untriggered", "prompts without the trigger words", True),
)
"""Each kind, what it is, and whether its prompts have to be told apart."""


class _Place(NamedTuple):
    variant: str
    seed: int
    index: int


class _Places(list[_Place]):
    """The rows that cells make: variants in their order, seeds, places in the batch."""

    def __init__(self, cells: Sequence[Cell], texts: Texts) -> None:
        variants = shown.ordered((cell.variant for cell in cells), texts.listed)
        places = {_Place(cell.variant, cell.seed, cell.index) for cell in cells}
        super().__init__(sorted(places, key=lambda p: (variants.index(p.variant), *p[1:])))
        self.variants, self.seeds = variants, sorted({place.seed for place in places})
        self.batch = any(place.index for place in places)

    def rows(self, with_prompt: bool, with_seed: bool) -> Iterator[Row]:
        """Yield the rows, labelled with what tells them apart."""
        for place in self:
            numbers = [f"{place.seed}"] if with_seed else []
            number = " · ".join([*numbers, f"{place.index:02d}"] if self.batch else numbers)
            label, note = (shown.label(place.variant), number) if with_prompt else (number, "")
            yield Row(*place, label, note)


def seeds(cells: Sequence[Cell], texts: Texts) -> Iterator[Grid]:
    """Yield a grid for each seed: its prompts and places in the batch by weights."""
    places = _Places(cells, texts)
    several = len(places.variants) > 1
    rows = list(places.rows(with_prompt=several, with_seed=False))
    for seed in places.seeds:
        yield Grid(
            name=f"seed{seed}_weights",
            title=texts.title,
            note=f"seed {seed}",
            caption=texts.own,
            corner="prompt" if several else "",
            rows=[row for row in rows if row.seed == seed],
            weights=_weights(cells),
        )


def differences(grid: Grid) -> Grid:
    """Return the maps of where the pictures of a seed's grid differ from weight 0."""
    return replace(
        grid,
        name=grid.name.replace("weights", "differences"),
        note=f"{grid.note} · difference from weight 0",
        differences=True,
    )


def overview(cells: Sequence[Cell], texts: Texts, strip: Strip | None) -> Grid:
    """Return the grid of all pictures: prompts and seeds by weights."""
    places, weights = _Places(cells, texts), _weights(cells)
    prompts, number = len(places.variants), len(places.seeds)
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
        caption=texts.own,
        corner="prompt" if prompts > 1 else "seed",
        rows=list(places.rows(with_prompt=prompts > 1, with_seed=not one_seed)),
        weights=weights,
        strip=strip,
        whole=True,
    )


def probes(cells: Sequence[Cell], texts: Texts) -> Grid:
    """Return the grid of the trigger words alone, beside it that of the prompts without them.

    They have other weights: in one grid half of the places would be empty.
    """
    grids = [
        Grid(
            name="probes",
            title=texts.title,
            note=f"probes: {what}",
            caption=f"trigger words: {texts.trigger}" if texts.trigger else "",
            corner="prompt" if named else "seed",
            rows=list(_Places(some, texts).rows(with_prompt=named, with_seed=True)),
            weights=_weights(some),
            whole=True,
        )
        for probe, what, named in _PROBES
        if (some := [cell for cell in cells if probe_of(cell.variant) == probe])
    ]
    return replace(grids[0], beside=grids[1]) if len(grids) > 1 else grids[0]


def _weights(cells: Sequence[Cell]) -> list[float]:
    return sorted({cell.weight for cell in cells})
