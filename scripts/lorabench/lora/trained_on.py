"""Read in a LoRA's metadata what it was trained on: how many pictures, and which words call it.

Trainers leave these out, cut them short or write them in their own ways; then nothing is known.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from lorabench.text import syntax

_SHARED = 0.9
"""A tag calls the LoRA if it has at least this share of the captions."""
_DAMAGED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def pictures(metadata: Mapping[str, str]) -> int:
    """Return the number of pictures, 0 if unknown. sd-scripts' second record counts repeats."""
    try:
        found = sum(int(one["img_count"]) for one in _folders(metadata).values())
        return found or int(metadata["ss_num_train_images"])
    except _DAMAGED:
        return 0


def trigger(metadata: Mapping[str, str]) -> str:
    """Return the trigger words as plain text, empty if unknown.

    They are those that the file names, or the first tag that nearly all captions share. sd-scripts
    lists tags in the order of the captions, in small letters.
    """
    named = syntax.plain(metadata.get("modelspec.trigger_phrase", "")).strip()
    try:
        tags = _tags(metadata)
    except _DAMAGED:
        return named
    enough = _SHARED * pictures(metadata)
    shared = (syntax.plain(tag).strip() for tag, times in tags.items() if 0 < enough <= times)
    return named or next(filter(None, shared), "")


def _folders(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return the folders of training pictures; those for regularization have another record."""
    return json.loads(metadata.get("ss_dataset_dirs", "{}"))


def _tags(metadata: Mapping[str, str]) -> Counter[str]:
    """Count the tags of the training pictures, in the order of the file."""
    by_folder = json.loads(metadata.get("ss_tag_frequency", "{}"))
    trained = by_folder.keys() & _folders(metadata).keys() or by_folder.keys()
    found: Counter[str] = Counter()
    for folder, tags in by_folder.items():
        if folder in trained:
            found.update({tag.strip(): int(times) for tag, times in tags.items()})
    return found
