"""A thin client of ComfyUI's HTTP API: submit a graph, wait for it, fetch what it saved."""

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from lorabench.comfy.client import progress
from lorabench.comfy.client.pictures import is_made_by, whole_picture
from lorabench.comfy.client.refusals import Outage
from lorabench.comfy.client.replies import (
    Image,
    OutOfMemory,
    queued,
    read_reply,
    rejection,
    saved_images,
    succeeded,
)
from lorabench.comfy.client.shapes import HISTORY, LOG, QUEUE, read
from lorabench.comfy.client.transport import Pace, Strange, Transport, Trial
from lorabench.comfy.client.waiting import LogLine, Waiting
from lorabench.comfy.graph.graph import Graph
from lorabench.comfy.graph.patching import has_nonce, with_nonce
from lorabench.comfy.gui.draw import to_gui
from lorabench.errors import UserError

log = logging.getLogger(__name__)

HELD = "1"
"""For so many seconds the embedded server holds its answer, until the prompt has ended; ComfyUI
answers at once, and is asked again after a pause."""

Workflow = Mapping[str, Any]  # a graph in GUI format, which ComfyUI stores in its pictures


class Left(Exception):
    """The prompt was withdrawn, because another server is done with it sooner."""


class Vanished(Exception):
    """A picture that the history names is gone or was replaced."""


class Client:
    """One ComfyUI server; `timeout` is in seconds for a prompt with its time in the queue."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 3600,
        pace: Pace | None = None,
        revive: Callable[[], str] | None = None,
    ) -> None:
        """Send nothing yet; `revive` is `Transport`'s."""
        self._pace = pace or Pace()
        self._server = Transport(url, self._pace, revive)
        self._timeout = timeout
        self._id = uuid.uuid4().hex

    @property
    def url(self) -> str:
        """The server's present URL."""
        return self._server.url

    def render(
        self,
        graph: Graph,
        save: str,
        count: int,
        submitted: Callable[[], None] = lambda: None,
        leave: Callable[[int, float], bool] = lambda before, running: False,
        waiting: Waiting | None = None,
    ) -> list[bytes]:
        """Run `graph` and return the `count` files that its node `save` wrote.

        Goes on with the prompt of a killed try, if `waiting` has noted one on this server. Calls
        `submitted` whenever the server has taken the prompt. While it waits, it calls `leave` with
        how many prompts come before it and for how many seconds it has been running; if that
        is true, it raises `Left`; a server that is away counts as one that has been running since,
        and is left with `Away`. It submits again after a restart, and once each after a lack of
        memory and if cached pictures are gone. Every other failure raises `UserError`. If the call
        ends early, the prompt leaves the server's queue.
        """
        self._server.leave = partial(leave, 0)
        workflow = to_gui(graph, self._server.node_info(graph))
        waiting = waiting or Waiting(None, graph)
        left = self._left(waiting)
        short_of_memory = False
        for _ in range(self._pace.tries):
            entry = self._run(graph, workflow, submitted, leave, waiting, left)
            left = None
            if entry is None:
                log.warning("%s forgot the prompt (a restart?); submitting it again", self.url)
                continue
            try:
                images = saved_images(graph, save, entry)
            except OutOfMemory as error:
                if short_of_memory:
                    raise
                short_of_memory = True
                log.warning("%s; ComfyUI then unloads its models: trying once more", error)
                continue
            if len(images) != count:
                raise UserError(
                    f"{self.url} saved {len(images)} pictures, not the batch size of {count};"
                    " does a node of the workflow repeat, split or drop pictures?"
                )
            try:
                return [self._fetch(image, graph, save) for image in images]
            except Vanished as error:
                if has_nonce(graph, save):
                    raise UserError(
                        f"{error}; does something clean up its output, or is its disk full?"
                    ) from None
                log.warning("%s; having it saved again", error)
                graph = with_nonce(graph, save, uuid.uuid4().hex)
        raise UserError(
            f"{self.url} lost the prompt {self._pace.tries} times; see its own log, and whether the"
            " machine has run out of memory"
        )

    def queue_length(self) -> int | None:
        """Return how many prompts run or wait on the server; None if it does not answer."""
        try:
            running, waiting = self._queue_now()
            return len(running) + len(waiting)
        except (Outage, ValueError) as error:
            log.warning("%s: %s", self.url, error)
            return None

    def log_lines(self) -> list[LogLine]:
        """Return the last lines of the server's log, if any, with their times, oldest first."""
        try:
            content = read(self._server.once("GET", "/internal/logs/raw"), LOG)
            return [(entry["t"], entry["m"]) for entry in content["entries"]]
        except (Outage, ValueError):
            return []  # an internal route, which may change

    def free_memory(self) -> None:
        """Have the server soon drop its models and cache."""
        with suppress(Outage):
            self._server.once("POST", "/free", json={"unload_models": True, "free_memory": True})

    def _run(
        self,
        graph: Graph,
        workflow: Workflow | None,
        submitted: Callable[[], None],
        leave: Callable[[int, float], bool],
        waiting: Waiting,
        left: str | None,
    ) -> dict[str, Any] | None:
        """Return the history entry of one run of `graph`, or None if the server lost it.

        `left` is a prompt that the server already has.
        """
        prompt_id = left or str(uuid.uuid4())
        pace = self._pace
        try:
            with progress.reported(
                lambda: self._server.access, self._id, graph, pace.listen, pace.report
            ):
                if not left:
                    waiting.begin(self.url, prompt_id)
                    self._submit(prompt_id, graph, workflow)
                submitted()
                return self._wait(prompt_id, leave)
        except BaseException:
            self._withdraw(prompt_id)
            raise

    def _left(self, waiting: Waiting) -> str | None:
        """Return the prompt of a killed try that is in the queue here, or was rendered."""
        if waiting.useless and waiting.useless.url == self.url:
            self._withdraw(waiting.useless.prompt_id)
        left, waiting.left = waiting.left, None
        if not left or left.url != self.url:
            return None
        if self._place(left.prompt_id) is None and not succeeded(self._history(left.prompt_id)):
            return None
        log.info("%s has this cell's prompt already, of a try that was killed", self.url)
        return left.prompt_id

    def _submit(self, prompt_id: str, graph: Graph, workflow: Workflow | None) -> None:
        body = {
            "prompt": graph,
            "prompt_id": prompt_id,
            "client_id": self._id,
            "extra_data": {"extra_pnginfo": {"workflow": workflow} if workflow else {}},
        }
        trial = Trial(self._server)
        while True:
            try:
                response = self._server.once("POST", "/prompt", json=body)
                reply = read_reply(response)
                break
            except Outage as outage:
                trial.bear(outage)
                if self._place(prompt_id) is not None or self._history(prompt_id):
                    return  # it had arrived; only the answer was lost
        if response.status_code != 200 or reply.get("node_errors"):
            reason = rejection(graph, reply) or f"HTTP {response.status_code} {response.text[:200]}"
            raise UserError(f"{self.url} refused the workflow: {reason}")

    def _wait(self, prompt_id: str, leave: Callable[[int, float], bool]) -> dict[str, Any] | None:
        """Return the history entry of a prompt once it has ended; None if it is lost."""
        start = looked = time.monotonic()
        pause = self._pace.poll
        place = 0
        begun = None
        while (asked := time.monotonic()) - start < self._timeout:
            if entry := self._history(prompt_id, wait=HELD):
                return entry
            if time.monotonic() - looked > self._pace.queue_look:
                looked = time.monotonic()
                before, place = place, self._place(prompt_id)
                if place is None:
                    return self._history(prompt_id)  # it may have ended in between
                if place == 0:
                    begun = begun or looked
                if leave(place, looked - begun if begun else 0):
                    raise Left
                if place not in (before, 0):
                    log.debug("in the queue of %s, behind %d", self.url, place)
            time.sleep(max(pause - (time.monotonic() - asked), 0))
            pause = min(1.1 * pause, self._pace.slowest_poll)
        raise UserError(
            f"{self.url} did not finish within {self._timeout:.0f} s (--timeout);"
            " the prompt was taken out of its queue"
        )

    def _history(self, prompt_id: str, **query: str) -> dict[str, Any] | None:
        return self._server.get_json(f"/history/{prompt_id}", HISTORY, **query).get(prompt_id)

    def _place(self, prompt_id: str) -> int | None:
        """Return how many prompts come before this one; None if the server lost it."""
        running, waiting = queued(self._server.get_json("/queue", QUEUE))
        ids = [*running, *waiting]
        return ids.index(prompt_id) if prompt_id in ids else None

    def _queue_now(self) -> tuple[list[str], list[str]]:
        """Return what `queued` does; raises `Outage` or `ValueError` without an answer."""
        return queued(read(self._server.once("GET", "/queue", timeout=5), QUEUE))

    def _fetch(self, image: Image, graph: Graph, save: str) -> bytes:
        name = "/".join(part for part in (image["subfolder"], image["filename"]) if part)
        try:
            response = self._server.ask("/view", whole_picture, image)
            if response.status_code == 404:  # a proxy may say so for a moment
                time.sleep(self._pace.backoff)
                response = self._server.ask("/view", whole_picture, image)
        except Strange:
            raise Vanished(f"{self.url} has a damaged PNG file under the name {name}") from None
        if response.status_code == 404:
            raise Vanished(f"{self.url} has no picture {name}, but reported that it saved it")
        if response.status_code != 200:
            raise UserError(f"{self.url} does not give {name}: HTTP {response.status_code}")
        # After a clean-up, a cached name may be reused. With a nonce nothing is cached.
        if not has_nonce(graph, save) and not is_made_by(response.content, graph):
            raise Vanished(f"{self.url} has another graph's picture under the name {name}")
        return response.content

    def _withdraw(self, prompt_id: str) -> None:
        """Take a prompt out of the queue, or stop it, if the server answers."""
        try:
            self._server.once("POST", "/queue", timeout=10, json={"delete": [prompt_id]})
            running, _ = self._queue_now()
            if prompt_id in running:
                self._server.once("POST", "/interrupt", timeout=10, json={"prompt_id": prompt_id})
        except (Outage, ValueError) as error:
            log.info("%s: the prompt could not be withdrawn (%s)", self.url, error)
