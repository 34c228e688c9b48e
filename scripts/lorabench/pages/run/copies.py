"""Find the pictures nearest to a training picture, and which of them are copies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lorabench.pages.finished_run import FinishedRun, Measured
from lorabench.pages.run.contents import Both, Training, nearest_path, prompt
from lorabench.pages.tables import number
from lorabench.settings.models import VerdictSettings
from lorabench.sweep.pictures import Picture
from lorabench.sweep.variants import FULL_STRENGTH

SHOWN = 8
"""How many pairs stand on the page."""


@dataclass(frozen=True)
class Pair:
    """A picture of the sweep and the nearest training picture."""

    drawn: str
    """The page's name for the picture."""
    prompt: Both
    seed: str
    weight: float
    training: Training
    mirrored: bool
    """Whether it is nearer to the mirrored training picture."""
    similarity: float
    """Their correlation, -1 to 1."""
    copied: bool
    """Whether it is a copy by the verdict's limits."""


@dataclass(frozen=True)
class Copies:
    """The similarity of the verdict's pictures to the training set."""

    compared: int
    """How many were compared with the training set."""
    copied: int
    """Those of them that are copies."""
    highest: float
    """The weight up to which they were rendered."""
    alone: bool
    """Whether the trigger words alone, with which copies show first, are among them."""
    limit: float
    """The correlation above which a picture may be a copy."""
    pairs: Sequence[Pair]
    """Copies first, then the most similar; for each prompt and seed, only one weight."""


def find(run: FinishedRun, examples: Iterable[Training]) -> Copies:
    """Compare the pictures with the training set: those of the prompts and the trigger alone."""
    limits = _limits(run)
    of_path: dict[Path | None, Training] = {one.path: one for one in examples}
    counted = [one for one in run.measured if _counts(one.picture)]
    usual = [one for one in counted if one.picture.weight <= FULL_STRENGTH] or counted
    pairs = [
        Pair(
            drawn=one.name,
            prompt=prompt(one.picture),
            seed=_seed(one.picture),
            weight=one.picture.weight,
            training=training,
            mirrored=one.values["nearest_mirrored"] == "True",
            similarity=similarity,
            copied=_is_copy(one, limits),
        )
        for one in usual
        if (training := of_path.get(nearest_path(run, one))) and one.is_there
        if (similarity := number(one.values.get("copy_similarity"))) is not None
    ]
    pairs.sort(key=lambda pair: (not pair.copied, -pair.similarity))
    one_each = {(pair.prompt["en"], pair.seed): pair for pair in reversed(pairs)}
    return Copies(
        compared=len(pairs),
        copied=sum(pair.copied for pair in pairs),
        highest=max((pair.weight for pair in pairs), default=0.0),
        alone=any(one.picture.probe for one in usual),
        limit=limits.copy_similarity,
        pairs=[pair for pair in pairs if pair in one_each.values()][:SHOWN],
    )


def _counts(picture: Picture) -> bool:
    return picture.weight > 0 and picture.probe != "untriggered"


def _seed(picture: Picture) -> str:
    return f"{picture.seed} · {picture.index}" if picture.index else str(picture.seed)


def _is_copy(one: Measured, limits: VerdictSettings) -> bool:
    similarity, excess = (
        number(one.values.get(column)) for column in ("copy_similarity", "copy_excess")
    )
    return (similarity or 0) > limits.copy_similarity and (excess or 0) > limits.copy_excess


def _limits(run: FinishedRun) -> VerdictSettings:
    """Return the limits that the verdict was made with."""
    told = run.verdict.thresholds if run.verdict else {}
    return VerdictSettings(
        **{key: told[key] for key in VerdictSettings.model_fields if key in told}
    )
