"""Choose the server with the shortest queue; cells take turns to look at the queues."""

import logging
import random
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lorabench.comfy.client.client import Client

log = logging.getLogger(__name__)

PATIENCE = 5
"""Seconds that a cell waits for its turn; an uneven split is better than a standstill."""


@contextmanager
def turn(lock: Path | None) -> Generator[Callable[[], None]]:
    """Keep other cells from looking at the queues; yield a function that lets them look again.

    Cells that start together would see the same empty queues and might all choose one server.
    `lock` is a file that they share; without one, no cell waits.
    """
    if lock is None:
        yield lambda: None
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(lock)
    with suppress(Timeout):
        held.acquire(timeout=PATIENCE)
    try:
        yield held.release
    finally:
        held.release()


def with_shortest_queue(clients: Sequence[Client]) -> Client:
    """Return the client whose server has the fewest prompts; those that do not answer come last."""
    if len(clients) == 1:
        return clients[0]
    shuffled = random.sample(clients, len(clients))  # so that ties do not pile up on one server
    lengths = {client: client.queue_length() for client in shuffled}
    answering = {client: length for client, length in lengths.items() if length is not None}
    return min(answering, key=answering.__getitem__, default=shuffled[0])
