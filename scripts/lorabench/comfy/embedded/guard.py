"""Let programs on this machine use the server, but no web page.

In a browser, any page can send requests to 127.0.0.1, and read the answers if its name is rebound
to that address. So a request must have this server as its host. If a page sent it, which browsers
show in Origin and Sec-Fetch-Site, it must be of this server, which has none. A body must be JSON;
without a browser's headers, no content type and that of forms pass, too, for curl and urllib, and
that of uploads where pictures are uploaded.
"""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

log = logging.getLogger(__name__)

NAMES = ("127.0.0.1", "localhost", "[::1]")
FORM = "application/x-www-form-urlencoded"
UPLOAD = "multipart/form-data"
UPLOADS = ("/upload/image", "/api/upload/image")
FROM_HERE = {"same-origin", "none"}  # none: the user typed the address

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer requests from elsewhere with 403, and bodies of another kind with 415."""
    address = request.transport and request.transport.get_extra_info("sockname")
    port = address[1] if address else 0
    if reason := elsewhere(request, port):
        log.warning("refused %s %s: %s", request.method, request.path, reason)
        return web.Response(
            status=403, text=f"This server is for programs on its machine: {reason}."
        )
    if reason := no_json(request):
        log.warning("refused %s %s: %s", request.method, request.path, reason)
        return web.Response(status=415, text=f"A body has to be JSON: {reason}.")
    return await handler(request)


def elsewhere(request: web.Request, port: int) -> str:
    """Return why a request comes from another machine or a page; empty if it does not."""
    own = {f"{name}:{port}" for name in NAMES} | ({*NAMES} if port == 80 else set())
    hosts = [host.lower() for host in request.headers.getall("Host", [])]
    if len(hosts) != 1 or hosts[0] not in own:
        return f"its host is http://{NAMES[0]}:{port}, not {' '.join(hosts)!r}"
    for origin in request.headers.getall("Origin", []):
        if origin.lower() != f"http://{hosts[0]}":
            return f"a page of origin {origin!r} sent the request"
    for site in request.headers.getall("Sec-Fetch-Site", []):
        if site.lower() not in FROM_HERE:
            return f"a page of another site sent the request ({site!r})"
    return ""


def no_json(request: web.Request) -> str:
    """Return why the body of a request may be something else than JSON; empty if it is JSON."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if request.method in ("GET", "HEAD", "OPTIONS") or kind in ("", "application/json"):
        return ""
    form = UPLOAD if request.path in UPLOADS else FORM
    if kind == form and not {"Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode"} & {*request.headers}:
        return ""
    return f"the content type should be application/json, not {kind!r}"
