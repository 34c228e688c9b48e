"""The comparison as one self-contained page, in two languages."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from lorabench.bench.measures.columns import METRICS, OF_A_WEIGHT
from lorabench.pages import tables, template
from lorabench.pages.comparison import differences, grid
from lorabench.pages.finished_run import FinishedRun
from lorabench.pages.run.contents import DECIDING
from lorabench.pages.template import both, text
from lorabench.pages.thumbnails import data_uri
from lorabench.pages.words import keyed
from lorabench.sweep import labels

if TYPE_CHECKING:
    from lorabench.pages.comparison.ranking import Row  # it takes pandas

LONGEST_SIDE = 384
"""Pixels: what a column on a wide screen has room for; the picture itself is in its run."""
MAX_PICTURES = 1200
"""So many are some 20 MB; beyond it, the page shows the weights that matter most."""
_HERE = Path(__file__).parent


def write(runs: Sequence[FinishedRun], path: Path, ranking: Sequence["Row"] = ()) -> None:
    """Write the page on the runs to `path`, a few pictures in memory at a time.

    `ranking` has the runs of a matrix, with those that have no pictures.
    """
    environment = template.environment(_HERE)
    used: dict[str, Any] = {
        "prompt": lambda of: both(partial(labels.label, of.prompt, of.probe)),
        "named": differences.named,
        "described": tables.described,
        "picture": lambda path: data_uri(path, LONGEST_SIDE),
    }
    environment.globals |= used
    page = environment.get_template("comparison.html.j2")
    page.stream(**_contents(runs), **_of_matrix(runs, ranking)).dump(str(path), encoding="utf-8")


def _of_matrix(runs: Sequence[FinishedRun], ranking: Sequence["Row"]) -> dict[str, Any]:
    """Return the ranking, and what the runs are called: with it, after what differs."""
    called = {run.name: run.name for run in runs}
    return {"ranking": ranking, "called": called | {row.run.name: row.called for row in ranking}}


def _extent(run: FinishedRun) -> Markup:
    asked = [picture for picture in run.pictures if not picture.probe]
    probes = len(run.pictures) - len(asked)
    weights = {picture.weight for picture in asked}
    extent = text(
        "runs.extent_value",
        pictures=len(asked),
        prompts=len({picture.variant for picture in asked}),
        seeds=len({picture.seed for picture in asked}),
        weights=len(weights - {0}),
        without=0 in weights,
    )
    return extent + (text("runs.extent_probes", n=probes) if probes else "")


def _contents(runs: Sequence[FinishedRun]) -> dict[str, Any]:
    laid = grid.lay_out(runs)
    weights = _affordable(laid, runs)
    metrics = list(_metrics(runs))
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
        "weights": weights,
        "stops": _stops(weights, runs),
        "metrics": metrics,
        "data": {"texts": keyed("page.", "plots.interval"), "metrics": metrics},
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }


def _affordable(laid: grid.Grid, runs: Sequence[FinishedRun]) -> list[float]:
    """Return the weights to embed: all, or so many around the recommended ones as there is room."""
    room = max(1, MAX_PICTURES // max(1, len(laid.rows) * len(runs)))
    middle = fmean(run.shown for run in runs)
    return sorted(sorted(laid.weights, key=lambda weight: abs(weight - middle))[:room])


def _stops(weights: Sequence[float], runs: Sequence[FinishedRun]) -> list[str]:
    """Return the slider's stops: each run at its `own` weight in its place among the weights."""
    own = {run.shown for run in runs}
    places = {f"{weight:.2f}": weight for weight in weights if own != {weight}}
    places["own"] = fmean(own)
    return sorted(places, key=places.__getitem__)


def _metrics(runs: Sequence[FinishedRun]) -> Iterator[dict[str, Any]]:
    """Yield every metric that a run has: those that decide, the registry's, then the others."""
    known = [one.column for one in (*METRICS, *OF_A_WEIGHT)]
    found = dict.fromkeys(column for run in runs for column in run.curves)
    order = list(dict.fromkeys((*DECIDING, *known, *found)))
    columns = sorted(found, key=order.index)
    for at, column in enumerate(columns):
        curves = [sorted(run.curves.get(column, {}).items()) for run in runs]
        yield {
            "at": at,
            **tables.described(column),
            "deciding": column in DECIDING,
            "weights": sorted({weight for curve in curves for weight, _ in curve}),
            "curves": [
                [{"weight": weight, **asdict(value)} for weight, value in curve] for curve in curves
            ],
        }
