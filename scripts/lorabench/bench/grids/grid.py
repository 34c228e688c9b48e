"""A sweep as grids: columns are weights, rows are prompts, seeds and places in the batch.

Pictures keep their own pixels; small ones are enlarged by a whole factor, and large ones reduced by
one where that brings an overview onto one page. What one page cannot hold goes on: `overview.png`,
`overview_2.png`, … Two pages and two pictures at most are in memory at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lorabench.bench.cell import Cell, size
from lorabench.bench.grids import arrangement, pages
from lorabench.bench.grids.arrangement import Texts
from lorabench.bench.grids.sheet import Key, Sweep
from lorabench.bench.grids.strip import Strip
from lorabench.bench.measures.faults import KINDS, Fault
from lorabench.bench.variants import probe_of
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.errors import UserError


@dataclass(frozen=True)
class Findings:
    """What other programs found, to be marked."""

    faults: Sequence[Fault] = ()
    verdict: Verdict | None = None


def draw(
    cells: Sequence[Cell],
    folder: Path,
    texts: Texts,
    findings: Findings,
    strip: Strip | None = None,
    differences: bool = False,
) -> Iterator[Path]:
    """Draw the grids of `cells` into `folder`, each as PNG and as WebP.

    They are `seed<seed>_weights` for each seed, `seed<seed>_differences` if asked for, `overview`,
    with the training pictures of `strip` above it, and, where there are any, `probes`. Yields each
    file when it is there, further pages included; pages that an earlier, larger sweep left are
    removed. A picture that does not exist is an empty cell; `UserError` if none exists, one is
    unreadable, or differences are asked for without a picture at weight 0.
    """
    sweep = _sweep(cells, findings)
    asked = [cell for cell in cells if not probe_of(cell.variant)]
    probes = [cell for cell in cells if probe_of(cell.variant)]
    if differences and not any(cell.weight == 0 for cell in asked):
        raise UserError("--difference: there is no picture at weight 0 to compare with")
    grids = []
    if asked:
        seeds = list(arrangement.seeds(asked, texts))
        maps = [arrangement.differences(grid) for grid in seeds] if differences else []
        grids = [*seeds, *maps, arrangement.overview(asked, texts, strip)]
    if probes:
        grids.append(arrangement.probes(probes, texts))
    else:
        pages.remove(folder, "probes")
    yield from pages.save(grids, sweep, folder)


def _sweep(cells: Sequence[Cell], findings: Findings) -> Sweep:
    pictures = {_key(cell): cell.path for cell in cells if cell.path.exists()}
    if not pictures:
        raise UserError(f"none of the {len(cells)} pictures exists, {cells[0].path} for one")
    widths, heights = zip(*map(size, pictures.values()), strict=True)
    faulty = [
        (fault, {_key(Cell.parse(Path(file))) for file in fault.files}) for fault in findings.faults
    ]
    return Sweep(
        cells=frozenset(map(_key, cells)),
        pictures=pictures,
        marks={key: KINDS[fault.kind].label for fault, keys in faulty for key in keys},
        alarms=[(fault.message, keys) for fault, keys in faulty],
        verdict=findings.verdict,
        width=max(widths),
        height=max(heights),
    )


def _key(cell: Cell) -> Key:
    return cell.variant, cell.seed, cell.index, cell.weight
