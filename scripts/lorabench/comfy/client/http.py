"""HTTP to one server by the standard library: `requests` would take a third of a cell's start."""

import json
import select
import socket
import ssl
import threading
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

Failure = (OSError, HTTPException, UnicodeError)
"""What a request may raise: no answer, a broken one, or a host that is no name."""
_SAFE = "!#$%&'()*+,/:;=?@[]~"
_REDIRECTS = (301, 302, 303, 307, 308)


class Answer:
    """What a server answered."""

    def __init__(self, url: str, status: int, headers: HTTPMessage, content: bytes) -> None:
        """Of `url`, without its query."""
        self.url = url
        self.status_code = status
        self.headers = headers
        self.content = content

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8", "replace")

    @property
    def ok(self) -> bool:
        """Whether it is no error."""
        return self.status_code < 400

    @property
    def is_redirect(self) -> bool:
        """Whether it leads elsewhere."""
        return self.status_code in _REDIRECTS and "Location" in self.headers

    def json(self) -> Any:
        """Return the content as JSON; raises `ValueError`."""
        return json.loads(self.content)


class Session:
    """Requests that share connections, one for each thread, and the server's cookies.

    No proxy of the environment is used: it leads to the internet, not to a machine in the room.
    """

    def __init__(
        self, headers: Mapping[str, str], query: Mapping[str, str], trusted: str | None = None
    ) -> None:
        """Send `headers` and `query` with each request; `trusted` is a file or folder."""
        self._headers = {"User-Agent": "lorabench", "Accept": "*/*", **headers}
        self._query = query
        self._trusted = trusted
        self._cookies: dict[str, str] = {}
        self._kept = threading.local()

    def request(
        self,
        method: str,
        url: str,
        *,
        timeout: tuple[float, float],
        params: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> Answer:
        """Return the answer, wherever it leads; `timeout` is for connecting and for each read.

        Raises one of `Failure`.
        """
        parts = urlsplit(url)
        query = urlencode({**self._query, **(params or {})})
        target = quote(parts.path or "/", safe=_SAFE) + (f"?{query}" if query else "")
        headers, body = dict(self._headers), None
        if json is not None:
            body = _dumped(json)
            headers["Content-Type"] = "application/json"
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self._cookies.items())
        connection = self._connection(f"{parts.scheme}://{parts.netloc}", timeout)
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            connection.close()
            raise
        for cookie in response.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name.strip()] = value.strip()
        return Answer(url, response.status, response.headers, content)

    def _connection(self, server: str, timeout: tuple[float, float]) -> HTTPConnection:
        """Return the thread's connection, opened again where the server has closed it."""
        connection = getattr(self._kept, server, None)
        if connection is None:
            connection = self._opened(server)
            setattr(self._kept, server, connection)
        if connection.sock and select.select([connection.sock], [], [], 0)[0]:
            connection.close()  # nothing was asked: what can be read is the end
        if not connection.sock:
            connection.timeout = timeout[0]
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sock.settimeout(timeout[1])
        return connection

    def _opened(self, server: str) -> HTTPConnection:
        parts = urlsplit(server)
        if parts.scheme == "http":
            return HTTPConnection(parts.hostname or "", parts.port)
        return HTTPSConnection(parts.hostname or "", parts.port, context=self._context())

    def _context(self) -> ssl.SSLContext:
        path = self._trusted or usual_certificates()
        if Path(path).is_dir():
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)


def usual_certificates() -> str:
    """Return the file of the authorities that browsers trust."""
    import certifi  # only for https

    return certifi.where()


def _dumped(content: Any) -> bytes:
    return json.dumps(content, allow_nan=False).encode()
