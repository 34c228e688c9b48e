"""Choose among servers: the shortest queue, and at the end the one that is done first."""

import json
import random
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from lorabench import files
from lorabench.comfy.client.client import Client

PATIENCE = 5
"""Seconds that a cell waits for its turn; an uneven split is better than a standstill."""
_WORTH = 0.8
"""A cell goes elsewhere if it is done there in this part of the time, or less."""


class Servers:
    """The servers of a cell, which it shares with other cells.

    `folder` is where cells keep what they share: the lock for their turns, and how many seconds
    each server took for its last prompt. Without one, no cell waits or goes elsewhere.
    """

    def __init__(self, clients: Sequence[Client], folder: Path | None) -> None:
        """Ask nothing yet."""
        self.clients = list(clients)
        self._folder = folder if len(clients) > 1 else None
        self._since = 0.0
        self._left: Client | None = None

    @contextmanager
    def turn(self) -> Generator[Callable[[], None]]:
        """Keep other cells from looking at the queues; yield a function that lets them look again.

        Cells that start together would see the same empty queues and might all choose one server.
        Call it when the prompt is in a queue.
        """
        if self._folder is None:
            yield lambda: None
            return
        with files.locked(self._folder / "comfy_queues.lock", PATIENCE) as let_go:

            def submitted() -> None:
                self._since = time.time()
                let_go()

            yield submitted

    def choose(self, first: str | None = None) -> Client:
        """Return the client whose server has the fewest prompts; those that do not answer are last.

        A cell that left a server, which may have become slow, goes where it is done first. The
        server `first`, which has its prompt, comes before all if it answers.
        """
        if len(self.clients) == 1:
            return self.clients[0]
        having = (client for client in self.clients if client.url == first)
        if found := next((one for one in having if one.queue_length() is not None), None):
            return found
        shuffled = random.sample(self.clients, len(self.clients))  # ties do not pile up on one
        lengths = {client: client.queue_length() for client in shuffled}
        answering = {client: length for client, length in lengths.items() if length is not None}
        seconds = self._seconds()

        def order(client: Client) -> tuple[bool, float, float]:
            alone = seconds.get(client.url, 0.0)
            there = (answering[client] + 1) * alone
            return (client is self._left, there if self._left else answering[client], alone)

        return min(answering, key=order, default=shuffled[0])

    def drop(self, client: Client) -> None:
        """Go without a server from now on."""
        self.clients.remove(client)

    def should_leave(self, client: Client, before: int, running: float) -> bool:
        """Return whether an idle server would be done sooner than that of `client`.

        `before` prompts come before the cell's, or it has been running for so many seconds. Servers
        are idle only once no cells are left to start, so that fast ones take over from slow ones.
        """
        if self._folder is None:
            return False
        seconds = self._seconds()
        usual = (before + 1) * seconds.get(client.url, 0.0)
        # Of one that takes longer than usual, or is the first: as long again as so far.
        rest = usual - running if running < usual else running
        faster = (
            other
            for other in self.clients
            if other is not client and seconds.get(other.url, rest) < _WORTH * rest
        )
        leaves = any(other.queue_length() == 0 for other in faster)
        self._left = client if leaves else None
        return leaves

    def note(self, client: Client) -> None:
        """Keep how long a server took for the prompt that has just ended."""
        if self._folder is None:
            return
        with files.locked(self._folder / "comfy_speeds.lock", PATIENCE):
            kept = self._kept()
            now = time.time()
            begun = max(self._since, kept.get(client.url, (0.0, 0.0))[1])
            kept[client.url] = (max(now - begun, 0.001), now)
            files.write_text(self._speeds, json.dumps(kept))

    @property
    def _speeds(self) -> Path:
        assert self._folder
        return self._folder / "comfy_speeds.json"

    def _seconds(self) -> Mapping[str, float]:
        return {url: seconds for url, (seconds, _) in self._kept().items()} if self._folder else {}

    def _kept(self) -> dict[str, tuple[float, float]]:
        """Return the seconds for the last prompt, and when it ended, by URL."""
        with suppress(OSError, ValueError):
            text = self._speeds.read_bytes()
            return {url: (float(s), float(t)) for url, (s, t) in json.loads(text).items()}
        return {}
