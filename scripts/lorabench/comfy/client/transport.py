"""HTTP to one ComfyUI server; waits out restarts, dropped connections and 5xx."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar
from urllib.parse import quote

from lorabench.comfy.client import refusals
from lorabench.comfy.client.access import Access, access_to, named_certificates
from lorabench.comfy.client.http import Answer, Failure, Session
from lorabench.comfy.client.refusals import Outage
from lorabench.comfy.client.shapes import CLASSES, Odd, Shape, read
from lorabench.comfy.graph.graph import Graph
from lorabench.errors import UserError

log = logging.getLogger(__name__)

T = TypeVar("T")

LONGEST_PAUSE = 8.0
HOW_TO_START = "docker compose -f comfy-docker/docker-compose.yml up -d"


@dataclass(frozen=True)
class Pace:
    """How often to ask a server and how long to wait for it; in seconds, except `tries`."""

    poll: float = 0.05  # first pause between looks at the history; each is a tenth longer,
    slowest_poll: float = 1.0  # up to this
    queue_look: float = 1.0  # how often to check that a prompt is still in the queue
    backoff: float = 0.5  # first pause after a failed request; doubles
    greeting: float = 20.0  # how long the very first request may fail
    listen: float = 2.0  # when to listen to the server's progress, and again after a drop
    report: float = 5.0  # at most one line of progress in this time
    patience: float = 180.0  # how long later requests may fail: many custom nodes restart slowly
    tries: int = 5  # how often a request may get a 500 or an odd answer, and a prompt be lost


class Away(UserError):
    """A server that has not answered within its time."""


class Refused(UserError):
    """A server that refuses, or its certificate is wrong: waiting does not help."""


class Strange(Refused):
    """A server that answers, but not as ComfyUI does."""


class Transport:
    """Requests to the server at `url`, which may hold its login; `self.url` never does.

    `revive`, if given, is called when the server is away; it starts one and returns its URL.
    """

    def __init__(self, url: str, pace: Pace, revive: Callable[[], str] | None = None) -> None:
        """Send and check nothing yet."""
        self.pace = pace
        self._given = url
        self._revive = revive
        self.limit = pace.greeting
        """How many seconds a request may fail: more after the first answer than before it."""
        self.leave: Callable[[float], bool] = lambda silent: False
        """Whether a server that has been away for so many seconds is left for another."""

    @cached_property
    def access(self) -> Access:
        """The server's login; raises `UserError` if `url` is no URL."""
        return access_to(self._given)

    @property
    def url(self) -> str:
        """The server's public URL."""
        return self.access.url

    @cached_property
    def _session(self) -> Session:
        return Session(self.access.headers, self.access.query, named_certificates())

    def once(self, method: str, path: str, timeout: float = 60, **options: Any) -> Answer:
        """Send one request; raise `Outage` unless an answer below 500 comes."""
        limits = min(timeout, 10), timeout
        try:
            response = self._session.request(method, self.url + path, timeout=limits, **options)
        except Failure as error:
            raise refusals.of_error(error, self.url) from None
        if outage := refusals.of_answer(response, path, self.access):
            raise outage
        self.limit = self.pace.patience
        return response

    def ask(
        self, path: str, understood: Callable[[Answer], T], params: Mapping[str, str] | None = None
    ) -> T:
        """Return what is `understood` of the answer to a GET of `path`.

        Asks until an answer comes and is understood, or patience ends: a proxy may cut one short,
        or answer in the server's place while that restarts. Raises `UserError`.
        """
        trial = Trial(self)
        while True:
            try:
                response = self.once("GET", path, params=params)
                try:
                    return understood(response)
                except Odd as odd:
                    raise refusals.of_odd(response, path, odd) from None
            except Outage as outage:
                trial.bear(outage)

    def get_json(self, path: str, shape: Shape, **query: str) -> Any:
        """Return the JSON answer to a GET of `path`, once it has this shape."""
        return self.ask(path, partial(read, shape=shape), query)

    def node_info(self, graph: Graph) -> dict[str, Any]:
        """Return the entry of `/object_info` for each class of `graph` that the server has."""
        info: dict[str, Any] = {}
        for class_type in {body["class_type"] for body in graph.values()}:
            info |= self.get_json(f"/object_info/{quote(class_type, safe='')}", CLASSES)
        return info

    def wake(self) -> None:
        """Start the server again if it is one of ours."""
        if self._revive:
            self.access = access_to(self._revive())


class Trial:
    """The attempts at one request."""

    def __init__(self, transport: Transport) -> None:
        """Start the clock."""
        self._transport = transport
        self._start = time.monotonic()
        self._pause = transport.pace.backoff
        self._faults = 0
        self._said = False

    def bear(self, outage: Outage) -> None:
        """Pause before the next attempt, or raise `UserError` if there should be none."""
        url = self._transport.url
        if outage.remedy:
            raise Refused(f"{url} {outage}; {outage.remedy}")
        self._faults += not outage.down
        silent = time.monotonic() - self._start
        late = silent + self._pause > self._transport.limit
        if outage.down and (late or self._transport.leave(silent)):
            raise Away(
                f"no ComfyUI server answers at {url} ({outage}); start it (in Docker:"
                f" {HOW_TO_START}) or correct comfy_url{refusals.hint(url)}"
            )
        if late or self._faults >= self._transport.pace.tries:
            kind = Strange if outage.odd else UserError
            raise kind(f"the server at {url} keeps failing: {outage}; {outage.advice}")
        # Only once on the screen: in a restart, several cells try many times.
        log.log(
            logging.DEBUG if self._said else logging.WARNING, "%s: %s; trying again", url, outage
        )
        self._said = True
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        if outage.down:
            self._transport.wake()
