"""Whether a normalized set is still what its log says.

It is named by what went into it and shared by runs: one that was edited is told of wrongly by all.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from lorabench import files
from lorabench.dataset.normalize import IMAGES, LOG
from lorabench.dataset.raw import is_picture
from lorabench.errors import UserError
from lorabench.text.phrases import indented


def check_unchanged(folder: Path) -> None:
    """Raise `UserError` if pictures or captions of the normalized set in `folder` were changed.

    What its log does not tell cannot be compared: a set without a log, or with that of another
    program, passes, and so do captions in a log of before they had a digest there.
    """
    rows = made(folder)
    changes = list(_changes(folder / IMAGES, rows)) if rows else []
    if changes:
        raise UserError(
            f"the normalized set {folder} is not as it was made:\n{indented(changes)}\n"
            "It is not to be edited: put captions beside the raw pictures, and add or "
            "take away pictures there; that makes another set. To have this one made again, delete "
            f"{folder} and type the command again (scripts/pipeline_run.py: with --resize)."
        )


def made(folder: Path) -> dict[str, Mapping[str, str]]:
    """Return what the log of the normalized set in `folder` says of each picture, by its name."""
    log = folder / LOG
    if not log.exists():
        return {}
    with log.open(encoding="utf-8", errors="replace", newline="") as file:
        return {row["result"]: row for row in csv.DictReader(file) if row.get("result")}


def _changes(images: Path, rows: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name, row in rows.items():
        yield from _change(images / name, row.get("result_sha256"))
        yield from _change((images / name).with_suffix(".txt"), row.get("caption_sha256"))
    for path in sorted(images.glob("*")):
        if is_picture(path) and path.name not in rows:
            yield f"{path.name} was added"


def _change(path: Path, sha256: str | None) -> Iterator[str]:
    if not path.is_file():
        yield f"{path.name} is missing"
    elif sha256 and files.sha256(path) != sha256:
        yield f"{path.name} was changed"
