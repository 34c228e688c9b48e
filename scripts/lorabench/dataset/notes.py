"""Report on a raw set before it is used: repeats, captions, and files that are left out."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lorabench.dataset import kohya_folders
from lorabench.dataset.raw import PICTURE_SUFFIXES, RawSet, regularization_in
from lorabench.errors import UserError
from lorabench.text import phrases, syntax

_LOUD = 0.1
"""From this share on, files of other kinds may have been meant as pictures."""

_PLACE = "[trigger]"

_TABLES = frozenset({".json", ".jsonl", ".csv", ".tsv", ".parquet"})
"""Other programs keep captions in these."""

_NEVER_PICTURES = _TABLES | {".npz", ".md", ".ini", ".db", ".toml", ".yaml", ".yml", ".log", ".aae"}


def check_captions(found: RawSet, trigger: str = "") -> None:
    """Raise `UserError` if captions seem to exist, but none would be read.

    `trigger` is the words that stand in for captions, if they were given.
    """
    if any(_PLACE in picture.words for picture in found.pictures):
        raise UserError(
            f"{found.folder} has captions with {_PLACE}, which ai-toolkit fills in but no trainer "
            "here: write the trigger words instead"
        )
    if any(picture.caption is not None for picture in found.pictures):
        return
    how = "A caption lies beside its picture and has its name: cat.txt or cat.caption for cat.png."
    if len(found.stray_captions) > 1:
        raise UserError(
            f"{found.folder} has {len(found.stray_captions)} caption files, but none fits a "
            f"picture:\n{phrases.indented(list(map(str, found.stray_captions)))}\n"
            f"{how} {_hint(found.stray_captions)}, or move them out of the set."
        )
    tables = found.left_out.keys() & _TABLES
    if tables and not trigger and found.lacks_captions:
        kinds = _counted(Counter({kind: found.left_out[kind] for kind in tables}))
        raise UserError(
            f"{found.folder} has no caption, and files that are not read: {kinds}. {how} Write "
            "the captions so, move those files out of the set, or give the caption of all pictures "
            "with trigger=."
        )


def notes(found: RawSet, trigger: str, reg_set: str | None = None) -> list[str]:
    """Return what a user should know before the set is trained on, a line for each thing."""
    return [*_repeats(found), *_captions(found, trigger), *not_used(found, reg_set)]


def _repeats(found: RawSet) -> Iterator[str]:
    if folders := found.repeats:
        times = ", ".join(f"{name} {count}" for name, count in folders.items())
        yield (
            f"kohya's folders: pictures count so many times in an epoch: {times}; the words in a "
            "folder's name are the caption of its pictures that have none"
        )
    elif numbered := kohya_folders.numbered(picture.name for picture in found.pictures):
        yield (
            f"numbers of folders are not taken for repeats, every picture counts once: "
            f"{phrases.few(numbered, 3)}; {kohya_folders.RULE}"
        )


def _captions(found: RawSet, trigger: str) -> Iterator[str]:
    without = sum(not picture.words for picture in found.pictures)
    if without:
        yield (
            f"without a caption: {without} of {len(found.pictures)} pictures, which are trained "
            f"with {found.stand_in(trigger)!r}"
        )
    if found.respelt:
        yield (
            r"captions are trained without escapes: \( as (, wide letters, curly quotes and &amp; "
            "as the common ones"
        )
    if odd := syntax.remark_on_captions(picture.words for picture in found.pictures):
        yield odd
    if found.stray_captions:
        strays = [str(path.relative_to(found.folder)) for path in found.stray_captions]
        yield f"captions that fit no picture: {len(strays)} ({phrases.few(strays, 3)})"
    if not trigger:
        yield (
            "WITHOUT TRIGGER WORDS: the captions share no first tag, so the prompts have none, the "
            "probes are left out, and the verdict judges neither copies nor leaks. Say with "
            "trigger= which words call the LoRA"
        )


def not_used(found: RawSet, reg_set: str | None = None) -> Iterator[str]:
    """Yield what the set holds besides its pictures, a line for each thing."""
    hints = {
        regularization_in(name): f"; reg_set={name} uses them" for name in found.regularization
    }
    for what, count in found.unused.items():
        if not reg_set:
            yield f"not used: {what} ({count}){hints.get(what, '')}"
        elif what != regularization_in(reg_set):
            yield f"not used: {what} ({count})"
    if found.left_out:
        doubtful = sum(n for kind, n in found.left_out.items() if kind not in _NEVER_PICTURES)
        loud = doubtful > _LOUD * (doubtful + len(found.pictures))
        yield (
            f"{'NOT READ' if loud else 'not read'}: {_counted(found.left_out)}"
            + ("; rename or save pictures as png, jpg or webp" if loud else "")
        )


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())


def _hint(strays: list[Path]) -> str:
    whole = next(
        (path for path in strays if Path(path.stem).suffix.lower() in PICTURE_SUFFIXES), None
    )
    if whole is None:
        return "Rename or move them"
    return f"Rename {whole.name} to {Path(whole.stem).stem}{whole.suffix}, and the others alike"
