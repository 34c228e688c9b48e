"""Note for which prompt a cell waits: if it is killed, its next try goes on with that prompt.

A killed program cannot take its prompt out of the queue, and the server would render it twice.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lorabench import files
from lorabench.comfy.client.shapes import Odd, check
from lorabench.comfy.graph.graph import Graph

LogLine = tuple[str, str]
"""A line of a server's log: its time, and the text."""
_SHAPE = {"url": str, "prompt_id": str, "graph": str, "log?": (str, str)}


@dataclass(frozen=True)
class Note:
    """A prompt that was submitted, or was about to be."""

    url: str
    prompt_id: str
    graph: str
    """A digest."""
    log: LogLine | None
    """The last line of the server's log before."""


class Waiting:
    """The note of the cell that renders `graph`, in the file `path`; without one, nothing is noted.

    What a killed try has noted of another graph is `useless`: nobody waits for that.
    """

    def __init__(self, path: Path | None, graph: Graph) -> None:
        """Read what a killed try has left."""
        self._path = path
        self._graph = hashlib.sha256(json.dumps(graph, sort_keys=True).encode()).hexdigest()
        found = _read(path) if path else None
        same = found is not None and found.graph == self._graph
        self.left = found if same else None
        self.useless = None if same else found
        self.log: LogLine | None = None
        """The last line of the server's log before the prompt."""

    def begin(self, url: str, prompt_id: str) -> None:
        """Note a prompt, before it is submitted."""
        if self._path:
            note = Note(url, prompt_id, self._graph, self.log)
            files.write_text(self._path, json.dumps(asdict(note)))

    def end(self) -> None:
        """Remove the note."""
        if self._path:
            self._path.unlink(missing_ok=True)


def _read(path: Path) -> Note | None:
    with suppress(OSError, ValueError, Odd):
        content = check(json.loads(path.read_bytes()), _SHAPE)
        log = content.get("log")
        return Note(content["url"], content["prompt_id"], content["graph"], log and tuple(log[:2]))
    return None
