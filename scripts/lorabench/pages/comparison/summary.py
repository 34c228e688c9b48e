"""Print the comparison on the terminal."""

import textwrap
from collections.abc import Iterator, Sequence

from lorabench.bench.measures.columns import METRICS
from lorabench.bench.verdicts import words
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.pages.comparison import differences
from lorabench.pages.finished_run import FinishedRun
from lorabench.pages.words import TEXTS
from lorabench.text.phrases import fill

_WIDEST = 36


def lines(runs: Sequence[FinishedRun]) -> Iterator[str]:
    """Yield the lines with the runs' results and differences."""
    names = [run.name for run in runs]
    yield from table(["", *names], list(_verdicts(runs)), widest=80)
    for note, values in differences.notes(runs):
        yield from ["", *textwrap.wrap(fill(TEXTS[note][0], **values), 96)]
    different = [[one.name, *one.values] for one in differences.settings(runs)]
    pictures = differences.pictures(runs)
    if any(one.added or one.removed for one in pictures):
        different.insert(0, ["pictures trained on", *map(_pictures, pictures)])
    yield ""
    yield from table(["What differs", *names], different or [["nothing in data or settings"]])
    yield ""
    yield from table(["Metrics", *names], list(_metrics(runs)))


def _pictures(one: differences.Pictures) -> str:
    if not one.number:
        return "not recorded"
    moved = f" (+{len(one.added)} −{len(one.removed)})" if one.added or one.removed else ""
    return f"{one.number}{moved}"


def _verdicts(runs: Sequence[FinishedRun]) -> Iterator[list[str]]:
    told = [run.verdict for run in runs]
    yield ["verdict", *(words.label(one.label) if one else "not judged yet" for one in told)]
    yield ["weight to use", *map(_to_use, told)]
    yield ["usable window", *map(_window, told)]


def _to_use(told: Verdict | None) -> str:
    if told is None:
        return _weight(None)
    if told.weight is None:
        return words.no_weight(told)
    return " or ".join(map(_weight, told.tie if len(told.tie) > 1 else [told.weight]))


def _window(told: Verdict | None) -> str:
    if told is None:
        return _weight(None)
    return " to ".join(map(_weight, dict.fromkeys(told.window or ()))) or words.no_window(told)


def _metrics(runs: Sequence[FinishedRun]) -> Iterator[list[str]]:
    """Yield the metrics of style, prompt, damage and copies, with intervals."""
    yield ["at weight", *(_weight(run.shown) for run in runs)]
    for metric in METRICS:
        values = [run.curves.get(metric.column, {}).get(run.shown) for run in runs]
        if metric.group != "picture" and any(values):
            yield [
                metric.title,
                *(
                    "–"
                    if one is None
                    else f"{one.mean:.3g}"
                    if one.low is None or one.high is None
                    else f"{one.mean:.3g} [{one.low:.3g}, {one.high:.3g}]"
                    for one in values
                ),
            ]


def _weight(weight: float | None) -> str:
    return "–" if weight is None else f"{weight:.2f}"


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], widest: int = _WIDEST
) -> Iterator[str]:
    """Yield a table for the terminal."""
    cells = [[_cut(cell, widest) for cell in row] for row in rows]
    every = [list(head), *cells]
    widths = [
        max(len(row[column]) for row in every if column < len(row)) for column in range(len(head))
    ]
    for number, row in enumerate(every):
        yield "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=False)
        ).rstrip()
        if number == 0:
            yield "  ".join("─" * width for width in widths)


def _cut(text: str, widest: int) -> str:
    return text if len(text) <= widest else f"{text[: widest - 1]}…"
