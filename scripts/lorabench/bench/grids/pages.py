"""Cut a grid into pages, and save each as PNG and as WebP."""

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, count, pairwise
from pathlib import Path
from typing import TypeVar

from PIL import Image

from lorabench import files
from lorabench.bench.grids import page
from lorabench.bench.grids.sheet import MAX_PIXELS, MAX_SIDE, Grid, Measures, Sweep
from lorabench.dataset import png

Thing = TypeVar("Thing")

DOTS_PER_INCH = 300
SHARED_SIDE = 4_096
"""Pixels: the longest side of a WebP; a larger page is reduced by a whole factor."""


def save(grids: Iterable[Grid], sweep: Sweep, folder: Path) -> Iterator[Path]:
    """Draw the pages of `grids` and yield each file; remove old further pages.

    The first page has the grid's name, the second that name with `_2`. A page is written while the
    next is drawn, so two are in memory.
    """
    with ThreadPoolExecutor(max_workers=1) as writer:
        drawn = (one for grid in grids for one in _drawn(grid, sweep, folder))
        written = (writer.submit(_write, image, path) for path, image in drawn)
        for writing, _next in pairwise(chain(written, [Future()])):
            yield from writing.result()


def _drawn(grid: Grid, sweep: Sweep, folder: Path) -> Iterator[tuple[Path, Image.Image]]:
    parts = [grid, grid.beside] if grid.beside else [grid]
    measures = [_measures(part, sweep) for part in parts]
    pages = [
        (one, lengths)
        for part, lengths in zip(parts, measures, strict=True)
        for one in _pages(part, lengths)
    ]
    if len(parts) == len(pages) > 1 and _fit_beside(pages):
        yield _path(folder, grid.name, 1), page.beside(parts, sweep, measures)
        remove(folder, grid.name, first=2)
        return
    for number, (one, lengths) in enumerate(pages, start=1):
        yield _path(folder, grid.name, number), page.draw(one, sweep, lengths)
    remove(folder, grid.name, first=len(pages) + 1)


def _fit_beside(pages: Sequence[tuple[Grid, Measures]]) -> bool:
    """Whether these fit beside each other on one page; each alone does."""
    width = sum(lengths.page_width(len(one.weights)) for one, lengths in pages)
    rows = max(lengths.row_offsets(one.rows)[-1] for one, lengths in pages)
    header = max(28 * lengths.em for _, lengths in pages)
    return width <= MAX_SIDE and width * (rows + header) <= MAX_PIXELS


def remove(folder: Path, name: str, first: int = 1) -> None:
    """Remove a grid's pages from number `first` on."""
    for number in count(first):
        path = _path(folder, name, number)
        if not path.exists():
            return
        path.unlink()
        path.with_suffix(".webp").unlink(missing_ok=True)


def _measures(grid: Grid, sweep: Sweep) -> Measures:
    """Return the lengths of a grid; if it is `whole`, reduced until it fits onto one page."""
    factors = sweep.reductions if grid.whole else range(1, 2)
    tried = (Measures(grid, sweep, factor) for factor in factors)
    for measures in tried:
        if len(_pages(grid, measures)) == 1:
            break
    return measures


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
    """Cut `things` into the fewest parts of at most `most`, as even as possible, longest first."""
    number = math.ceil(len(things) / most)
    length, longer = divmod(len(things), number)
    starts = [place * length + min(place, longer) for place in range(number + 1)]
    return [things[start:end] for start, end in pairwise(starts)]


def _path(folder: Path, name: str, number: int) -> Path:
    return folder / (f"{name}.png" if number == 1 else f"{name}_{number}.png")


def _write(drawn: Image.Image, path: Path) -> tuple[Path, Path]:
    with files.publish(path) as temporary, temporary.open("wb") as file:
        png.write(drawn, file, DOTS_PER_INCH)
    shared = path.with_suffix(".webp")
    factor = math.ceil(max(drawn.size) / SHARED_SIDE)
    with files.publish(shared) as temporary:
        # Method 4, the library's default, takes twice the time for 5 % less.
        drawn.reduce(factor).save(temporary, "WEBP", quality=85, method=2)
    return path, shared
