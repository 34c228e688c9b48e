"""Hold what was picked of each series against its truth: figures, and a table of all series.

A pick is the `verdict.json` of a run with all epochs of a series, which the whole grid gave, or
the search with a part of its pictures; what is not there yet is counted as such.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.known_answers import series_looks, series_sheets
from benchmarks.known_answers.judge_series import packed, unpacked
from benchmarks.known_answers.score import share
from benchmarks.known_answers.series_looks import Look
from benchmarks.known_answers.series_recipes import SERIES, Series
from benchmarks.known_answers.series_truth import USUAL_WEIGHT, Pair, Scores, Truth, truth
from lorabench import cli, files

FULL, SEARCH = "verdict.json", "search.json"
"""Beside the pictures of a series: what the whole grid, and the search, said."""


@dataclass(frozen=True)
class Pick:
    """What was said of one series."""

    pair: Pair | None
    """None where no LoRA works at any weight."""
    over_trained_from: int | None
    pictures: int | None = None
    """How many were drawn with a LoRA, where that is a part of the grid."""


@dataclass(frozen=True)
class Scored:
    """One series: its truth, and what was picked."""

    series: Series
    scores: Scores
    full: Pick | None = None
    search: Pick | None = None
    look: Look | None = None
    """None where nobody has looked."""

    @property
    def truth(self) -> Truth:
        """What the judge says."""
        return truth(self.scores)

    def names_the_end(self, known: Truth | Look) -> bool:
        """Whether over-training is named within one of the epochs that are kept; that there is
        none counts as one after the last."""
        said = self.full.over_trained_from if self.full else None
        return abs(self._place(said) - self._place(known.over_trained_from)) <= 1

    @property
    def is_missed(self) -> bool:
        """Whether the pick of the whole grid, or its end, is wrong by the judge or by eye."""
        known = [self.truth, *([self.look] if self.look else [])]
        return self.full is not None and not all(
            is_good(self.full.pair, one) and (self.names_the_end(one) or not _knows_end(one))
            for one in known
        )

    def _place(self, epoch: int | None) -> int:
        epochs = self.series.epochs
        return len(epochs) if epoch is None else epochs.index(epoch)


def is_good(pair: Pair | None, known: Truth | Look) -> bool:
    """Return whether a pair is in the region; none is right where that is empty."""
    return pair in known.good if known.good else pair is None


def read(series: Series, folder: Path) -> Scored:
    """Read what is there of one series: its scores, and the picks if there are any."""
    content = json.loads((folder / "scores.json").read_text("utf-8"))
    return Scored(
        series,
        unpacked(content),
        full=read_pick(series, folder / FULL),
        search=read_pick(series, folder / SEARCH),
        look=series_looks.read().get(series.name),
    )


def read_pick(series: Series, path: Path) -> Pick | None:
    """Read a pick from the verdict of a run with several LoRAs; None without a file.

    Of `choice`, whose keys begin with the stems of the series' files.
    """
    if not path.exists():
        return None
    said = json.loads(path.read_text("utf-8"))
    weight, choice = said["weight"], said["choice"]
    pair = None if weight is None else Pair(series.epoch_of(choice["lora"]), weight)
    end = choice["over_trained_from"]
    return Pick(pair, None if end is None else series.epoch_of(end), said.get("pictures"))


def program(arguments: argparse.Namespace) -> None:
    """Write the scores, and the tables."""
    folders = {one.name: arguments.work / "series" / one.name for one in SERIES}
    scored = [
        read(one, folders[one.name])
        for one in SERIES
        if (folders[one.name] / "scores.json").exists()
    ]
    content = {one.series.name: packed(one.scores) for one in scored}
    rows = [f" {json.dumps(name)}: {json.dumps(scores)}" for name, scores in content.items()]
    files.write_text(arguments.scores, "{\n" + ",\n".join(rows) + "\n}\n")
    text = f"{len(scored)} series of the suite's {len(SERIES)} are judged.\n\n{tables(scored)}"
    files.write_text(arguments.tables, text)
    missed = [one.series for one in scored if one.is_missed]
    series_sheets.draw(missed, arguments.work / "series", arguments.sheets)
    cli.log.info("%s", text)


def tables(scored: Sequence[Scored]) -> str:
    """Return Markdown: the figures of both halves, and every series."""
    held_out = [one for one in scored if one.series.held_out]
    calibrated = [one for one in scored if not one.series.held_out]
    rows = [
        "| figure | goal | held out | calibrated on |",
        "| --- | --- | --- | --- |",
        *(
            f"| {title} | {goal} | {measure(held_out)} | {measure(calibrated)} |"
            for title, goal, measure in _FIGURES
        ),
        "",
        "| series | half | best | good | good by eye | pick | over-trained from | by eye | said |"
        " search |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(_row, scored),
    ]
    return "\n".join(rows) + "\n"


Known = Callable[[Scored], Truth | Look | None]

_JUDGE, _EYE = attrgetter("truth"), attrgetter("look")
_GRID, _PART = attrgetter("full"), attrgetter("search")


def _good(scored: Sequence[Scored], pick_of: Callable[[Scored], Pick | None], known: Known) -> str:
    """Count the picks that are good, of those that there are where the truth is known."""
    pairs = [(pick_of(one), known(one)) for one in scored]
    return share([is_good(pick.pair, true) for pick, true in pairs if pick and true])


def _ended(scored: Sequence[Scored], known: Known) -> str:
    """Count the ends that are named, of those that are known."""
    pairs = [(one, known(one)) for one in scored if one.full]
    return share([one.names_the_end(true) for one, true in pairs if true and _knows_end(true)])


def _knows_end(known: Truth | Look) -> bool:
    """Return whether an end is known: the judge knows none where nothing is good."""
    return isinstance(known, Look) or bool(known.good)


def _drawn(scored: Sequence[Scored]) -> str:
    """Count the pictures of all searches together."""
    searches = [(one.search.pictures, one) for one in scored if one.search and one.search.pictures]
    whole = sum(len(score) for _, one in searches for score in one.scores.values())
    return f"{100 * sum(drawn for drawn, _ in searches) / whole:.0f} %" if whole else "none"


def _last_epoch(scored: Sequence[Scored]) -> str:
    """Count how often what people do without looking is good."""
    return share([is_good(Pair(one.series.epochs[-1], USUAL_WEIGHT), one.truth) for one in scored])


def _by_chance(scored: Sequence[Scored]) -> str:
    """Return how much of the grids is good: what a blind pick would reach."""
    parts = [len(one.truth.good) / len(one.scores) for one in scored if one.truth.good]
    return f"{100 * sum(parts) / len(parts):.0f} %" if parts else "none"


_FIGURES: tuple[tuple[str, str, Callable[[Sequence[Scored]], str]], ...] = (
    (
        "the picked epoch and weight are good",
        "at least 90 %",
        partial(_good, pick_of=_GRID, known=_JUDGE),
    ),
    ("by eye", "", partial(_good, pick_of=_GRID, known=_EYE)),
    (
        "over-training named within one epoch",
        "at least 80 %",
        partial(_ended, known=_JUDGE),
    ),
    ("by eye", "", partial(_ended, known=_EYE)),
    (
        "the search's epoch and weight are good",
        "as the whole grid",
        partial(_good, pick_of=_PART, known=_JUDGE),
    ),
    ("by eye", "", partial(_good, pick_of=_PART, known=_EYE)),
    ("its pictures, of the whole grid's", "at most 35 %", _drawn),
    ("the last epoch at 0.8 is good, for comparison", "", _last_epoch),
    ("how much of a grid is good, where something is", "", _by_chance),
)


def _row(one: Scored) -> str:
    found, look, name = one.truth, one.look, one.series.name
    said = "" if one.full is None else _end(one.full.over_trained_from)
    cells = (
        f"[{name}](series_misses/{name}.webp)" if one.is_missed else name,
        "held out" if one.series.held_out else "calibrated on",
        f"{_pair(found.best)}: {one.scores[found.best].mean():.2f}",
        _region(found),
        _region(look) if look else "",
        _pick(one, one.full),
        _end(found.over_trained_from) if _knows_end(found) else "",
        _end(look.over_trained_from) if look else "",
        said if not _knows_end(found) or one.names_the_end(found) else f"**{said}**",
        _pick(one, one.search),
    )
    return f"| {' | '.join(cells)} |"


def _pick(one: Scored, pick: Pick | None) -> str:
    """Write a pick, one that the judge calls wrong in bold."""
    if pick is None:
        return ""
    text = _pair(pick.pair) if pick.pair else "none"
    return text if is_good(pick.pair, one.truth) else f"**{text}**"


def _pair(pair: Pair) -> str:
    return f"{pair.epoch} at {pair.weight:g}"


def _end(epoch: int | None) -> str:
    return "none" if epoch is None else str(epoch)


def _region(found: Truth | Look) -> str:
    by_epoch: dict[int, list[str]] = {}
    for pair in found.good:
        by_epoch.setdefault(pair.epoch, []).append(f"{pair.weight:g}")
    parts = [f"{epoch} at {', '.join(weights)}" for epoch, weights in by_epoch.items()]
    return "; ".join(parts) or "none"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder of the series")
    parser.add_argument("scores", type=Path, help="JSON of the judge's scores")
    parser.add_argument("tables", type=Path, help="Markdown")
    parser.add_argument("sheets", type=Path, help="folder for a sheet of each miss")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
