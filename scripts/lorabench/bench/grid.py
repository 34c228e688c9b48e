"""A sweep as grids: columns are weights, rows are seeds and places in the batch.

Pictures keep their own pixels; small ones are enlarged by a whole factor. What one PNG cannot hold
goes on: `overview.png`, `overview_2.png`, … One page and one picture are in memory at a time.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count, pairwise, takewhile
from pathlib import Path
from typing import TypeVar

from lorabench import files
from lorabench.bench import page
from lorabench.bench.cell import Cell, size
from lorabench.bench.faults import KINDS, Fault
from lorabench.bench.page import Grid, Key, Measures, Row, Sweep
from lorabench.errors import UserError

Thing = TypeVar("Thing")


def draw(
    cells: Sequence[Cell],
    faults: Sequence[Fault],
    folder: Path,
    title: str = "",
    caption: str = "",
) -> Iterator[Path]:
    """Draw `seed<seed>_weights.png` for each seed and `overview.png` into `folder`.

    Yields each file when it is there, further pages included; pages that an earlier, larger sweep
    left are removed. A picture that does not exist is an empty cell; `UserError` if none exists or
    one is unreadable.
    """
    sweep = _sweep(cells, faults)
    for grid in _grids(cells, title, caption):
        yield from _save(grid, sweep, folder)


def _sweep(cells: Sequence[Cell], faults: Sequence[Fault]) -> Sweep:
    pictures = {_key(cell): cell.path for cell in cells if cell.path.exists()}
    if not pictures:
        raise UserError(f"none of the {len(cells)} pictures exists, {cells[0].path} for one")
    widths, heights = zip(*map(size, pictures.values()), strict=True)
    marks = {
        _key(Cell.parse(Path(file))): KINDS[fault.kind].label
        for fault in faults
        for file in fault.files
    }
    return Sweep(pictures, list(faults), marks, max(widths), max(heights))


def _key(cell: Cell) -> Key:
    return cell.seed, cell.index, cell.weight


def _grids(cells: Sequence[Cell], title: str, caption: str) -> Iterator[Grid]:
    weights = sorted({cell.weight for cell in cells})
    places = sorted({(cell.seed, cell.index) for cell in cells})
    seeds = sorted({seed for seed, _ in places})
    batch = max(index for _, index in places) > 0
    for seed in seeds:
        rows = [Row(s, index, f"{index:02d}" if batch else "") for s, index in places if s == seed]
        yield Grid(f"seed{seed}_weights", title, f"seed {seed}", caption, "", rows, weights)
    rows = [Row(seed, i, f"{seed} · {i:02d}" if batch else f"{seed}") for seed, i in places]
    note = f"{_count(len(seeds), 'seed')} × {_count(len(weights), 'weight')}"
    yield Grid("overview", title, note, caption, "seed", rows, weights)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _save(grid: Grid, sweep: Sweep, folder: Path) -> Iterator[Path]:
    measures = Measures.of(grid, sweep)
    pages = _pages(grid, measures)
    for number, one in enumerate(pages, start=1):
        path = _path(folder, grid.name, number)
        with files.publish(path) as temporary:
            page.draw(one, sweep, measures).save(temporary, "PNG", compress_level=3)
        yield path
    further = (_path(folder, grid.name, number) for number in count(len(pages) + 1))
    for left_over in list(takewhile(Path.exists, further)):
        left_over.unlink()


def _pages(grid: Grid, measures: Measures) -> list[Grid]:
    columns = _parts(grid.weights, measures.columns_per_page())
    rows = _parts(grid.rows, measures.rows_per_page(len(columns[0])))
    number = len(columns) * len(rows)
    pages = [replace(grid, rows=some, weights=weights) for some in rows for weights in columns]
    if number == 1:
        return pages
    return [
        replace(one, note=f"{one.note} · page {place} of {number}")
        for place, one in enumerate(pages, start=1)
    ]


def _parts(things: Sequence[Thing], most: int) -> list[Sequence[Thing]]:
    """Cut `things` into as few parts as `most` allows, the longest first, as even as can be."""
    number = math.ceil(len(things) / most)
    length, longer = divmod(len(things), number)
    starts = [place * length + min(place, longer) for place in range(number + 1)]
    return [things[start:end] for start, end in pairwise(starts)]


def _path(folder: Path, name: str, number: int) -> Path:
    return folder / (f"{name}.png" if number == 1 else f"{name}_{number}.png")
