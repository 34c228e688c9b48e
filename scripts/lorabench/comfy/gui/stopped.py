"""Say which nodes of a GUI workflow are switched off, where a benchmark lacks one."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from lorabench.comfy.graph.choosing import NotFound
from lorabench.comfy.graph.workflow import GuiWorkflow
from lorabench.comfy.gui.links import stopped_nodes
from lorabench.text.phrases import few

_SHOWN = 8


@contextmanager
def named(content: Mapping[str, Any]) -> Generator[None]:
    """Add to a `NotFound` the nodes of `content` that are muted or bypassed."""
    try:
        yield
    except NotFound as error:
        raise NotFound(f"{error}{hint(content)}") from None


def hint(content: Mapping[str, Any]) -> str:
    """Return the end of a message with those nodes; empty without any, and for a graph.

    `content` is one that `to_api` converts.
    """
    nodes = stopped_nodes(content) if isinstance(content, GuiWorkflow) else []
    if not nodes:
        return ""
    return (
        f"; muted or bypassed in this workflow: {few(nodes, _SHOWN)}; if it should run, enable it"
        " in ComfyUI (Ctrl-B or Ctrl-M) and save the workflow again"
    )
