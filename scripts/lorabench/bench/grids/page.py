"""Draw one page of a grid."""

from collections.abc import Sequence
from itertools import repeat

from PIL import Image, ImageDraw, ImageFont

from lorabench.bench.grids import header
from lorabench.bench.grids.difference import SATURATED, difference_map, scale_bar
from lorabench.bench.grids.sheet import (
    EMPTY,
    FAINT,
    GREEN,
    HAIRLINE,
    INK,
    QUIET,
    RED,
    Grid,
    Key,
    Measures,
    Row,
    Sweep,
)
from lorabench.bench.lettering import font, shorten
from lorabench.bench.verdicts.verdict import in_window
from lorabench.errors import UserError
from lorabench.sweep.pictures import open_rgb


def draw(grid: Grid, sweep: Sweep, measures: Measures) -> Image.Image:
    """Draw all of `grid` on one page."""
    return _Page(grid, sweep, measures).draw()


def beside(grids: Sequence[Grid], sweep: Sweep, measures: Sequence[Measures]) -> Image.Image:
    """Draw grids on one page, from left to right, with aligned first rows."""
    pages = list(map(_Page, grids, repeat(sweep), measures))
    offsets = [max(page.top for page in pages) - page.top for page in pages]
    parts = [page.draw() for page in pages]
    height = max(part.height + offset for part, offset in zip(parts, offsets, strict=True))
    whole = Image.new("RGB", (sum(part.width for part in parts), height), "white")
    x = 0
    for part, offset in zip(parts, offsets, strict=True):
        whole.paste(part, (x, offset))
        x += part.width
    return whole


class _Page:
    """A page while it is drawn."""

    def __init__(self, grid: Grid, sweep: Sweep, measures: Measures) -> None:
        self.grid, self.sweep, self.measures = grid, sweep, measures
        columns = len(grid.weights)
        width = measures.page_width(columns)
        self.header = header.lines(grid, sweep, measures, width - 2 * measures.margin)
        self.words = measures.margin + sum(line.height for line in self.header)
        self.top = self.words + measures.strip_room(columns) + 4 * measures.em
        """Where the first row begins."""
        *self.offsets, rows = measures.row_offsets(grid.rows)
        self.size = width, self.top + rows + measures.margin

    def draw(self) -> Image.Image:
        """Return it whole."""
        self.image = Image.new("RGB", self.size, "white")
        self.canvas = ImageDraw.Draw(self.image)
        header.draw(self.canvas, self.header, self.measures)
        self._draw_strip()
        self._draw_headings() if self.grid.headings else self._draw_weights()
        if self.grid.differences:
            self._draw_scale()
        for row, offset in zip(self.grid.rows, self.offsets, strict=True):
            y = self.top + offset
            self._draw_label(row, y)
            for column, weight in enumerate(self.grid.weights):
                self._draw_cell(row.key(weight), self._column(column), y)
        return self.image

    def _column(self, number: int) -> int:
        """Return where a column begins."""
        return self.measures.left + number * (self.measures.width + self.measures.gap)

    def _write(self, place: tuple[float, float], text: str, colour: str, anchor: str) -> None:
        self.canvas.text(place, text, colour, font(self.measures.em), anchor)

    def _draw_strip(self) -> None:
        strip, measures = self.grid.strip, self.measures
        if strip:
            y = self.words + round(2.5 * measures.em)
            self._write((measures.left, y - round(0.7 * measures.em)), strip.words, FAINT, "ls")
            height = measures.strip_height(len(self.grid.weights))
            strip.draw(self.image, (measures.left, y), height, measures.gap)

    def _draw_headings(self) -> None:
        """Write what stands above the columns, if that is not the weight."""
        measures = self.measures
        baseline = self.top - round(0.7 * measures.em)
        self._write((measures.left - measures.em, baseline), self.grid.corner, FAINT, "rs")
        for column, number in enumerate(self.grid.weights):
            middle = self._column(column) + measures.width // 2
            letters = font(measures.em)
            text = shorten(self.grid.headings[int(number)], letters, measures.width)
            self._write((middle, baseline), text, INK, "ms")

    def _draw_weights(self) -> None:
        weights, measures, verdict = self.grid.weights, self.measures, self.sweep.verdict
        baseline = self.top - round(0.7 * measures.em)
        self._write((measures.left - measures.em, baseline), self.grid.corner, FAINT, "rs")
        above = baseline - round(1.5 * measures.em)
        self._write((measures.left, above), "LoRA weight", FAINT, "ls")
        digits = max(len(f"{weight:g}".partition(".")[2]) for weight in weights)
        for column, weight in enumerate(weights):
            middle = self._column(column) + measures.width // 2
            text = "0 (no LoRA)" if weight == 0 else f"{weight:.{digits}f}"
            faulty = any(row.key(weight) in self.sweep.marks for row in self.grid.rows)
            recommended = verdict is not None and verdict.weight == weight
            tag = self._length("recommended") + measures.gap if recommended else 0
            self._write((middle - tag / 2, baseline), text, RED if faulty else INK, "ms")
            if recommended:
                length = font(measures.em).getlength(text)
                end = middle - tag / 2 + length / 2 + measures.gap
                self._draw_tag("recommended", GREEN, end, baseline - measures.em)
        self._draw_window()

    def _draw_window(self) -> None:
        """Draw a line over the columns of the usable weights."""
        usable = in_window(self.grid.weights, self.sweep.verdict)
        columns = [self._column(number) for number, use in enumerate(usable) if use]
        if columns:
            line = self.measures.line
            bottom = self.top - line - 1
            right = columns[-1] + self.measures.width - 1
            self.canvas.rectangle((columns[0], bottom - line + 1, right, bottom), GREEN)

    def _draw_scale(self) -> None:
        """Draw the scale of the maps' colours, to the right of the weights' heading."""
        em, gap = self.measures.em, self.measures.gap
        baseline = self.top - round(2.2 * em)
        right = self.image.width - self.measures.margin
        most = f"{SATURATED:g} or more"
        self._write((right, baseline), most, FAINT, "rs")
        bar = scale_bar(8 * em, em)
        x = right - round(font(em).getlength(most)) - gap - bar.width
        self.image.paste(bar, (x, baseline - round(0.85 * em)))
        self._write((x - gap, baseline), "difference  0", FAINT, "rs")

    def _draw_label(self, row: Row, y: int) -> None:
        measures = self.measures
        lines = [(text, INK) for text in measures.label(row)]
        if row.note:
            lines.append((row.note, QUIET))
        step = round(1.4 * measures.em)
        middle = y + measures.height // 2 - (len(lines) - 1) * step // 2
        for number, (text, colour) in enumerate(lines):
            self._write((measures.left - measures.em, middle + number * step), text, colour, "rm")

    def _draw_cell(self, key: Key, x: int, y: int) -> None:
        if key not in self.sweep.cells:
            return
        width, height = self.measures.width, self.measures.height
        box = (x - 1, y - 1, x + width, y + height)
        picture = _picture(self.grid, self.sweep, key)
        if not picture:
            self.canvas.rectangle(box, EMPTY, HAIRLINE)
            self._write((x + width // 2, y + height // 2), "missing", FAINT, "mm")
            return
        self.canvas.rectangle(box, None, HAIRLINE)
        picture = _scaled(picture, self.sweep.enlargement, self.measures.reduction)
        place = (x + (width - picture.width) // 2, y + (height - picture.height) // 2)
        self.image.paste(picture, place)
        if key in self.sweep.marks:
            self._draw_mark(self.sweep.marks[key], box)

    def _draw_mark(self, label: str, box: tuple[int, int, int, int]) -> None:
        """Frame a cell in red, outside its pixels, and name the fault in its upper left corner."""
        left, top, right, bottom = box
        line, out = self.measures.line, self.measures.line - 1
        self.canvas.rectangle((left - out, top - out, right + out, bottom + out), None, RED, line)
        self._draw_tag(label, RED, left, top)

    def _draw_tag(self, label: str, colour: str, x: float, y: float) -> None:
        """Write small white words on a patch of colour."""
        em = self.measures.em
        self.canvas.rectangle((x, y, x + self._length(label), y + 1.3 * em), colour)
        self.canvas.text((x + em // 2, y + 0.65 * em), label, "white", self._small, "lm")

    def _length(self, label: str) -> float:
        """Return how wide a tag is."""
        return self._small.getlength(label) + 2 * (self.measures.em // 2)

    @property
    def _small(self) -> ImageFont.FreeTypeFont:
        return font(round(0.85 * self.measures.em))


def _picture(grid: Grid, sweep: Sweep, key: Key) -> Image.Image | None:
    """Return the content of a cell; None if a picture is missing."""
    variant, seed, index, weight = key
    if key not in sweep.pictures:
        return None
    picture = open_rgb(sweep.pictures[key])
    if not grid.differences or weight == 0:
        return picture
    baseline = sweep.pictures.get((variant, seed, index, 0.0))
    if not baseline:
        return None
    without = open_rgb(baseline)
    if without.size != picture.size:
        raise UserError(
            f"{sweep.pictures[key]} and {baseline} differ in size; delete the one from another "
            "sweep, and the same command renders it again"
        )
    return difference_map(picture, without)


def _scaled(picture: Image.Image, enlargement: int, reduction: int) -> Image.Image:
    if reduction > 1:
        return picture.reduce(reduction)
    if enlargement == 1:
        return picture
    size = picture.width * enlargement, picture.height * enlargement
    return picture.resize(size, Image.Resampling.LANCZOS)
