"""Prompts that wait, the one that runs, and the history of the others."""

import itertools
import threading
from collections.abc import Callable
from typing import Any

from lorabench.comfy.embedded.execution import Job, Record

MAX_HISTORY = 10_000
SECRETS = ("auth_token_comfy_org", "api_key_comfy_org")


class PromptQueue:
    """A queue by number, lowest first, that one worker empties. Safe to use from any thread."""

    def __init__(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever the number of remaining prompts changes."""
        self._changed = changed
        self._ready = threading.Condition()
        self._arrivals = itertools.count()
        self._waiting: list[tuple[float, int, Job]] = []
        self._running: Job | None = None
        self._flags: set[str] = set()
        self._history: dict[str, dict[str, Any]] = {}

    def put(self, job: Job) -> None:
        """Add a prompt."""
        with self._ready:
            self._waiting.append((job.number, next(self._arrivals), job))
            self._waiting.sort(key=lambda entry: entry[:2])
            self._ready.notify()
        self._changed()

    def take(self) -> tuple[set[str], Job | None]:
        """Wait; return the flags set meanwhile, and the next prompt if there is one."""
        with self._ready:
            if not self._waiting and not self._flags:
                self._ready.wait(timeout=60)
            flags, self._flags = self._flags, set()
            self._running = self._waiting.pop(0)[2] if self._waiting else None
            job = self._running
        if job:
            self._changed()
        return flags, job

    def finish(self, job: Job, record: Record) -> None:
        """Move the finished prompt to the history."""
        entry = {
            "prompt": _public(job),
            "outputs": record.outputs,
            "status": {
                "status_str": "success" if record.success else "error",
                "completed": record.success,
                "messages": record.messages,
            },
            "meta": record.meta,
        }
        with self._ready:
            self._running = None
            if len(self._history) > MAX_HISTORY:
                del self._history[next(iter(self._history))]
            self._history[job.prompt_id] = entry
        self._changed()

    def wake(self) -> None:
        """Let `take` return."""
        with self._ready:
            self._ready.notify_all()

    def flag(self, name: str) -> None:
        """Set a flag that the worker sees before its next prompt."""
        with self._ready:
            self._flags.add(name)
            self._ready.notify()

    def clear(self) -> None:
        """Remove the waiting prompts."""
        with self._ready:
            self._waiting.clear()
        self._changed()

    def delete(self, prompt_id: str) -> None:
        """Remove a prompt if it is waiting."""
        with self._ready:
            self._waiting = [entry for entry in self._waiting if entry[2].prompt_id != prompt_id]
        self._changed()

    def running(self) -> Job | None:
        """Return the running prompt, if any."""
        return self._running

    def holds(self, prompt_id: str) -> bool:
        """Return whether a prompt waits or runs."""
        with self._ready:
            jobs = [*(job for _, _, job in self._waiting), self._running]
            return any(job is not None and job.prompt_id == prompt_id for job in jobs)

    def remaining(self) -> int:
        """Return how many prompts wait or run."""
        with self._ready:
            return len(self._waiting) + (self._running is not None)

    def listing(self) -> dict[str, list[list[Any]]]:
        """Return `/queue`: [number, id, graph, extra_data, outputs] of each prompt."""
        with self._ready:
            return {
                "queue_running": [_public(self._running)] if self._running else [],
                "queue_pending": [_public(job) for _, _, job in self._waiting],
            }

    def history(
        self, prompt_id: str | None = None, max_items: int | None = None, offset: int = -1
    ) -> dict[str, Any]:
        """Return the history of one prompt ({} if it has none), or a window of all."""
        with self._ready:
            if prompt_id is not None:
                return {k: v for k, v in self._history.items() if k == prompt_id}
            items = list(self._history.items())
        if max_items is not None:
            start = max(len(items) - max_items, 0) if offset < 0 else offset
            items = items[start : start + max_items]
        return dict(items)

    def forget(self, prompt_id: str | None = None) -> None:
        """Remove one prompt's history, or all."""
        with self._ready:
            if prompt_id is None:
                self._history.clear()
            else:
                self._history.pop(prompt_id, None)


def _public(job: Job) -> list[Any]:
    extra = {key: value for key, value in job.extra.items() if key not in SECRETS}
    return [job.number, job.prompt_id, job.graph, extra, job.outputs]
