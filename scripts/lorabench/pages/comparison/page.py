"""The comparison as one self-contained page, in two languages."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from lorabench.bench.measures.columns import METRICS, OF_A_WEIGHT
from lorabench.bench.verdicts import words
from lorabench.pages.comparison import chart, differences, grid
from lorabench.pages.comparison.texts import both
from lorabench.pages.finished_run import FinishedRun
from lorabench.pages.run.contents import DECIDING
from lorabench.pages.run.embed import data_uri
from lorabench.sweep import labels

LONGEST_SIDE = 384
"""Pixels: what a column on a wide screen has room for; the picture itself is in its run."""
MAX_PICTURES = 1200
"""So many are some 20 MB; beyond it, the page shows the weights that matter most."""
_HERE = Path(__file__).parent


def write(runs: Sequence[FinishedRun], path: Path) -> None:
    """Write the page on at least two runs to `path`, a few pictures in memory at a time."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    used: dict[str, Any] = {
        "say": say,
        "two": _two,
        "no_weight": lambda found: _two(words.no_weight(found), words.no_weight(found, "ja")),
        "no_window": lambda found: _two(words.no_window(found), words.no_window(found, "ja")),
        "prompt": lambda of: _two(*(labels.label(of.prompt, of.probe, at) for at in ("en", "ja"))),
        "label": lambda name: _two(words.label(name, "en"), words.label(name, "ja")),
        "finding": lambda found: _two(words.finding(found, "en"), words.finding(found, "ja")),
        "named": differences.named,
        "picture": lambda path: data_uri(path, LONGEST_SIDE),
    }
    environment.globals |= used
    environment.filters["weight"] = lambda weight: f"{weight:.2f}"
    template = environment.get_template("comparison.html.j2")
    template.stream(**_contents(runs)).dump(str(path), encoding="utf-8")


def say(key: str, **values: object) -> Markup:
    """Return a text in both languages, of which the page shows one."""
    return _two(*both(key, **values))


def _extent(run: FinishedRun) -> Markup:
    asked = [picture for picture in run.pictures if not picture.probe]
    probes = len(run.pictures) - len(asked)
    weights = {picture.weight for picture in asked}
    extent = say(
        "extent_value",
        pictures=len(asked),
        prompts=len({picture.variant for picture in asked}),
        seeds=len({picture.seed for picture in asked}),
        weights=len(weights - {0}),
        without=0 in weights,
    )
    return extent + (say("extent_probes", n=probes) if probes else "")


def _two(english: str, japanese: str) -> Markup:
    if english == japanese:
        return escape(english)
    return Markup('<span lang="en">{}</span><span lang="ja">{}</span>').format(english, japanese)


def _contents(runs: Sequence[FinishedRun]) -> dict[str, Any]:
    laid = grid.lay_out(runs)
    different, trained_on = differences.settings(runs), differences.pictures(runs)
    return {
        "runs": runs,
        "extents": [_extent(run) for run in runs],
        "notes": differences.notes(runs),
        "pictures": trained_on,
        "moved": any(one.added or one.removed for one in trained_on),
        "groups": {
            group: [one for one in different if one.group == group] for group in differences.GROUPS
        },
        "grid": laid,
        "weights": _affordable(laid, runs),
        "metrics": list(_metrics(runs)),
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "style": Markup((_HERE / "comparison.css").read_text(encoding="utf-8")),
        "script": Markup((_HERE / "comparison.js").read_text(encoding="utf-8")),
    }


def _affordable(laid: grid.Grid, runs: Sequence[FinishedRun]) -> list[float]:
    """Return the weights to embed: all, or so many around the recommended ones as there is room."""
    room = max(1, MAX_PICTURES // max(1, len(laid.rows) * len(runs)))
    middle = sum(run.shown for run in runs) / len(runs)
    return sorted(sorted(laid.weights, key=lambda weight: abs(weight - middle))[:room])


def _metrics(runs: Sequence[FinishedRun]) -> Iterator[dict[str, Any]]:
    """Yield every metric that a run has: those that decide, the registry's, then the others."""
    titles = {
        one.column: ((one.title, one.title_ja), (one.unit, one.unit_ja))
        for one in (*METRICS, *OF_A_WEIGHT)
    }
    found = dict.fromkeys(column for run in runs for column in run.curves)
    order = list(dict.fromkeys((*DECIDING, *titles, *found)))
    columns = sorted(found, key=order.index)
    for column in columns:
        curves = [run.curves.get(column, {}) for run in runs]
        title, unit = titles.get(column, ((column, column), ("", "")))
        yield {
            "title": title,
            "unit": unit,
            "deciding": column in DECIDING,
            "chart": Markup(chart.draw(curves)),
            "weights": sorted({weight for curve in curves for weight in curve}),
            "curves": curves,
        }
