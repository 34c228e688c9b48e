"""Draw a sweep as grids: columns are weights, rows are prompts, seeds and places in the batch.

Pictures keep their pixels; small ones are enlarged by a whole factor, and large ones reduced if an
overview then fits onto one page. Otherwise it continues: `overview.png`, `overview_2.png`, … At
most two pages and two pictures are in memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lorabench.bench.grids import arrangement, pages
from lorabench.bench.grids.arrangement import Texts
from lorabench.bench.grids.sheet import Key, Sweep
from lorabench.bench.grids.strip import Strip
from lorabench.bench.measures.faults import KINDS, Fault
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.errors import UserError
from lorabench.sweep.pictures import Picture, relative, size


@dataclass(frozen=True)
class Findings:
    """Findings of other programs to mark."""

    faults: Sequence[Fault] = ()
    verdict: Verdict | None = None
    folder: Path = Path()
    """The folder of the faults' relative file names."""


def draw(
    pictures: Sequence[Picture],
    folder: Path,
    texts: Texts,
    findings: Findings,
    strip: Strip | None = None,
    differences: bool = False,
) -> Iterator[Path]:
    """Draw the grids of the prompts in `pictures` into `folder`, each as PNG and as WebP.

    They are `seed<seed>_weights` for each seed, with `differences` also `seed<seed>_differences`,
    and `overview`, with the training pictures of `strip` above it. Yields each finished file, also
    of further pages, and removes an earlier sweep's further pages. A missing picture is an empty
    cell; `UserError` if all are missing, one is unreadable, or `differences` lack weight 0.
    """
    asked = [picture for picture in pictures if not picture.probe]
    if differences and not any(picture.weight == 0 for picture in asked):
        raise UserError("--difference: there is no picture at weight 0 to compare with")
    sweep = sheet_of(asked, findings)
    seeds = list(arrangement.seeds(asked, texts))
    maps = [arrangement.differences(grid) for grid in seeds] if differences else []
    grids = [*seeds, *maps, arrangement.overview(asked, texts, strip)]
    if len(asked) == len(pictures):
        pages.remove(folder, "probes")
    yield from pages.save(grids, sweep, folder)


def draw_probes(
    pictures: Sequence[Picture], folder: Path, texts: Texts, findings: Findings
) -> Iterator[Path]:
    """Draw `probes`, the trigger words alone and prompts without them, as `draw` does."""
    found = [picture for picture in pictures if picture.probe]
    if not found:
        raise UserError("--probes: the sweep has none; leave the option out")
    yield from pages.save([arrangement.probes(found, texts)], sheet_of(found, findings), folder)


def sheet_of(pictures: Sequence[Picture], findings: Findings) -> Sweep:
    """Return what the grids of these pictures share; `UserError` if none of them exists."""
    there = {_key(picture): picture.path for picture in pictures if picture.path.exists()}
    if not there:
        raise UserError(f"none of the {len(pictures)} pictures exists, {pictures[0].path} for one")
    widths, heights = zip(*map(size, there.values()), strict=True)
    keys = {relative(picture.path, findings.folder): _key(picture) for picture in pictures}
    faulty = [
        (fault, {keys[file] for file in fault.files if file in keys}) for fault in findings.faults
    ]
    return Sweep(
        cells=frozenset(map(_key, pictures)),
        pictures=there,
        marks={key: KINDS[fault.kind].label for fault, keys in faulty for key in keys},
        alarms=[(fault.words(), keys) for fault, keys in faulty],
        verdict=findings.verdict,
        width=max(widths),
        height=max(heights),
    )


def _key(picture: Picture) -> Key:
    return picture.variant, picture.seed, picture.index, picture.weight
