"""One page of a grid, drawn."""

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
from lorabench.bench.lettering import font
from lorabench.errors import UserError
from lorabench.sweep.pictures import open_rgb


def draw(grid: Grid, sweep: Sweep, measures: Measures) -> Image.Image:
    """Draw `grid` on one page, whatever its size."""
    columns = len(grid.weights)
    width = measures.page_width(columns)
    above = header.lines(grid, sweep, measures, width - 2 * measures.margin)
    words = measures.margin + sum(line.height for line in above)
    top = _top(grid, sweep, measures)
    *offsets, rows = measures.row_offsets(grid.rows)
    page = Image.new("RGB", (width, top + rows + measures.margin), "white")
    canvas = ImageDraw.Draw(page)
    header.draw(canvas, above, measures)
    _draw_strip(page, canvas, grid, measures, words)
    _draw_weights(canvas, grid, sweep, measures, top)
    if grid.differences:
        _draw_scale(page, canvas, measures, top)
    for row, offset in zip(grid.rows, offsets, strict=True):
        y = top + offset
        _draw_label(canvas, row, measures, y)
        for column, weight in enumerate(grid.weights):
            x = _column(measures, column)
            _draw_cell(page, canvas, grid, sweep, measures, row.key(weight), (x, y))
    return page


def beside(grids: Sequence[Grid], sweep: Sweep, measures: Sequence[Measures]) -> Image.Image:
    """Draw grids on one page, from left to right, their first rows at one height."""
    tops = list(map(_top, grids, repeat(sweep), measures))
    parts = list(map(draw, grids, repeat(sweep), measures))
    offsets = [max(tops) - top for top in tops]
    height = max(part.height + offset for part, offset in zip(parts, offsets, strict=True))
    page = Image.new("RGB", (sum(part.width for part in parts), height), "white")
    x = 0
    for part, offset in zip(parts, offsets, strict=True):
        page.paste(part, (x, offset))
        x += part.width
    return page


def _top(grid: Grid, sweep: Sweep, measures: Measures) -> int:
    """Return where the first row begins."""
    columns = len(grid.weights)
    above = header.lines(grid, sweep, measures, measures.page_width(columns) - 2 * measures.margin)
    words = measures.margin + sum(line.height for line in above)
    return words + measures.strip_room(columns) + 4 * measures.em


def _column(measures: Measures, number: int) -> int:
    """Return where a column begins."""
    return measures.left + number * (measures.width + measures.gap)


def _draw_strip(
    page: Image.Image, canvas: ImageDraw.ImageDraw, grid: Grid, measures: Measures, above: int
) -> None:
    if grid.strip:
        y = above + round(2.5 * measures.em)
        place = (measures.left, y - round(0.7 * measures.em))
        canvas.text(place, grid.strip.words, FAINT, font(measures.em), "ls")
        height = measures.strip_height(len(grid.weights))
        grid.strip.draw(page, (measures.left, y), height, measures.gap)


def _draw_weights(
    canvas: ImageDraw.ImageDraw, grid: Grid, sweep: Sweep, measures: Measures, top: int
) -> None:
    letters, baseline = font(measures.em), top - round(0.7 * measures.em)
    canvas.text((measures.left - measures.em, baseline), grid.corner, FAINT, letters, "rs")
    above = baseline - round(1.5 * measures.em)
    canvas.text((measures.left, above), "LoRA weight", FAINT, letters, "ls")
    digits = max(len(f"{weight:g}".partition(".")[2]) for weight in grid.weights)
    for column, weight in enumerate(grid.weights):
        middle = _column(measures, column) + measures.width // 2
        text = "0 (no LoRA)" if weight == 0 else f"{weight:.{digits}f}"
        faulty = any(row.key(weight) in sweep.marks for row in grid.rows)
        recommended = sweep.verdict is not None and sweep.verdict.weight == weight
        tag = _length("recommended", measures) + measures.gap if recommended else 0
        canvas.text((middle - tag / 2, baseline), text, RED if faulty else INK, letters, "ms")
        if recommended:
            end = middle - tag / 2 + letters.getlength(text) / 2 + measures.gap
            _draw_tag(canvas, "recommended", GREEN, measures, (end, baseline - measures.em))
    _draw_window(canvas, grid, sweep, measures, top)


def _draw_window(
    canvas: ImageDraw.ImageDraw, grid: Grid, sweep: Sweep, measures: Measures, top: int
) -> None:
    """Draw a line over the columns of the usable weights."""
    if not sweep.verdict or not sweep.verdict.window:
        return
    low, high = sweep.verdict.window
    usable = [column for column, weight in enumerate(grid.weights) if low <= weight <= high]
    if usable:
        left, right = _column(measures, usable[0]), _column(measures, usable[-1])
        bottom = top - measures.line - 1
        box = (left, bottom - measures.line + 1, right + measures.width - 1, bottom)
        canvas.rectangle(box, GREEN)


def _draw_scale(
    page: Image.Image, canvas: ImageDraw.ImageDraw, measures: Measures, top: int
) -> None:
    """Draw what the colours of the maps mean, at the right of the weights' heading."""
    em, letters = measures.em, font(measures.em)
    baseline = top - round(2.2 * em)
    right = page.width - measures.margin
    most = f"{SATURATED:g} or more"
    canvas.text((right, baseline), most, FAINT, letters, "rs")
    bar = scale_bar(8 * em, em)
    x = right - round(letters.getlength(most)) - measures.gap - bar.width
    page.paste(bar, (x, baseline - round(0.85 * em)))
    canvas.text((x - measures.gap, baseline), "difference  0", FAINT, letters, "rs")


def _draw_label(canvas: ImageDraw.ImageDraw, row: Row, measures: Measures, y: int) -> None:
    lines = [(text, INK) for text in measures.label(row)]
    if row.note:
        lines.append((row.note, QUIET))
    step = round(1.4 * measures.em)
    middle = y + measures.height // 2 - (len(lines) - 1) * step // 2
    for number, (text, colour) in enumerate(lines):
        place = (measures.left - measures.em, middle + number * step)
        canvas.text(place, text, colour, font(measures.em), "rm")


def _draw_cell(
    page: Image.Image,
    canvas: ImageDraw.ImageDraw,
    grid: Grid,
    sweep: Sweep,
    measures: Measures,
    key: Key,
    corner: tuple[int, int],
) -> None:
    if key not in sweep.cells:
        return
    x, y = corner
    box = (x - 1, y - 1, x + measures.width, y + measures.height)
    picture = _picture(grid, sweep, key)
    if not picture:
        canvas.rectangle(box, EMPTY, HAIRLINE)
        middle = (x + measures.width // 2, y + measures.height // 2)
        canvas.text(middle, "missing", FAINT, font(measures.em), "mm")
        return
    canvas.rectangle(box, None, HAIRLINE)
    picture = _scaled(picture, sweep.enlargement, measures.reduction)
    offset = (measures.width - picture.width) // 2, (measures.height - picture.height) // 2
    page.paste(picture, (x + offset[0], y + offset[1]))
    if key in sweep.marks:
        _draw_mark(canvas, sweep.marks[key], measures, box)


def _picture(grid: Grid, sweep: Sweep, key: Key) -> Image.Image | None:
    """Return what a cell shows; None where what it takes is not there."""
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
            f"{sweep.pictures[key]} and {baseline} differ in size; delete the one that is not of "
            "this sweep, and the same command renders it again"
        )
    return difference_map(picture, without)


def _scaled(picture: Image.Image, enlargement: int, reduction: int) -> Image.Image:
    if reduction > 1:
        return picture.reduce(reduction)
    if enlargement == 1:
        return picture
    size = picture.width * enlargement, picture.height * enlargement
    return picture.resize(size, Image.Resampling.LANCZOS)


def _draw_mark(
    canvas: ImageDraw.ImageDraw, label: str, measures: Measures, box: tuple[int, int, int, int]
) -> None:
    """Frame a cell in red, outside its pixels, and name the fault in its upper left corner."""
    left, top, right, bottom = box
    out = measures.line - 1
    canvas.rectangle((left - out, top - out, right + out, bottom + out), None, RED, measures.line)
    _draw_tag(canvas, label, RED, measures, (left, top))


def _draw_tag(
    canvas: ImageDraw.ImageDraw,
    label: str,
    colour: str,
    measures: Measures,
    corner: tuple[float, float],
) -> None:
    """Write small white words on a patch of colour."""
    x, y = corner
    canvas.rectangle((x, y, x + _length(label, measures), y + 1.3 * measures.em), colour)
    place = (x + measures.em // 2, y + 0.65 * measures.em)
    canvas.text(place, label, "white", _small(measures), "lm")


def _length(label: str, measures: Measures) -> float:
    """Return how wide a tag is."""
    return _small(measures).getlength(label) + 2 * (measures.em // 2)


def _small(measures: Measures) -> ImageFont.FreeTypeFont:
    return font(round(0.85 * measures.em))
