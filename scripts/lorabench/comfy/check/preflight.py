"""Check before the first cell that every server has what a sweep needs.

This reports all problems of all servers at once, and renders nothing.
"""

import copy
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lorabench import files
from lorabench.comfy.check import requirements
from lorabench.comfy.check.described import Answering, Described, Unstarted
from lorabench.comfy.client.options import Address
from lorabench.comfy.client.shapes import SYSTEM
from lorabench.comfy.client.transport import Pace, Refused, Transport
from lorabench.comfy.graph import lora_nodes, workflow
from lorabench.comfy.graph.graph import Graph
from lorabench.comfy.graph.patching import Cell, patch, unnamed
from lorabench.comfy.graph.roles import Choices, Roles, find_roles
from lorabench.comfy.gui import stopped
from lorabench.errors import UserError
from lorabench.lora import receipt
from lorabench.lora.receipt import Receipt
from lorabench.text import syntax

log = logging.getLogger(__name__)

PACE = Pace(greeting=5.0, patience=60.0)  # somebody waits for the answer


@dataclass(frozen=True)
class Sweep:
    """A workflow, a cell with what all cells share, and the LoRA's files; none: not trained yet.

    `trigger` is the trigger words as plain text.
    """

    workflow: Path
    choices: Choices
    cell: Cell
    loras: Sequence[Receipt]
    trigger: str = ""


@dataclass(frozen=True)
class Verdict:
    """One server's graph for a sweep, and the problems there."""

    url: str
    graph: Graph | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What is right, but should be known."""
    away: bool = False


def settle(sweep: Sweep, addresses: Sequence[Address | Unstarted]) -> Graph | None:
    """Return the graph that every server can render; None if none answers, without a LoRA.

    Raises `UserError` with all problems: the LoRA is not as it was installed, something is missing
    on a server, or they read the workflow differently. Before there is a LoRA, a server may be
    away.
    """
    for lora in sweep.loras:
        receipt.check(lora)
    with ThreadPoolExecutor(len(addresses)) as pool:
        verdicts = list(pool.map(partial(_ask, sweep), addresses))
    if not sweep.loras:
        for verdict in verdicts:
            if verdict.away:
                log.warning("%s; it has to be there before the first cell", *verdict.problems)
        verdicts = [verdict for verdict in verdicts if not verdict.away]
    if any(verdict.problems for verdict in verdicts):
        raise UserError("the benchmark cannot start:\n" + "\n".join(_lines(verdicts)))
    for note in dict.fromkeys(note for verdict in verdicts for note in verdict.notes):
        log.warning("%s", note)
    graphs = {_essence(verdict.graph or {}): verdict for verdict in verdicts}
    if len(graphs) > 1:
        urls = " and ".join(verdict.url for verdict in graphs.values())
        raise UserError(
            f"{urls} read {sweep.workflow} differently; do they have other versions of ComfyUI or"
            " of a custom node? Save the workflow with Export (API), or use one of them"
        )
    return verdicts[0].graph if verdicts else None


def keep(graph: Graph, path: Path) -> None:
    """Write the graph that the cells of a run render."""
    files.write_text(path, json.dumps(graph, indent=2, ensure_ascii=False) + "\n")


def check_kept(graph: Graph, path: Path, source: Path) -> None:
    """Raise `UserError` if `path`, which the cells render, has another graph."""
    if _essence(workflow.load(path)) != _essence(graph):
        raise UserError(
            f"{source} now gives another graph than {path}: another version of ComfyUI or of a"
            " custom node reads it differently, or it was changed by hand. Render the whole sweep"
            " again with --forcerun bench_preflight"
        )


def _essence(graph: Graph) -> str:
    """Return what decides the pictures, without titles and file names."""
    nodes = {node: [body["class_type"], body["inputs"]] for node, body in unnamed(graph).items()}
    return json.dumps(nodes, sort_keys=True)


def _lines(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield each problem once, with the servers that have it."""
    urls: dict[str, list[str]] = {}
    for verdict in verdicts:
        for problem in verdict.problems:
            urls.setdefault(problem, []).append(verdict.url)
    for problem, having in urls.items():
        yield f"  {' and '.join(having)}: {problem}"


def _ask(sweep: Sweep, address: Address | Unstarted) -> Verdict:
    if isinstance(address, Unstarted):
        return _judge(sweep, address)
    try:
        server = Transport(address.url, PACE, address.revive)
        about = server.get_json("/system_stats", SYSTEM)
    except Refused as error:
        return Verdict(address.url, problems=(str(error),))
    except UserError as error:
        return Verdict(address.url, problems=(str(error),), away=True)
    _introduce(server.url, about)
    return _judge(sweep, Answering(server))


def _judge(sweep: Sweep, server: Described) -> Verdict:
    try:
        content = workflow.read(sweep.workflow)
        graph = _graph(content, sweep.workflow, server)
        with stopped.named(content):
            roles = find_roles(graph, sweep.choices)
            if sweep.cell.positive is None:
                graph = _called(graph, roles, sweep.trigger)
            patched = patch(graph, roles, sweep.cell)
        info = server.classes_of(patched)
        unmet = requirements.Requirements(
            patched, roles, info, server, sweep.loras, stopped.hint(content)
        ).unmet()
        notes = lora_nodes.switched_on(graph, roles.save, roles.loras)
        return Verdict(server.url, graph, tuple(unmet), tuple(notes))
    except UserError as error:
        return Verdict(server.url, problems=(str(error),))


def _graph(content: Graph | workflow.GuiWorkflow, path: Path, server: Described) -> Graph:
    """Return the workflow in `path` as the graph that this server's frontend would send."""
    if not isinstance(content, workflow.GuiWorkflow):
        return content
    from lorabench.comfy.gui.convert import to_api  # it imports a converter that few need

    try:
        return to_api(content, server.all_classes())
    except UserError as error:
        raise UserError(f"workflow {path}: {error}") from None


def _called(graph: Graph, roles: Roles, trigger: str) -> Graph:
    """Return the graph with escaped trigger words in its prompt, which ComfyUI reads plainly."""
    changed = copy.deepcopy(graph)
    for node, name in roles.positive:
        text = graph[node]["inputs"][name]
        if isinstance(text, str) and syntax.called(text, trigger) != text:
            changed[node]["inputs"][name] = syntax.called(text, trigger)
            log.info("%s", syntax.remark_on_trigger(trigger))
    return changed


def _introduce(url: str, about: Mapping[str, Any]) -> None:
    """Log the server's version."""
    system, devices = about["system"], about["devices"]
    names = [str(device.get("name")) for device in devices]
    version = system.get("comfyui_version", "(old)")
    log.info("%s: ComfyUI %s%s", url, version, f" on {', '.join(names)}" if names else "")
