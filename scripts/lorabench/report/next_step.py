"""What to try next with a LoRA, and the command for it, with the run's own settings kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorabench.bench.verdicts import advice
from lorabench.bench.verdicts.verdict import Verdict
from lorabench.report import again


@dataclass(frozen=True)
class NextStep:
    """A piece of advice, to be put in words by `words.try_next`."""

    code: str
    command: str


def find(run: Path, told: Verdict, sweep: dict[str, Any], base: Path | None) -> NextStep | None:
    """Return what to try after a verdict; None where nothing is left to try.

    `base` is where the base model lies.
    """
    found = advice.advise(told, again.record_of(run, sweep), sweep)
    return found and NextStep(found.code, again.command(found.record, found.sweep, base))
