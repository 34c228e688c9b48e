"""What the captions of a raw set have in common: the words that will call the LoRA."""

from collections import Counter
from pathlib import Path

from lorabench.identity import PICTURE_SUFFIXES, raw_files

_SHARED = 0.9
"""The share of captions from which on a first tag is taken for the trigger."""


def trigger(raw: Path, default: str) -> str:
    """Return the first tag that nearly all captions of a raw set share; empty if there is none.

    `default` is the caption of pictures that have none. Tags are what commas part.
    """
    paths = raw_files(raw)
    texts = {path.with_suffix(""): path for path in paths if path.suffix.lower() == ".txt"}
    pictures = [path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES]
    tags = Counter(_first_tag(texts.get(path.with_suffix("")), default) for path in pictures)
    if not tags:
        return ""
    tag, times = tags.most_common(1)[0]
    return tag if times >= _SHARED * len(pictures) else ""


def _first_tag(path: Path | None, default: str) -> str:
    text = path.read_text(encoding="utf-8-sig", errors="replace").strip() if path else ""
    return " ".join((text or default).split(",")[0].split())
