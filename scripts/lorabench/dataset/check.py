"""Check that a normalized set is still what its log says.

Runs share a set, and its name is a digest of its sources: after an edit, all records are wrong.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from lorabench import files
from lorabench.dataset.raw import is_picture
from lorabench.errors import UserError
from lorabench.settings.formats import table
from lorabench.text.phrases import indented

IMAGES, LOG = "images", "preprocess_log.csv"


def check_unchanged(folder: Path) -> None:
    """Raise `UserError` if pictures or captions of the normalized set in `folder` were changed.

    Only what its log records can be compared: a set without a log, or with that of another
    program, passes. So do captions if the log is from before it had digests of captions.
    """
    expected = made(folder)
    changes = list(_changes(folder / IMAGES, expected)) if expected else []
    if changes:
        raise UserError(
            f"the normalized set {folder} is not as it was made:\n{indented(changes)}\n"
            "Do not edit it. Add captions beside the raw pictures, and add or remove pictures "
            "there; that makes another set. To make this one again, delete "
            f"{folder} and repeat the command (scripts/pipeline_run.py: with --resize)."
        )


def made(folder: Path) -> dict[str, Mapping[str, str]]:
    """Return what the log of the normalized set in `folder` says of each picture, by its name."""
    return {row["result"]: row for row in rows(folder) if row.get("result")}


def rows(folder: Path) -> Sequence[Mapping[str, str]]:
    """Return the log of the normalized set in `folder`, row by row; none where there is no log."""
    path = folder / LOG
    return log(path) if path.exists() else []


def log(path: Path, needed: Collection[str] = ()) -> list[dict[str, str]]:
    """Return the rows of such a log; raises `UserError` with the line that is wrong."""
    remedy = f"delete {path.parent} if it is a normalized set, and the set is made again"
    return table(path, "the log of a normalized set", needed, remedy=remedy)


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
