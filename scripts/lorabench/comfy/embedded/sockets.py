"""Send messages to the websocket clients."""

import asyncio
import logging
import uuid
from typing import Any

from aiohttp import web

log = logging.getLogger(__name__)


class Sockets:
    """Connected clients by id. `send` may be called from any thread."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._clients: dict[str, web.WebSocketResponse] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._outbox: asyncio.Queue[tuple[dict[str, Any], str | None]] = asyncio.Queue()
        self._told_all = asyncio.Event()

    def send(self, event: str, data: dict[str, Any], client: str | None = None) -> None:
        """Send a message to one client, or to all."""
        message = {"type": event, "data": data}
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._outbox.put_nowait, (message, client))

    async def publish(self) -> None:
        """Deliver messages in their order, for ever."""
        self._loop = asyncio.get_running_loop()
        while True:
            message, client = await self._outbox.get()
            if client is None:
                self._told_all.set()
                self._told_all = asyncio.Event()
            to = [client] if client is not None else list(self._clients)
            for name in to:
                if name in self._clients:
                    await self._deliver(self._clients[name], message)

    async def next_to_all(self) -> None:
        """Wait for the next message to all clients, such as that the queue has changed."""
        await self._told_all.wait()

    async def serve(self, request: web.Request, status: dict[str, Any]) -> web.WebSocketResponse:
        """Hold one client's connection, and send `status` first."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        name = request.rel_url.query.get("clientId") or uuid.uuid4().hex
        self._clients[name] = socket
        try:
            await socket.send_json({"type": "status", "data": {"status": status, "sid": name}})
            async for _ in socket:
                pass  # clients may announce features; this server has none to negotiate
        finally:
            if self._clients.get(name) is socket:
                del self._clients[name]
        return socket

    async def close(self) -> None:
        """Close every connection."""
        for socket in list(self._clients.values()):
            await socket.close()

    async def _deliver(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        try:
            await socket.send_json(message)
        except ConnectionError as error:
            log.warning("send error: %s", error)
