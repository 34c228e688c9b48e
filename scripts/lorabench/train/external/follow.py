"""Run a part of a training program to its end, and read what it says."""

import logging
import shlex
from collections import deque
from collections.abc import Callable, Sequence

from lorabench.text import phrases
from lorabench.train.external import failures, process
from lorabench.train.external.hardware import Hardware
from lorabench.train.external.installation import Installation
from lorabench.train.external.progress import Progress, is_bar
from lorabench.train.external.training import Training

log = logging.getLogger(__name__)

_MEMORY = 500
"""Lines of its output that are kept for a message."""


def announce(training: Training, there: Installation, has: Hardware, steps: int) -> None:
    """Say what is trained, and after how many of its steps it goes on."""
    taken, settings = training.pictures, training.settings
    log.info(
        "%s in %s, rank %d, %d steps of %d by %s on %s in %s, in %s",
        *(taken.count, phrases.count(len(taken.buckets), "size"), settings.rank, training.steps),
        *(settings.batch_size * settings.gradient_accumulation, there.tool.name, *has),
        training.folder,
    )
    if steps:
        log.info("continuing after step %d of %d", steps, training.steps)


def follow_training(
    training: Training,
    there: Installation,
    device: str,
    arguments: Sequence[str],
    done: int,
    check: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Run the program that trains on `device`, from step `done` on; otherwise as `follow`."""
    progress = Progress(training, device, training.rows, done)
    try:
        return follow(there, arguments, progress, check)
    finally:
        progress.close()


def follow(
    there: Installation,
    arguments: Sequence[str],
    progress: Progress | None = None,
    check: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Run a Python program there; return its last lines, without bars, which the log has all.

    `progress` takes the bars, and ends the program when it is over; `check` takes the other lines.
    Raises `UserError` if the program fails, or one of the two raises it.
    """
    log.debug("%s", shlex.join(arguments))
    said: deque[str] = deque(maxlen=_MEMORY)
    with process.started(there, arguments) as program:
        assert program.stdout  # a pipe
        for line in process.lines(program.stdout):
            if is_bar(line):
                if progress:
                    progress.read(line)
                    if progress.over:
                        return list(said)  # it would train to the end of its epoch
                continue
            said.append(line)
            log.debug("%s", line)
            check(line)
        status = program.wait()
    if status:
        raise failures.explain(there.tool, status, list(said))
    return list(said)
