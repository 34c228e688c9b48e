"""Log a server's progress with a prompt, which it sends over a websocket.

A separate thread listens. It may fail in any way: rendering does not depend on it.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from lorabench.comfy.client.access import Access
from lorabench.comfy.graph.graph import Graph, describe

log = logging.getLogger(__name__)

CONNECT, LISTEN = 10.0, 1.0  # seconds


@contextmanager
def reported(
    access: Callable[[], Access], client_id: str, graph: Graph, pause: float, every: float
) -> Generator[None]:
    """Log, while the body waits, what the server of `access()` sends `client_id` about `graph`.

    It listens after `pause` seconds, because a short cell needs no report, and again that long
    after each loss of the connection; it logs at most one line in `every` seconds.
    """
    over = threading.Event()
    reporter = _Reporter(graph, every)

    def listen() -> None:
        logged = ""
        while not over.wait(pause):
            try:
                _hear(access(), client_id, reporter, over)
            except Exception as error:
                if str(error) != logged:  # a restart takes many attempts
                    log.debug("%s sends no progress now (%s)", access().url, error)
                logged = str(error)

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _hear(access: Access, client_id: str, reporter: "_Reporter", over: threading.Event) -> None:
    import websocket  # takes 25 ms, by when most cells of a small model are finished

    address, options = access.websocket("/ws", clientId=client_id)
    # ComfyUI refuses foreign origins; a proxy leads to the internet, not to a machine in the room.
    connection = websocket.create_connection(
        address, timeout=CONNECT, suppress_origin=True, http_no_proxy=["*"], **options
    )
    with closing(connection):
        connection.settimeout(LISTEN)
        while not over.is_set():
            try:
                message = connection.recv()
            except websocket.WebSocketTimeoutException:
                continue
            if isinstance(message, str):  # the others are previews
                reporter.take(message)


@dataclass
class _Reporter:
    graph: Graph
    every: float
    _last: float = field(default=float("-inf"))

    def take(self, message: str) -> None:
        """Log the message if it shows progress, and the last line is old enough."""
        content = json.loads(message)
        line = self._line(content.get("type"), content.get("data") or {})
        if line and time.monotonic() - self._last >= self.every:
            self._last = time.monotonic()
            log.debug("%s", line)

    def _line(self, kind: str | None, data: dict[str, Any]) -> str | None:
        node = str(data.get("node"))
        what = describe(self.graph, node) if node in self.graph else f"node {node}"
        if kind == "progress":
            return f"{what}: {data.get('value')}/{data.get('max')}"
        if kind == "executing" and data.get("node"):
            return f"{what} is at work"
        return None
