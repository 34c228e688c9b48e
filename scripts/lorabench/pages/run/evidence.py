"""Which pictures a sentence of the verdict is about: where a click on it leads."""

from typing import NamedTuple

from lorabench.bench.verdicts.verdict import Finding

_OF_THE_SET = frozenset(
    {"trigger_unsaid", "few_pictures", "captions_alike", "subject_alike", "detail_lost", "no_style"}
)
_PROBES = {"copies": "trigger", "leaks": "untriggered"}
"""What is seen on pictures of a probe, not on those of the prompts."""


class Evidence(NamedTuple):
    """A section of the page, and what to bring into view there."""

    section: str
    weight: float | None = None
    probe: str = ""


def evidence(found: Finding) -> Evidence:
    """Return where to look for what a finding says."""
    if found.code in _OF_THE_SET:
        return Evidence("train")
    return Evidence("grid", found.weight, _PROBES.get(found.code, ""))
