"""ComfyUI's HTTP routes, each also under /api."""

import asyncio
import logging
import os
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import psutil
from aiohttp import web

from lorabench.comfy.embedded import (
    COMFYUI_VERSION,
    VERSION,
    bodies,
    catalog,
    memory,
    uploads,
    views,
)
from lorabench.comfy.embedded.bodies import Malformed, read, refusal, whole_number
from lorabench.comfy.embedded.execution import Job
from lorabench.comfy.embedded.guard import Handler, guard
from lorabench.comfy.embedded.library import FOLDERS, Library
from lorabench.comfy.embedded.logs import LogBuffer
from lorabench.comfy.embedded.queue import PromptQueue
from lorabench.comfy.embedded.sockets import Sockets
from lorabench.comfy.embedded.validate import validate
from lorabench.comfy.embedded.worker import Worker

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 16 * 2**20
"""A graph has some kilobytes, the GUI's form beside it some hundreds; JSON takes many times more
in memory."""
MAX_WAITING = 1000
"""Prompts; a benchmark has a few in the queue at a time."""
LONGEST_WAIT = 10
"""Seconds that an answer is held."""


@dataclass
class Api:
    """Answers requests from the parts of the server; `touch` is called at each."""

    library: Library
    queue: PromptQueue
    worker: Worker
    sockets: Sockets
    logs: LogBuffer
    touch: Callable[[], None]
    _submitted: int = 0

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[guard, self._answer])
        app.router.add_get("/", self._root)
        app.router.add_get("/internal/logs/raw", self._logs)
        for prefix in ("", "/api"):
            for method, path, handler in self._routes():
                app.router.add_route(method, prefix + path, handler)
        return app

    def status(self) -> dict[str, dict[str, int]]:
        """Return how many prompts remain, in the form of `/prompt` and the websocket."""
        return {"exec_info": {"queue_remaining": self.queue.remaining()}}

    def _routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/prompt", _tells(self.status)),
            ("POST", "/prompt", self._post_prompt),
            ("GET", "/history", self._get_history),
            ("GET", "/history/{prompt_id}", self._get_history),
            ("POST", "/history", _drops(self.queue.forget, self.queue.forget)),
            ("GET", "/queue", _tells(self.queue.listing)),
            ("POST", "/queue", _drops(self.queue.clear, self.queue.delete)),
            ("POST", "/interrupt", self._interrupt),
            ("POST", "/free", self._free),
            ("GET", "/view", self._view),
            ("POST", "/upload/image", self._upload),
            ("GET", "/system_stats", self._system_stats),
            ("GET", "/object_info", self._object_info),
            ("GET", "/object_info/{node_class}", self._object_info),
            ("GET", "/models", _tells(lambda: FOLDERS)),
            ("GET", "/models/{folder}", self._models),
            ("GET", "/view_metadata/{folder}", self._view_metadata),
            ("GET", "/embeddings", _tells(list)),
            ("GET", "/ws", self._ws),
        ]

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer refusals in ComfyUI's form of errors, and unexpected errors with a plain 500."""
        self.touch()
        try:
            return await handler(request)
        except Malformed as malformed:
            log.warning("refused %s %s: %s", request.method, request.path, malformed)
            return refusal(malformed.error)
        except web.HTTPException as error:
            return refusal(Malformed(error.reason).error, error.status)
        except Exception as error:
            log.exception("Error handling request %s", request.path)
            return web.Response(status=500, text=f"500 Internal Server Error: {error!r}")

    async def _root(self, request: web.Request) -> web.Response:
        return web.Response(
            text=f"lorabench embedded server {VERSION}: the API of ComfyUI {COMFYUI_VERSION} "
            "for text-to-image and image-to-image nodes. It has no web page; see /object_info.\n"
        )

    async def _logs(self, request: web.Request) -> web.Response:
        return web.json_response({"entries": self.logs.lines(), "size": {"cols": 80, "rows": 24}})

    async def _post_prompt(self, request: web.Request) -> web.Response:
        log.info("got prompt")
        body = await read(request, bodies.PROMPT)
        if "prompt" not in body:
            raise Malformed("No prompt provided", "no_prompt", "No prompt provided")
        graph = body["prompt"]
        prompt_id = body.get("prompt_id") or str(uuid.uuid4())
        device = self.worker.engine.device if self.worker.engine else None
        nodes = catalog.nodes(self.library, memory.most_pixels(device))
        verdict = validate(graph, nodes, body.get("partial_execution_targets"))
        for node, found in verdict.node_errors.items():
            for reason in found["errors"]:
                log.error("node %s: %s: %s", node, reason["message"], reason["details"])
        if verdict.error:
            log.warning("invalid prompt: %s", verdict.error)
            answer = {"error": verdict.error, "node_errors": verdict.node_errors}
            return web.json_response(answer, status=400)
        if self.queue.remaining() >= MAX_WAITING:
            raise web.HTTPServiceUnavailable(reason=f"{MAX_WAITING} prompts are waiting already")
        extra = dict(body.get("extra_data") or {})
        if client_id := body.get("client_id"):
            extra["client_id"] = client_id
        number = self._number(body)
        self.queue.put(Job(number, prompt_id, graph, extra, verdict.outputs))
        return web.json_response(
            {"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors}
        )

    def _number(self, body: dict[str, Any]) -> float:
        """Return the place in the queue: the given one, the front, or the end."""
        if body.get("number") is not None:
            return body["number"]
        number, self._submitted = self._submitted, self._submitted + 1
        return -number if body.get("front") else number

    async def _get_history(self, request: web.Request) -> web.Response:
        if prompt_id := request.match_info.get("prompt_id"):
            await self._ended(prompt_id, whole_number(request, "wait") or 0)
            return web.json_response(self.queue.history(prompt_id))
        most, offset = (whole_number(request, name) for name in ("max_items", "offset"))
        offset = -1 if offset is None else offset
        return web.json_response(self.queue.history(max_items=most, offset=offset))

    async def _ended(self, prompt_id: str, seconds: int) -> None:
        """Wait until a prompt has left the queue, for some seconds at most; ComfyUI cannot."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, LONGEST_WAIT)):
                while self.queue.holds(prompt_id):
                    await self.sockets.next_to_all()

    async def _interrupt(self, request: web.Request) -> web.Response:
        wanted = (await read(request, bodies.INTERRUPT, may_be_empty=True)).get("prompt_id")
        running = self.queue.running()
        if running and wanted in (None, "", running.prompt_id):
            self.worker.interrupt(running)
        return web.Response()

    async def _free(self, request: web.Request) -> web.Response:
        body = await read(request, bodies.FLAGS)
        for flag in ("unload_models", "free_memory"):
            if body.get(flag):
                self.queue.flag(flag)
        return web.Response()

    async def _view(self, request: web.Request) -> web.StreamResponse:
        return views.view(request, self.library)

    async def _upload(self, request: web.Request) -> web.Response:
        return web.json_response(await uploads.upload(request, self.library))

    async def _system_stats(self, request: web.Request) -> web.Response:
        machine = psutil.virtual_memory()
        ram = {
            "vram_total": machine.total,
            "vram_free": machine.available,
            "torch_vram_total": machine.total,
            "torch_vram_free": machine.available,
        }
        device = self.worker.engine.device if self.worker.engine else None
        system = {
            "os": os.name,
            "ram_total": machine.total,
            "ram_free": machine.available,
            "comfyui_version": COMFYUI_VERSION,
            "lorabench_embedded": VERSION,
            "python_version": sys.version,
            "pytorch_version": version("torch"),
            "embedded_python": False,
            "argv": sys.argv,
            "ready": device is not None,
            "threads": device.threads if device else None,
            "dtype": str(device.dtype).removeprefix("torch.") if device else None,
        }
        devices = [ram | device.describe()] if device else []
        return web.json_response({"system": system, "devices": devices})

    async def _object_info(self, request: web.Request) -> web.Response:
        wanted = request.match_info.get("node_class")
        declared = catalog.object_info(self.library)
        return web.json_response({k: v for k, v in declared.items() if wanted in (None, k)})

    async def _models(self, request: web.Request) -> web.Response:
        folder = request.match_info["folder"]
        if folder not in FOLDERS:
            return web.Response(status=404)
        return web.json_response(self.library.names(folder))

    async def _view_metadata(self, request: web.Request) -> web.Response:
        folder = request.match_info["folder"]
        name = request.rel_url.query.get("filename", "")
        metadata = self.library.metadata(folder, name) if folder in FOLDERS else None
        return web.Response(status=404) if metadata is None else web.json_response(metadata)

    async def _ws(self, request: web.Request) -> web.WebSocketResponse:
        return await self.sockets.serve(request, self.status())


def _tells(content: Callable[[], Any]) -> Handler:
    """Return the handler that answers with `content()`."""

    async def handler(request: web.Request) -> web.Response:
        return web.json_response(content())

    return handler


def _drops(clear: Callable[[], None], delete: Callable[[str], None]) -> Handler:
    """Return the handler that removes the prompts in its body, or all."""

    async def handler(request: web.Request) -> web.Response:
        body = await read(request, bodies.IDS)
        if body.get("clear"):
            clear()
        for prompt_id in body.get("delete") or []:
            delete(prompt_id)
        return web.Response()

    return handler
