"""What is plainly wrong with a sweep: a LoRA that does nothing, a picture that shows nothing."""

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lorabench.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

UNCHANGED_BELOW = 0.004
"""Mean absolute difference (0 to 1) under which two pictures are the same one.

It is one of 255 grey levels: as much as fused and unfused arithmetic differ.
"""

CONSTANT_BELOW = 0.004
"""Contrast (standard deviation of the luma, 0 to 0.5) under which a picture shows nothing."""


@dataclass(frozen=True)
class Kind:
    """A kind of fault: what it is called, on a picture and in full, and what to look at."""

    label: str
    title: str
    advice: str


KINDS = {
    "dead_lora": Kind(
        "dead LoRA",
        "DEAD LoRA: it changes nothing",
        "Look whether the loss fell in training, whether the LoRA's alpha and tensors are zero, "
        "and whether it was trained for this base model.",
    ),
    "unchanged_picture": Kind(
        "unchanged",
        "UNCHANGED PICTURES: some are those of weight 0",
        "Either the LoRA is nearly without effect at this weight, or a picture was mixed up: "
        "render these cells again.",
    ),
    "broken_render": Kind(
        "constant",
        "BROKEN RENDER: a picture of one colour",
        "Mostly NaN or overflow. At weight 0 too: try the base model and its VAE in float32. Only "
        "above: the training blew up; lower the learning rate.",
    ),
}


@dataclass(frozen=True)
class Fault:
    """One fault at one weight."""

    kind: str
    """A key of `KINDS`."""
    weight: float
    seeds: list[int]
    files: list[str]
    """The pictures concerned, as the table names them."""
    message: str


def find(table: "pd.DataFrame") -> list[Fault]:
    """Return the faults in a table of `metrics.measure`, by weight."""
    return [fault for weight, rows in table.groupby("weight") for fault in _at(weight, rows)]


def write(faults: list[Fault], path: Path) -> None:
    """Write the faults as a JSON list of objects with the fields of `Fault`."""
    path.write_text(
        json.dumps([asdict(fault) for fault in faults], indent=2, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )


def read(path: Path) -> list[Fault]:
    """Read what `write` wrote; raise `UserError` for anything else."""
    try:
        faults = [Fault(**fault) for fault in json.loads(path.read_text(encoding="utf-8"))]
        if unknown := {fault.kind for fault in faults}.difference(KINDS):
            raise ValueError(f"unknown kind {', '.join(sorted(unknown))}")
        return faults
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"--warnings {path}: not a list of warnings ({error})") from None


def block(faults: list[Fault]) -> str:
    """Return the faults as a block of text that nobody overlooks."""
    lines = ["", "!" * 80]
    for name, kind in KINDS.items():
        of_kind = [fault for fault in faults if fault.kind == name]
        if of_kind:
            lines += [f"!!  WARNING  {kind.title}"]
            lines += [line for fault in of_kind for line in _wrapped(fault.message, "  - ")]
            lines += _wrapped(kind.advice, "  ")
            lines += ["!" * 80]
    return "\n".join([*lines, ""])


def _at(weight: float, rows: "pd.DataFrame") -> Iterator[Fault]:
    constant = rows["contrast"] < CONSTANT_BELOW
    if constant.any():
        message = f"weight {weight:g}: {_count(constant, rows)} of a single colour"
        yield _fault("broken_render", weight, rows[constant], message)
    if weight == 0:
        return
    unchanged = ~constant & (rows["difference"] < UNCHANGED_BELOW)
    if unchanged.any():
        kind = "dead_lora" if unchanged.sum() == (~constant).sum() else "unchanged_picture"
        most = rows["difference"][unchanged].max()
        proof = "to the bit" if most == 0 else f"mean absolute difference at most {most:.1g}"
        message = f"weight {weight:g}: {_count(unchanged, rows)} the same as at weight 0 ({proof})"
        yield _fault(kind, weight, rows[unchanged], message)


def _count(chosen: "pd.Series", rows: "pd.DataFrame") -> str:
    if len(rows) == 1:
        return "the only picture is"
    number = "all" if chosen.all() else f"{chosen.sum()} of"
    return f"{number} {len(rows)} pictures {'is' if chosen.sum() == 1 else 'are'}"


def _fault(kind: str, weight: float, rows: "pd.DataFrame", message: str) -> Fault:
    seeds = [int(seed) for seed in rows["seed"].unique()]
    return Fault(kind, float(weight), seeds, list(rows["file"]), message)


def _wrapped(text: str, first: str) -> list[str]:
    return textwrap.wrap(
        text, 80, initial_indent=f"!!{first}", subsequent_indent="!!" + " " * len(first)
    )
