"""The embedded server's routes without its engine: what it is sent waits in the queue."""

import asyncio
import http.client
import json
import threading
from contextlib import contextmanager

from aiohttp import web

from lorabench.comfy.embedded.library import Library
from lorabench.comfy.embedded.logs import LogBuffer
from lorabench.comfy.embedded.queue import PromptQueue
from lorabench.comfy.embedded.routes import Api
from lorabench.comfy.embedded.sockets import Sockets
from lorabench.comfy.embedded.worker import Worker


class Served:
    """A running server, asked as a client writes it, header by header."""

    def __init__(self, api, port):
        self.api, self.port = api, port
        self.url = f"http://127.0.0.1:{port}"
        self.host = f"127.0.0.1:{port}"

    def ask(self, method, path, body=None, headers=None):
        """Return the status and the body of an answer; headers are these and no others."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in {"Host": self.host, **(headers or {})}.items():
                if value is not None:
                    connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return response.status, b"" if response.status == 101 else response.read()
        finally:
            connection.close()

    def post(self, path, content):
        """Return the status and the JSON of an answer to JSON, or to a body as it is."""
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        status, answer = self.ask("POST", path, data, {"Content-Type": "application/json"})
        return status, json.loads(answer) if answer else None


@contextmanager
def serving(root):
    """Yield a server that has one checkpoint and no LoRA in `root`."""
    (root / "checkpoints").mkdir(parents=True, exist_ok=True)
    (root / "checkpoints/base.safetensors").touch()
    library = Library(root, root / "loras", root / "output", root / "temp", (), root / "input")
    ready, loop = threading.Event(), asyncio.new_event_loop()
    found = []

    async def run():
        sockets, queue = Sockets(), PromptQueue(lambda: None)
        worker = Worker(library, queue, sockets.send, lambda: None, lambda error: None)
        api = Api(library, queue, worker, sockets, LogBuffer(), lambda: None)
        runner = web.AppRunner(api.application(), access_log=None, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ending = asyncio.Event()
        found.extend((Served(api, runner.addresses[0][1]), ending))
        ready.set()
        await ending.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    served, ending = found
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(10)
        loop.close()
