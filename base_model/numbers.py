"""How long the base model is trained, on how much: the keys of its Snakefile's --config."""

import difflib
from collections.abc import Mapping
from typing import Any

from lorabench.errors import UserError

SHARD = 500
"""Drawings are encoded by so many at a time."""
NUMBERS = {
    "vae_steps": 3200,
    "decoder_steps": 1700,
    "drawings": 40_000,
    "unet_steps": 15_000,
    "judge_steps": 2000,
    "prompts": 500,
}
"""Every key and its default."""


def numbers(given: Mapping[str, Any]) -> dict[str, int]:
    """Return every number, those in `given` instead of the defaults.

    Raises:
        UserError: a key that there is not, a value that is no whole number above 0, or drawings
            that leave a shard unfilled.
    """
    for key, value in given.items():
        if key not in NUMBERS:
            near = difflib.get_close_matches(key, NUMBERS, 1)
            hint = f"did you mean {near[0]}?" if near else f"allowed are {', '.join(NUMBERS)}"
            raise UserError(f"--config {key}: no such key; {hint}")
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UserError(f"--config {key}={value}: should be a whole number, 1 or more")
    chosen = {**NUMBERS, **given}
    shard_count(chosen["drawings"])
    return chosen


def shard_count(drawings: int) -> int:
    """Return in how many shards so many drawings are encoded.

    Raises:
        UserError: the last one would not be full.
    """
    if drawings % SHARD:
        raise UserError(f"drawings={drawings}: should be a multiple of {SHARD}")
    return drawings // SHARD
