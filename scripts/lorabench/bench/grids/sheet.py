"""The parts of a grid before it is drawn, and the lengths of its pages."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from lorabench.bench.grids.strip import Strip
from lorabench.bench.lettering import font, wrap
from lorabench.bench.verdicts.verdict import Verdict

MAX_SIDE = 8_000
"""Pixels: the longest side of a page; viewers and browsers open such a PNG without trouble."""
MAX_PIXELS = 40_000_000
"""Pixels of a page: 120 MB in memory."""
LEGIBLE = 256
"""Pixels: the least shorter side to which large pictures are reduced, and the largest to which
small ones are enlarged."""

INK, QUIET, FAINT = "#1c1c1e", "#6e6e73", "#98989d"
HAIRLINE, EMPTY, RED, GREEN = "#e5e5ea", "#f5f5f7", "#d70015", "#248a3d"

Key = tuple[str, int, int, float]
"""Variant, seed, index, weight."""


@dataclass(frozen=True)
class Sweep:
    """The data that all grids of a sweep share."""

    cells: frozenset[Key]
    """All cells."""
    pictures: dict[Key, Path]
    """The existing pictures."""
    marks: dict[Key, str]
    """The label of a faulty picture."""
    alarms: list[tuple[str, set[Key]]]
    """The faults in words, with their pictures."""
    verdict: Verdict | None
    width: int
    height: int
    """Pixels of a rendered picture; the largest if they differ."""

    @property
    def enlargement(self) -> int:
        """The whole factor by which small pictures are enlarged."""
        return max(1, LEGIBLE // min(self.width, self.height))

    @property
    def reductions(self) -> range:
        """The whole factors by which large pictures may be reduced, 1 first."""
        return range(1, max(1, min(self.width, self.height) // LEGIBLE) + 1)


@dataclass(frozen=True)
class Row:
    """One row of a grid."""

    variant: str
    seed: int
    index: int
    label: str
    note: str = ""
    """Below the label, in grey."""

    @property
    def picture(self) -> tuple[str, int, int]:
        """Its pictures' variant, seed and index."""
        return self.variant, self.seed, self.index

    def key(self, weight: float) -> Key:
        """Return the picture in the column of `weight`."""
        return self.variant, self.seed, self.index, weight


@dataclass(frozen=True)
class Grid:
    """One grid, before it is cut into pages."""

    name: str
    title: str
    note: str
    caption: str
    corner: str
    """What the labels of the rows are."""
    rows: Sequence[Row]
    weights: Sequence[float]
    """Of the columns; with `headings`, their numbers."""
    headings: Sequence[str] = ()
    """What stands above the columns, if that is not the weight."""
    strip: Strip | None = None
    whole: bool = False
    """Whether its pictures are reduced for fewer pages."""
    beside: "Grid | None" = None
    """Another grid to its right, if both fit on one page."""
    differences: bool = False
    """Whether it shows the differences from weight 0 in place of pictures."""

    @property
    def grouped(self) -> bool:
        """Whether a prompt has several rows, so that prompts need space between them."""
        return 1 < len({row.variant for row in self.rows}) < len(self.rows)

    @property
    def keys(self) -> set[Key]:
        """Its pictures."""
        return {row.key(weight) for row in self.rows for weight in self.weights}


@dataclass(frozen=True)
class Measures:
    """Lengths of a grid's pages, in pixels."""

    grid: Grid
    sweep: Sweep
    reduction: int = 1
    """The whole factor by which pictures are reduced."""

    @property
    def width(self) -> int:
        """Of a cell."""
        return math.ceil(self.sweep.width * self.sweep.enlargement / self.reduction)

    @property
    def height(self) -> int:
        """Of a cell."""
        return math.ceil(self.sweep.height * self.sweep.enlargement / self.reduction)

    @cached_property
    def em(self) -> int:
        """The size of ordinary text, on which other lengths depend; larger for large pictures."""
        return min(42, 10 + min(self.width, self.height) // 32)

    def label(self, row: Row) -> list[str]:
        """Return the lines of a row's label, without its note."""
        return wrap(row.label, font(self.em), 11 * self.em, 3)

    @cached_property
    def labels(self) -> int:
        """The room for the rows' labels."""
        lines = [line for row in self.grid.rows for line in (*self.label(row), row.note)]
        longest = max(font(self.em).getlength(text) for text in (self.grid.corner, *lines))
        return math.ceil(longest + self.em) if longest else 0

    @property
    def margin(self) -> int:
        """White on all sides."""
        return 2 * self.em

    @property
    def gap(self) -> int:
        """White between cells."""
        return self.em // 2

    @property
    def left(self) -> int:
        """Where the first column begins."""
        return self.margin + self.labels

    @property
    def line(self) -> int:
        """The thickness of frames and rules."""
        return max(2, self.em // 6)

    @property
    def step(self) -> int:
        """From a row to the next one of the same prompt."""
        return self.height + self.gap

    @property
    def parting(self) -> int:
        """White between prompts beyond the gap."""
        return self.em if self.grid.grouped else 0

    def row_offsets(self, rows: Sequence[Row]) -> list[int]:
        """Return the distance of each row from the first, and last their height together."""
        offsets = [0]
        for row, following in pairwise(rows):
            apart = self.parting if row.variant != following.variant else 0
            offsets.append(offsets[-1] + self.step + apart)
        return [*offsets, offsets[-1] + self.height]

    def cells_width(self, columns: int) -> int:
        """The width of that many columns."""
        return columns * (self.width + self.gap) - self.gap

    def page_width(self, columns: int) -> int:
        """A page's width; narrow grids leave room for the words above them."""
        return max(self.left + self.cells_width(columns) + self.margin, 34 * self.em)

    def strip_height(self, columns: int) -> int:
        """The height of the training pictures above that many columns; 0 if there are none."""
        if not self.grid.strip:
            return 0
        return self.grid.strip.height(self.cells_width(columns), self.height, self.gap)

    def strip_room(self, columns: int) -> int:
        """That height with the words above it."""
        height = self.strip_height(columns)
        return height + round(3.2 * self.em) if height else 0

    def columns_per_page(self) -> int:
        """How many columns fit into `MAX_SIDE`, at least one."""
        room = MAX_SIDE - self.left - self.margin
        return max(1, (room + self.gap) // (self.width + self.gap))

    def rows_per_page(self, columns: int) -> int:
        """How many rows fit below the longest header, at least one."""
        side = min(MAX_SIDE, MAX_PIXELS // self.page_width(columns))
        room = side - 30 * self.em - self.strip_room(columns)
        return max(1, (room + self.gap) // (self.step + self.parting))
