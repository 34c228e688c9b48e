"""What to try next with a LoRA, and the command for it, with the run's own settings kept."""

from dataclasses import dataclass
from pathlib import Path

from lorabench.pages import advice
from lorabench.pages.finished_run import FinishedRun
from lorabench.pages.run.repeat_command import repeat_command


@dataclass(frozen=True)
class NextStep:
    """A piece of advice, to be put in words by `words.try_next`."""

    code: str
    command: str


def find(run: FinishedRun, base: Path | None) -> NextStep | None:
    """Return what to try after a verdict; None where nothing is left to try.

    `base` is where the base model lies.
    """
    if not run.verdict or not run.sweep or not (run.record or run.sweep.only_benched):
        return None  # without its record, the command would make another run
    if not (found := advice.advise(run.verdict, run.record, run.sweep)):
        return None
    return NextStep(found.code, repeat_command(found.record, found.sweep, base))
