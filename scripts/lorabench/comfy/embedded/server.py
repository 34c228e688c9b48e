"""Run the server: listen, write the state file, and end in time."""

import asyncio
import json
import logging
import os
import signal
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from aiohttp import web

from lorabench import files
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.embedded.logs import LogBuffer
from lorabench.comfy.embedded.queue import PromptQueue
from lorabench.comfy.embedded.routes import Api
from lorabench.comfy.embedded.sockets import Sockets
from lorabench.comfy.embedded.worker import Worker
from lorabench.errors import UserError

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
WATCH_SECONDS = 0.5


@dataclass(frozen=True)
class Options:
    """How to run the server; see `scripts/comfy_server.py --help`."""

    port: int
    models_dir: Path
    loras_dir: Path
    checkpoints: list[Path]
    output_dir: Path
    input_dir: Path
    threads: int
    device: str
    dtype: str
    idle_timeout: float
    parent_pid: int | None
    state_file: Path | None


def serve(options: Options) -> None:
    """Run until a signal, idleness or the parent's end stops it.

    Raises `UserError`: the port is taken, or a path, the parent or the device is missing.
    """
    if options.threads < 0:
        raise UserError(f"--threads {options.threads}: allowed are 0 (all cores) and more.")
    for checkpoint in options.checkpoints:
        if not checkpoint.exists():
            raise UserError(f"--checkpoint {checkpoint}: there is no such file or folder.")
    with tempfile.TemporaryDirectory(prefix="comfy_server_") as temporary:
        asyncio.run(_Server(options, Path(temporary)).run())


class _Server:
    def __init__(self, options: Options, temporary: Path) -> None:
        self._options = options
        self._parent = _process(options.parent_pid)
        self._touched = time.monotonic()
        self._failure: Exception | None = None
        self._logs = LogBuffer()
        self._sockets = Sockets()
        self._queue = PromptQueue(self._queue_changed)
        library = Library(
            models_dir=options.models_dir.absolute(),
            loras_dir=options.loras_dir.absolute(),
            output_dir=options.output_dir.absolute(),
            temp_dir=temporary,
            checkpoints=[path.absolute() for path in options.checkpoints],
            input_dir=options.input_dir.absolute(),
        )
        self._worker = Worker(
            library, self._queue, self._sockets.send, self._make_engine, self._fail
        )
        self._api = Api(library, self._queue, self._worker, self._sockets, self._logs, self._touch)

    async def run(self) -> None:
        """Listen, work, wait, and clean up."""
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._end, f"got {number.name}")
        logging.getLogger().addHandler(self._logs)
        publisher = asyncio.create_task(self._sockets.publish())
        runner = web.AppRunner(self._api.application(), access_log=None, shutdown_timeout=2)
        try:
            url = await self._listen(runner)
            self._worker.start()
            with _announced(self._options.state_file, url):
                log.info("listening on %s", url)
                await self._wait()
        finally:
            await asyncio.to_thread(self._worker.stop)
            await self._sockets.close()
            await runner.cleanup()
            publisher.cancel()
            logging.getLogger().removeHandler(self._logs)
        if self._failure:
            raise self._failure

    async def _listen(self, runner: web.AppRunner) -> str:
        await runner.setup()
        site = web.TCPSite(runner, HOST, self._options.port)
        try:
            await site.start()
        except OSError as error:
            raise UserError(
                f"--port {self._options.port}: cannot listen there ({error.strerror}); stop what "
                "runs on it, or use another port, or 0 for any free one."
            ) from error
        return f"http://{HOST}:{runner.addresses[0][1]}"

    async def _wait(self) -> None:
        """Return when it is time to end."""
        while not self._ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), WATCH_SECONDS)
            if self._parent and not _alive(self._parent):
                self._end(f"the parent {self._parent.pid} is gone")
            if self._queue.remaining():
                self._touch()
            idle = time.monotonic() - self._touched
            if 0 < self._options.idle_timeout < idle:
                self._end(f"idle for {self._options.idle_timeout:g} seconds")

    def _make_engine(self) -> Any:
        from lorabench.comfy.embedded import devices

        device = devices.choose(self._options.device, self._options.dtype, self._options.threads)
        from lorabench.comfy.embedded.engine import Engine  # takes seconds: after the checks

        log.info("ready on %s, %s, %s threads", device.name, device.dtype, device.threads)
        return Engine(device)

    def _fail(self, error: Exception) -> None:
        self._failure = error
        self._loop.call_soon_threadsafe(self._end, "the engine did not start")

    def _end(self, reason: str) -> None:
        if not self._ending.is_set():
            log.info("stopping: %s", reason)
            self._ending.set()

    def _touch(self) -> None:
        self._touched = time.monotonic()

    def _queue_changed(self) -> None:
        self._touch()
        self._sockets.send("status", {"status": self._api.status()})


@contextmanager
def _announced(path: Path | None, url: str) -> Generator[None]:
    """Keep the server's address in the state file, if any, while it listens."""
    if path is None:
        yield
        return
    text = json.dumps({"url": url, "pid": os.getpid()})
    files.write_text(path, text)
    try:
        yield
    finally:
        with suppress(OSError):
            if path.read_text(encoding="utf-8") == text:
                path.unlink()


def _process(pid: int | None) -> psutil.Process | None:
    try:
        return None if pid is None else psutil.Process(pid)
    except psutil.NoSuchProcess as error:
        raise UserError(f"--parent-pid {pid}: there is no such process.") from error


def _alive(process: psutil.Process) -> bool:
    """Return whether the process runs: not gone, not replaced, not a zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
