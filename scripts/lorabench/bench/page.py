"""One page of a grid: its measures and its drawing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from lorabench.bench.cell import open_rgb
from lorabench.bench.faults import Fault
from lorabench.bench.text import font, shorten, wrap

MAX_SIDE = 8_000
"""Pixels: the longest side of a page; viewers and browsers open such a PNG without trouble."""
MAX_PIXELS = 40_000_000
"""Pixels of a page: 120 MB in memory."""
LEGIBLE = 256
"""Pixels: a picture whose shorter side is at most half of it is enlarged up to it."""

INK, QUIET, FAINT = "#1c1c1e", "#6e6e73", "#98989d"
HAIRLINE, EMPTY, RED = "#e5e5ea", "#f5f5f7", "#d70015"

Key = tuple[int, int, float]
"""Seed, index, weight."""


@dataclass(frozen=True)
class Sweep:
    """What all grids of a sweep share."""

    pictures: dict[Key, Path]
    faults: list[Fault]
    marks: dict[Key, str]
    """The label of a faulty picture."""
    width: int
    height: int
    """Pixels of a picture as rendered; the largest where they differ."""

    @property
    def scale(self) -> int:
        """The whole factor by which pictures are enlarged."""
        return max(1, LEGIBLE // min(self.width, self.height))


@dataclass(frozen=True)
class Row:
    """One row of a grid."""

    seed: int
    index: int
    label: str


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


@dataclass(frozen=True)
class Measures:
    """Lengths of a grid's pages, in pixels."""

    em: int
    """The size of ordinary text; the rest follows from it."""
    width: int
    height: int
    """Of a cell."""
    labels: int
    """The room for the rows' labels."""

    @classmethod
    def of(cls, grid: Grid, sweep: Sweep) -> "Measures":
        """Large pictures take large letters, since they are looked at from further away."""
        width, height = sweep.width * sweep.scale, sweep.height * sweep.scale
        em = min(42, 10 + min(width, height) // 32)
        texts = [grid.corner, *(row.label for row in grid.rows)]
        longest = max(font(em).getlength(text) for text in texts)
        return cls(em, width, height, math.ceil(longest + em) if longest else 0)

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

    def page_width(self, columns: int) -> int:
        """A page's width; narrow grids leave room for the words above them."""
        cells = self.left + columns * (self.width + self.gap) - self.gap + self.margin
        return max(cells, 34 * self.em)

    def columns_per_page(self) -> int:
        """How many columns fit into `MAX_SIDE`, one at least."""
        room = MAX_SIDE - self.left - self.margin
        return max(1, (room + self.gap) // (self.width + self.gap))

    def rows_per_page(self, columns: int) -> int:
        """How many rows fit below the longest header, one at least."""
        room = min(MAX_SIDE, MAX_PIXELS // self.page_width(columns)) - 27 * self.em
        return max(1, (room + self.gap) // (self.height + self.gap))


def draw(grid: Grid, sweep: Sweep, measures: Measures) -> Image.Image:
    """Draw `grid` on one page, whatever its size."""
    width = measures.page_width(len(grid.weights))
    header = _header(grid, sweep, measures, width - 2 * measures.margin)
    top = measures.margin + sum(line.height for line in header) + 4 * measures.em
    height = top + len(grid.rows) * (measures.height + measures.gap) - measures.gap
    page = Image.new("RGB", (width, height + measures.margin), "white")
    canvas = ImageDraw.Draw(page)
    _draw_header(canvas, header, measures)
    _draw_weights(canvas, grid, sweep, measures, top)
    for number, row in enumerate(grid.rows):
        y = top + number * (measures.height + measures.gap)
        _draw_row_label(canvas, row, measures, y)
        for column, weight in enumerate(grid.weights):
            x = measures.left + column * (measures.width + measures.gap)
            _draw_cell(page, sweep, measures, (row.seed, row.index, weight), (x, y))
    return page


@dataclass(frozen=True)
class _Line:
    text: str
    size: int
    colour: str
    height: int
    """From the baseline above to this line's."""


def _header(grid: Grid, sweep: Sweep, measures: Measures, width: int) -> list[_Line]:
    em, large = measures.em, round(1.7 * measures.em)
    title = [
        _Line(text, large, INK, round(1.4 * large))
        for text in wrap(grid.title, font(large), width, 2)
    ]
    note = _Line(grid.note, em, QUIET, round(2 * em))
    caption = [
        _Line(text, em, FAINT, round(1.6 * em)) for text in wrap(grid.caption, font(em), width, 3)
    ]
    alarms = [
        _Line(shorten(text, font(em), width), em, RED, round(1.6 * em))
        for text in _alarms(grid, sweep)
    ]
    return [*title, note, *caption, *alarms]


def _alarms(grid: Grid, sweep: Sweep) -> list[str]:
    """Return what is wrong with the pictures of this page, in four lines at most."""
    seeds = {row.seed for row in grid.rows}
    messages = [
        fault.message
        for fault in sweep.faults
        if fault.weight in grid.weights and seeds.intersection(fault.seeds)
    ]
    return messages if len(messages) <= 4 else [*messages[:3], f"and {len(messages) - 3} more"]


def _draw_header(canvas: ImageDraw.ImageDraw, lines: list[_Line], measures: Measures) -> None:
    baseline = measures.margin - measures.em
    for line in lines:
        baseline += line.height
        canvas.text((measures.margin, baseline), line.text, line.colour, font(line.size), "ls")


def _draw_weights(
    canvas: ImageDraw.ImageDraw, grid: Grid, sweep: Sweep, measures: Measures, top: int
) -> None:
    letters, baseline = font(measures.em), top - round(0.7 * measures.em)
    canvas.text((measures.left - measures.em, baseline), grid.corner, FAINT, letters, "rs")
    above = baseline - round(1.5 * measures.em)
    canvas.text((measures.left, above), "LoRA weight", FAINT, letters, "ls")
    digits = max(len(f"{weight:g}".partition(".")[2]) for weight in grid.weights)
    for column, weight in enumerate(grid.weights):
        x = measures.left + column * (measures.width + measures.gap) + measures.width // 2
        text = "0 (no LoRA)" if weight == 0 else f"{weight:.{digits}f}"
        faulty = any((row.seed, row.index, weight) in sweep.marks for row in grid.rows)
        canvas.text((x, baseline), text, RED if faulty else INK, letters, "ms")


def _draw_row_label(canvas: ImageDraw.ImageDraw, row: Row, measures: Measures, y: int) -> None:
    place = (measures.left - measures.em, y + measures.height // 2)
    canvas.text(place, row.label, INK, font(measures.em), "rm")


def _draw_cell(
    page: Image.Image, sweep: Sweep, measures: Measures, key: Key, corner: tuple[int, int]
) -> None:
    canvas = ImageDraw.Draw(page)
    x, y = corner
    box = (x - 1, y - 1, x + measures.width, y + measures.height)
    if key not in sweep.pictures:
        canvas.rectangle(box, EMPTY, HAIRLINE)
        middle = (x + measures.width // 2, y + measures.height // 2)
        canvas.text(middle, "missing", FAINT, font(measures.em), "mm")
        return
    canvas.rectangle(box, None, HAIRLINE)
    picture = _enlarged(open_rgb(sweep.pictures[key]), sweep.scale)
    offset = (measures.width - picture.width) // 2, (measures.height - picture.height) // 2
    page.paste(picture, (x + offset[0], y + offset[1]))
    if key in sweep.marks:
        _draw_mark(canvas, sweep.marks[key], measures, box)


def _enlarged(picture: Image.Image, scale: int) -> Image.Image:
    if scale == 1:
        return picture
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.LANCZOS)


def _draw_mark(
    canvas: ImageDraw.ImageDraw, label: str, measures: Measures, box: tuple[int, int, int, int]
) -> None:
    """Frame a cell in red, outside its pixels, and name the fault in its upper left corner."""
    thickness = max(2, measures.em // 6)
    left, top, right, bottom = box
    frame = (
        left - thickness + 1,
        top - thickness + 1,
        right + thickness - 1,
        bottom + thickness - 1,
    )
    canvas.rectangle(frame, None, RED, thickness)
    letters = font(round(0.85 * measures.em))
    length, pad = letters.getlength(label), measures.em // 2
    canvas.rectangle((left, top, left + length + 2 * pad, top + 1.5 * measures.em), RED)
    canvas.text((left + pad, top + 0.75 * measures.em), label, "white", letters, "lm")
