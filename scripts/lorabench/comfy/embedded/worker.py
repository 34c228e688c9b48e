"""The thread that renders: it takes prompts from the queue, one at a time."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lorabench.comfy.embedded import catalog
from lorabench.comfy.embedded.execution import Executor, Interrupted, Job, Record, Send
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.embedded.queue import PromptQueue

log = logging.getLogger(__name__)


@dataclass
class Worker:
    """Owns the engine. Everything that touches torch happens on its thread.

    It calls `make_engine`, and `on_failure` if that fails.
    """

    library: Library
    queue: PromptQueue
    send: Send
    make_engine: Callable[[], Any]
    on_failure: Callable[[Exception], None]
    engine: Any = None
    _current: Job | None = None
    _interrupted: Job | None = None

    def __post_init__(self) -> None:
        """Prepare the thread."""
        self._stop = threading.Event()
        self._executor = Executor(self.library, self.send, self._check_interrupt)
        self._thread = threading.Thread(target=self._main, name="worker", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def interrupt(self, job: Job) -> None:
        """Stop `job` at its next step, if it is still running."""
        self._interrupted = job

    def stop(self, patience: float = 5.0) -> None:
        """End the thread, waiting at most `patience` seconds for its step.

        A thread that is still starting ends with the process.
        """
        self._stop.set()
        self.queue.wake()
        if self.engine is not None:
            self._thread.join(patience)

    def _main(self) -> None:
        try:
            import torch

            self.engine = self.make_engine()
        except Exception as error:
            self.on_failure(error)
            return
        with torch.inference_mode():
            while not self._stop.is_set():
                flags, job = self.queue.take()
                if flags:
                    self._executor.values.clear()
                if "unload_models" in flags:
                    self.engine.unload()
                if job is not None:
                    self._current = job
                    self.queue.finish(job, self._drawn(job))
                    if job.client_id is not None:  # once the history knows, after an error too
                        end = {"node": None, "prompt_id": job.prompt_id}
                        self.send("executing", end, job.client_id)

    def _drawn(self, job: Job) -> Record:
        """Render; a fault outside the nodes ends the prompt, not this thread."""
        try:
            return self._draw(job)
        except Exception as error:
            log.exception("the prompt could not be executed")
            fault = {
                "prompt_id": job.prompt_id,
                "node_id": None,
                "node_type": None,
                "exception_message": str(error),
                "exception_type": type(error).__qualname__,
                "traceback": [],
            }
            return Record(messages=[("execution_error", fault)])

    def _draw(self, job: Job) -> Record:
        from lorabench.comfy.embedded import nodes
        from lorabench.comfy.embedded.context import Context

        def run(
            name: str,
            class_type: str,
            inputs: dict[str, Any],
            on_step: Callable[[int, int], None],
        ) -> Any:
            context = Context(self.engine, self.library, job.pnginfo(), on_step)
            return nodes.RUN[class_type](context, **inputs)

        began = time.monotonic()
        record = self._executor.execute(job, catalog.nodes(self.library), run)
        log.info("Prompt executed in %.2f seconds", time.monotonic() - began)
        return record

    def _check_interrupt(self) -> None:
        if self._stop.is_set() or self._current is self._interrupted:
            raise Interrupted
