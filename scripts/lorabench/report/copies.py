"""What the trigger words alone drew, each beside the training picture that it is most like."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lorabench.bench.variants import probe_of
from lorabench.report.contents import Training, nearest_path
from lorabench.report.run import Run
from lorabench.report.tables import Row, number

SHOWN = 8
"""How many pairs stand on the page."""


@dataclass(frozen=True)
class Pair:
    """A picture of the sweep and the training picture that it is most like."""

    drawn: str
    """The page's name for the picture."""
    training: Training
    mirrored: bool
    """Whether it is like the training picture in a mirror."""
    similarity: float
    """Their correlation, -1 to 1."""
    seed: str


def find(run: Run, examples: Iterable[Training]) -> dict[str, Any]:
    """Return the pairs to show, the most similar first, their weight, and how many were drawn."""
    rows = [(at, row) for at, row in enumerate(run.metrics) if _drawn_by_trigger(row)]
    weight = _weight(run, {float(row["weight"]) for _, row in rows} - {0.0})
    at_weight = [(at, row) for at, row in rows if float(row["weight"]) == weight]
    of_path = {one.path: one for one in examples}
    pairs = [
        Pair(f"p{at}", training, row["nearest_mirrored"] == "True", similarity, row["seed"])
        for at, row in at_weight
        if (training := of_path.get(nearest_path(run, row))) and run.is_there(row)
        if (similarity := number(row.get("copy_similarity"))) is not None
    ]
    pairs.sort(key=lambda pair: -pair.similarity)
    return {"weight": weight, "drawn": len(at_weight), "pairs": pairs[:SHOWN]}


def _drawn_by_trigger(row: Row) -> bool:
    return probe_of(row.get("variant") or "") == "trigger"


def _weight(run: Run, drawn: set[float]) -> float | None:
    """Return the weight to use; without one the highest up to 1, the lowest if all are above."""
    if run.verdict and run.verdict.weight in drawn:
        return run.verdict.weight
    usual = [weight for weight in drawn if weight <= 1]
    return max(usual) if usual else min(drawn, default=None)
