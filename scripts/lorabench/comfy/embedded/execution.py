"""Run a valid graph node by node and cache outputs, as ComfyUI's classic cache does."""

import hashlib
import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lorabench.comfy.embedded.declaration import Node
from lorabench.comfy.embedded.library import Library
from lorabench.comfy.embedded.validate import check_linked
from lorabench.comfy.graph.graph import Graph, is_link
from lorabench.errors import UserError

log = logging.getLogger(__name__)

MODEL_FILES = {
    "ckpt_name": "checkpoints",
    "lora_name": "loras",
    "vae_name": "vae",
    "image": "input",
}
Runner = Callable[[str, str, dict[str, Any], Callable[[int, int], None]], Any]
Message = tuple[str, dict[str, Any]]
Send = Callable[[str, dict[str, Any], str | None], None]


class Interrupted(Exception):
    """The running prompt was stopped."""


@dataclass(frozen=True)
class Job:
    """A prompt in the queue; `extra` is its `extra_data`."""

    number: float
    prompt_id: str
    graph: Graph
    extra: dict[str, Any]
    outputs: list[str]

    @property
    def client_id(self) -> str | None:
        """The websocket client that submitted it and gets its progress, if any."""
        return self.extra.get("client_id")

    def pnginfo(self) -> dict[str, str]:
        """Return the text chunks for its pictures."""
        chunks = {"prompt": self.graph} | (self.extra.get("extra_pnginfo") or {})
        return {key: json.dumps(value) for key, value in chunks.items()}


@dataclass(frozen=True)
class Shown:
    """The value of an output node: where its pictures lie, and what its sockets give."""

    pictures: list[dict[str, str]]
    sockets: tuple[Any, ...] = ()


@dataclass
class Record:
    """The results of a prompt: the pictures by node, and the messages."""

    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    meta: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    success: bool = False


@dataclass
class Executor:
    """Runs prompts in turn and keeps the outputs of the last one in `values`.

    `send` sends a message to a client, or to all; `check_interrupt` raises `Interrupted` on demand.
    """

    library: Library
    send: Send
    check_interrupt: Callable[[], None]
    values: dict[str, Any] = field(default_factory=dict)

    def execute(self, job: Job, nodes: dict[str, Node], run: Runner) -> Record:
        """Run the nodes of `job` that are not cached, by `run(node, class, inputs, on_step)`."""
        return _Execution(self, job, nodes, run).result()


class _Execution:
    """One prompt on its way through the nodes."""

    def __init__(self, executor: Executor, job: Job, nodes: dict[str, Node], run: Runner) -> None:
        self._values = executor.values
        self._check_interrupt = executor.check_interrupt
        self._send = executor.send
        self._job = job
        self._nodes = nodes
        self._run = run
        self._record = Record()
        self._executed: list[str] = []
        self._progress: dict[str, dict[str, Any]] = {}
        self._keys = dict(_signatures(job.graph, executor.library))

    def result(self) -> Record:
        """Run the prompt and return its record."""
        job = self._job
        self._tell("execution_start")
        for stale in self._values.keys() - set(self._keys.values()):
            del self._values[stale]
        cached = [name for name, key in self._keys.items() if key in self._values]
        self._tell("execution_cached", nodes=cached)
        try:
            for name in _order(job.graph, job.outputs, set(cached)):
                self._visit(name)
        except _Failed:
            pass
        else:
            self._tell("execution_success")
            self._record.success = True
        self._list_pictures()
        return self._record

    def _visit(self, name: str) -> None:
        class_type = self._job.graph[name]["class_type"]
        if self._keys[name] not in self._values:
            self._to_client("executing", node=name, display_node=name)
            self._report(name, "running", 0, 1)
            inputs: dict[str, Any] = {}
            try:
                inputs = self._inputs(name, class_type)
                self._check_interrupt()
                on_step = self._on_step(name)
                self._values[self._keys[name]] = self._run(name, class_type, inputs, on_step)
            except Interrupted as stop:
                log.info("Processing interrupted")
                self._tell("execution_interrupted", True, **self._place(name))
                raise _Failed from stop
            except Exception as error:
                self._fail(name, inputs, error)
                raise _Failed from error
            self._executed.append(name)
        self._report(name, "finished", 1, 1)
        if self._nodes[class_type].is_output:
            self._to_client("executed", node=name, display_node=name, output=self._pictures(name))

    def _inputs(self, name: str, class_type: str) -> dict[str, Any]:
        """Return the node's declared inputs with links resolved; others are ignored."""
        given = self._job.graph[name]["inputs"]
        declared = self._nodes[class_type].inputs
        inputs = {key: given[key] for key in declared}
        for key, value in inputs.items():
            if is_link(value):
                found = self._values[self._keys[value[0]]]
                given_by = found.sockets if isinstance(found, Shown) else found
                inputs[key] = given_by[value[1]]
                check_linked(key, inputs, declared[key])
        return inputs

    def _on_step(self, name: str) -> Callable[[int, int], None]:
        def on_step(done: int, total: int) -> None:
            self._report(name, "running", done, total)
            self._to_client("progress", value=done, max=total, node=name)
            self._check_interrupt()

        return on_step

    def _fail(self, name: str, inputs: dict[str, Any], error: Exception) -> None:
        log.error("!!! Exception during processing !!! %s", error)
        if not isinstance(error, UserError):
            log.error("%s", "".join(traceback.format_exception(error)))
        kind = type(error)
        plain = kind.__module__ == "builtins"
        self._tell(
            "execution_error",
            **self._place(name),
            exception_message=f"{error}\n",
            exception_type=kind.__qualname__ if plain else f"{kind.__module__}.{kind.__qualname__}",
            traceback=traceback.format_tb(error.__traceback__),
            current_inputs={
                key: [value if isinstance(value, int | float | str | None) else str(value)]
                for key, value in inputs.items()
            },
            current_outputs=list(self._job.graph),
        )

    def _place(self, name: str) -> dict[str, Any]:
        class_type = self._job.graph[name]["class_type"]
        return {"node_id": name, "node_type": class_type, "executed": self._executed}

    def _pictures(self, name: str) -> dict[str, Any]:
        return {"images": self._values[self._keys[name]].pictures}

    def _list_pictures(self) -> None:
        for name, key in self._keys.items():
            if key in self._values and self._nodes[self._job.graph[name]["class_type"]].is_output:
                self._record.outputs[name] = self._pictures(name)
                self._record.meta[name] = {
                    "node_id": name,
                    "display_node": name,
                    "parent_node": None,
                    "real_node_id": name,
                }

    def _report(self, name: str, state: str, value: int, maximum: int) -> None:
        self._progress[name] = {
            "value": value,
            "max": maximum,
            "state": state,
            "node_id": name,
            "prompt_id": self._job.prompt_id,
            "display_node_id": name,
            "parent_node_id": None,
            "real_node_id": name,
        }
        self._to_client("progress_state", nodes=self._progress)

    def _tell(self, event: str, broadcast: bool = False, **data: Any) -> None:
        """Keep a message in the history and send it."""
        data = {"prompt_id": self._job.prompt_id, **data, "timestamp": int(time.time() * 1000)}
        self._record.messages.append((event, data))
        if self._job.client_id is not None or broadcast:
            self._send(event, data, self._job.client_id)

    def _to_client(self, event: str, **data: Any) -> None:
        if self._job.client_id is not None:
            data = {**data, "prompt_id": self._job.prompt_id}
            self._send(event, data, self._job.client_id)


class _Failed(Exception):
    """Stops a prompt after its failure was reported."""


def _order(graph: Graph, outputs: list[str], cached: set[str]) -> Iterator[str]:
    """Yield the nodes to run for `outputs`, inputs first."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in done:
            return
        done.add(name)
        if name not in cached:
            for value in graph[name]["inputs"].values():
                if is_link(value):
                    yield from visit(value[0])
        yield name

    for output in outputs:
        yield from visit(output)


def _signatures(graph: Graph, library: Library) -> Iterator[tuple[str, str]]:
    """Yield (node, digest of everything that decides its output): class, inputs and ancestors.

    All inputs count, even undeclared ones. A model file counts with its time and size; ComfyUI
    looks only at its name and keeps the old one.
    """
    digests: dict[str, str] = {}

    def digest(name: str) -> str:
        if name not in digests:
            node = graph[name]
            parts: list[Any] = [node["class_type"]]
            for key, value in sorted(node["inputs"].items()):
                if is_link(value):
                    parts.append([key, "link", digest(value[0]), value[1]])
                else:
                    parts.append([key, value])
                if key in MODEL_FILES and isinstance(value, str):
                    parts.append(library.fingerprint(MODEL_FILES[key], value))
            digests[name] = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return digests[name]

    for name in graph:
        try:
            yield name, digest(name)
        except (KeyError, RecursionError):
            yield name, f"invalid {name}"  # a part of the graph that no valid output needs
