"""Draw several LoRAs side by side: at the weight to use, and by weights for each prompt."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from lorabench.bench.grids import pages
from lorabench.bench.grids.grid import Findings, sheet_of
from lorabench.bench.grids.sheet import Grid, Row
from lorabench.bench.verdicts import choice_words
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.errors import UserError
from lorabench.sweep import labels
from lorabench.sweep.loras import SweptLora, label
from lorabench.sweep.pictures import Picture
from lorabench.sweep.record import SweepRecord
from lorabench.sweep.variants import usual_weight
from lorabench.text.phrases import count, count_weights

FOLDER = "loras"
"""Of the grids of LoRAs by weights, a prompt each."""


def draw(sweep: SweepRecord, bench: Path, folder: Path, title: str, verdict: Verdict
         ) -> Iterator[Path]:  # fmt: skip
    """Draw `loras`, prompts by LoRAs, and in `loras/` LoRAs by weights for each prompt.

    Each LoRA stands at its own weight to use, or, where none works, at that of the one chosen.
    Yields each finished file; `UserError` if `sweep` has one LoRA.
    """
    if len(sweep.loras) < 2 or not verdict.choice:
        raise UserError("--loras: the sweep has one LoRA; leave the option out")
    by_lora = {
        one: [picture for picture in sweep.only(one.key).pictures_in(bench) if not picture.probe]
        for one in sweep.loras
    }
    yield from _beside(by_lora, folder, title, verdict)
    yield from _by_weights(by_lora, folder / FOLDER, title)


def _beside(
    by_lora: Mapping[SweptLora, Sequence[Picture]], folder: Path, title: str, verdict: Verdict
) -> Iterator[Path]:
    """Draw what each LoRA makes of each prompt at its weight: a column for each, weight 0 first."""
    assert verdict.choice
    first = next(iter(by_lora.values()))
    weights = {one: _weight(verdict, one, pictures) for one, pictures in by_lora.items()}
    columns = [[one for one in first if not one.weight]] if any(not p.weight for p in first) else []
    columns += [
        [one for one in pictures if one.weight == weights[lora]]
        for lora, pictures in by_lora.items()
    ]
    bare = ["no LoRA"] if len(columns) > len(by_lora) else []
    headings = [*bare, *(f"{label(one)} · {weight:g}" for one, weight in weights.items())]
    placed = [
        replace(picture, weight=float(number))
        for number, pictures in enumerate(columns)
        for picture in pictures
    ]
    grid = Grid(
        name="loras",
        title=title,
        note=f"{count(len(by_lora), 'LoRA')}, each at its own weight",
        caption=choice_words.headline(verdict, list(by_lora)),
        corner="prompt",
        rows=list(_rows(first)),
        weights=[float(number) for number in range(len(columns))],
        headings=headings,
        whole=True,
    )
    yield from pages.save([grid], sheet_of(placed, Findings()), folder)


def _by_weights(
    by_lora: Mapping[SweptLora, Sequence[Picture]], folder: Path, title: str
) -> Iterator[Path]:
    """Draw LoRAs by weights: the classic XY, a grid for each prompt and seed."""
    for place in _rows(next(iter(by_lora.values()))):
        here = {
            one: [p for p in pictures if (p.variant, p.seed, p.index) == place.picture]
            for one, pictures in by_lora.items()
        }
        grid = Grid(
            name=_name(place),
            title=title,
            note=f"{place.label} · {place.note} · {count(len(by_lora), 'LoRA')} × "
            + count_weights([p.weight for p in next(iter(here.values()))]),
            caption="",
            corner="LoRA",
            rows=[Row(one.key, place.seed, place.index, label(one)) for one in by_lora],
            weights=sorted({p.weight for pictures in here.values() for p in pictures}),
            whole=True,
        )
        placed = [
            replace(p, variant=one.key) for one, pictures in here.items() for p in pictures
        ]  # fmt: skip
        yield from pages.save([grid], sheet_of(placed, Findings()), folder)


def _rows(pictures: Sequence[Picture]) -> Iterator[Row]:
    """Yield a row for each prompt, seed and place in the batch."""
    for (variant, seed, index), some in groupby(pictures, lambda p: (p.variant, p.seed, p.index)):
        note = f"seed {seed}" + (f" · {index:02d}" if index else "")
        yield Row(variant, seed, index, labels.label(next(some).prompt, ""), note)


def _name(row: Row) -> str:
    prompt = row.variant.removeprefix("prompt-") or "benchmark"
    return f"{prompt}_seed{row.seed}_{row.index:02d}"


def _weight(verdict: Verdict, lora: SweptLora, pictures: Sequence[Picture]) -> float:
    """Return the weight at which a LoRA is shown: its own, else that of the chosen, else 0.8."""
    assert verdict.choice
    own = verdict.choice.each[lora.key].weight
    found = own if own is not None else verdict.weight
    return usual_weight([p.weight for p in pictures]) if found is None else found
