"""Write the header of a grid: title, verdict and faults."""

from dataclasses import dataclass

from PIL import ImageDraw

from lorabench.bench.grids.sheet import FAINT, GREEN, INK, QUIET, RED, Grid, Measures, Sweep
from lorabench.bench.lettering import font, shorten, wrap
from lorabench.bench.verdicts import words
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.text.phrases import listed


@dataclass(frozen=True)
class Line:
    """One line of words."""

    text: str
    size: int
    colour: str
    height: int
    """The distance from the baseline above."""


def lines(grid: Grid, sweep: Sweep, measures: Measures, width: int) -> list[Line]:
    """Return the lines for a page of a grid, each at most `width` pixels long."""
    em, large = measures.em, round(1.7 * measures.em)
    title = [
        Line(text, large, INK, round(1.4 * large))
        for text in wrap(grid.title, font(large), width, 2)
    ]
    note = Line(grid.note, em, QUIET, round(2 * em))
    caption = [_line(text, em, FAINT) for text in wrap(grid.caption, font(em), width, 3)]
    verdict = _verdict(sweep.verdict, em, width) if sweep.verdict else []
    alarms = [_line(shorten(text, font(em), width), em, RED) for text in _alarms(grid, sweep)]
    return [*title, note, *caption, *verdict, *alarms]


def draw(canvas: ImageDraw.ImageDraw, above: list[Line], measures: Measures) -> None:
    """Write the lines at the top of the page."""
    baseline = measures.margin - measures.em
    for line in above:
        baseline += line.height
        canvas.text((measures.margin, baseline), line.text, line.colour, font(line.size), "ls")


def in_words(verdict: Verdict) -> str:
    """Return a verdict on the weights in one line."""
    parts = [words.label(verdict.label)]
    if len(verdict.tie) > 1:
        parts.append(f"a tie between {listed([f'{weight:g}' for weight in verdict.tie])}")
    if verdict.weight is not None:
        parts.append(f"recommended weight {verdict.weight:g}")
    elif verdict.label == "uncertain":
        parts.append(f"weight to use: {words.no_weight(verdict)}")
    if verdict.window:
        low, high = verdict.window
        parts.append(f"usable at {low:g}" if low == high else f"usable from {low:g} to {high:g}")
    return " · ".join(parts)


def _verdict(verdict: Verdict, em: int, width: int) -> list[Line]:
    colours = {"works": GREEN, "weak": QUIET, "uncertain": QUIET}
    colour = colours.get(verdict.label, RED)
    return [_line(text, em, colour) for text in wrap(in_words(verdict), font(em), width, 2)]


def _line(text: str, em: int, colour: str) -> Line:
    return Line(text, em, colour, round(1.6 * em))


def _alarms(grid: Grid, sweep: Sweep) -> list[str]:
    """Return the faults of this page's pictures, in at most four lines."""
    messages = [message for message, keys in sweep.alarms if keys & grid.keys]
    return messages if len(messages) <= 4 else [*messages[:3], f"and {len(messages) - 3} more"]
