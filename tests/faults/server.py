"""The tests' ComfyUI as one that takes time: prompts wait in its queue, and each is counted."""

import socketserver
import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from tests.fake_comfy import FakeComfy, serving


class Work:
    """Renders what waits, one after the other, and counts by the name of the file that is saved."""

    def __init__(self, fake: FakeComfy, seconds: float) -> None:
        self.fake, self.seconds = fake, seconds
        self.renders: Counter[str] = Counter()
        self._bodies: dict[str, Any] = {}
        self._over = threading.Event()
        fake.submit = self.submit  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def submit(self, body: dict[str, Any]) -> tuple[int, Any]:
        if self.fake.rejection:
            return self.fake.rejection
        prompt_id = body["prompt_id"]
        self._bodies[prompt_id] = body
        self.fake.pending.append(prompt_id)
        return 200, {"prompt_id": prompt_id, "number": 1, "node_errors": {}}

    def forget(self) -> None:
        """Lose the queue and the history, as a restart does."""
        self.fake.pending, self.fake.running = [], []
        self.fake.history.clear()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.is_set():
            if not self.fake.pending:
                self._over.wait(0.005)
                continue
            prompt_id = self.fake.pending.pop(0)
            self.fake.running.append(prompt_id)
            body = self._bodies[prompt_id]
            self.renders[_name(body["prompt"])] += 1
            until = time.monotonic() + self.seconds
            while prompt_id in self.fake.running and time.monotonic() < until:
                if self._over.wait(0.005):
                    return
            if prompt_id in self.fake.running:  # else it was interrupted
                self.fake.history[prompt_id] = self.fake.run(body)
                self.fake.running.remove(prompt_id)


def _name(graph: dict[str, Any]) -> str:
    saves = (node["inputs"] for node in graph.values() if node["class_type"] == "SaveImage")
    return next(saves)["filename_prefix"]


@contextmanager
def working(seconds: float) -> Generator[tuple[FakeComfy, Work]]:
    """Yield a server that takes so many seconds for each prompt."""
    with serving() as fake:
        # Whose client was killed is no fault of the server, which would print it.
        socketserver.BaseServer.handle_error = lambda *_: None  # type: ignore[method-assign]
        work = Work(fake, seconds)
        try:
            yield fake, work
        finally:
            work.end()
