"""Read the verdict on a LoRA, `bench/verdict.json`, which `verdict.write` wrote."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from lorabench.bench.verdicts import words
from lorabench.bench.verdicts.verdict import COPIED, FORMAT, Finding, Verdict
from lorabench.settings.formats import known, reading


def read(path: Path) -> Verdict:
    """Read a verdict; raise `UserError` for anything else, such as a finding that has no words."""
    with reading(path, "a verdict"):
        found = json.loads(path.read_bytes(), object_hook=_of_today)
        verdict = TypeAdapter(Verdict).validate_python(known(found, path, FORMAT))
        for one in _findings(verdict):
            words.finding(one)
        return verdict


def _findings(verdict: Verdict) -> Iterator[Finding]:
    """Yield all that pages say, of each of several LoRAs too."""
    yield from (*verdict.reasons, *verdict.unknown)
    yield from filter(None, (verdict.below, verdict.above))
    if verdict.choice:
        for each in verdict.choice.each.values():
            yield from _findings(each)


def _of_today(read: dict[str, Any]) -> dict[str, Any]:
    """Return what is in a file with the limit of copies under its name of today.

    `limit` was that of the correlation, and that of the share stood nowhere.
    """
    if read.get("code") in ("copies", "prompts_copied") and "similarity" not in read:
        return {**read, "similarity": read.get("limit"), "limit": COPIED}
    return read
