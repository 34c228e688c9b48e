"""Read ComfyUI's answers: rejections, failures, and the pictures that a prompt saved."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from lorabench.comfy.client.http import Answer
from lorabench.comfy.client.refusals import of_odd
from lorabench.comfy.client.shapes import (
    ACCEPTED,
    ENTRY,
    FAILURE,
    OUTPUT,
    REJECTION,
    Odd,
    check,
    fits,
    read,
)
from lorabench.comfy.client.unlisted import unlisted
from lorabench.comfy.graph.graph import Graph, describe
from lorabench.errors import UserError

log = logging.getLogger(__name__)

DAMAGED = re.compile(r"SafetensorError|UnpicklingError|PytorchStreamReader")
OUT_OF_MEMORY = re.compile(r"out ?of ?memory|not enough memory|allocation on device", re.IGNORECASE)
LESS_MEMORY = (
    "take a smaller batch_size or resolution, start ComfyUI with --lowvram, or end what else uses"
    " the card, such as a training"
)


class OutOfMemory(UserError):
    """The server ran out of memory; it then unloads its models, so a second try may work."""


Image = Mapping[str, str]  # filename, subfolder, type: the query of /view


def queued(content: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the prompts that run and those that wait, the next one first, from `/queue`."""
    waiting = sorted(content["queue_pending"], key=lambda item: item[0])
    return [item[1] for item in content["queue_running"]], [item[1] for item in waiting]


def read_reply(response: Answer) -> dict[str, Any]:
    """Return the reply to a prompt; raises `Outage` for what is not ComfyUI's."""
    try:
        reply = read(response, dict)
        if response.ok or not reply.keys() & {"error", "node_errors"}:
            check(reply, ACCEPTED)
        return reply
    except Odd as odd:
        raise of_odd(response, "/prompt", odd) from None


def rejection(graph: Graph, reply: Mapping[str, Any]) -> str:
    """Return one line on why a server refused a prompt or a part of it; empty if it gives none.

    `error.details` is usually empty: the reasons are in `node_errors[id].errors[]`.
    """
    if not fits(reply, REJECTION):
        return ""
    lines = [
        f"node {_node(graph, node, body.get('class_type'))}: {_complaint(error)}"
        for node, body in (reply.get("node_errors") or {}).items()
        for error in body.get("errors") or []
    ]
    if lines:
        return "; ".join(lines)
    error = reply.get("error") or {}
    if isinstance(error, str):
        return error
    return " ".join(str(part) for part in (error.get("message"), error.get("details")) if part)


def succeeded(entry: Mapping[str, Any] | None) -> bool:
    """Return whether a history entry, if there is one, is that of a rendered prompt."""
    return bool(entry) and (entry.get("status") or {}).get("status_str") == "success"


def saved_images(graph: Graph, save: str, entry: Any) -> list[Image]:
    """Return what node `save` wrote, from a prompt's history entry.

    Raises `UserError` if the prompt failed or was interrupted, or the entry is malformed; a
    traceback goes to the log.
    """
    try:
        return _saved_images(graph, save, check(entry, ENTRY, "the entry"))
    except Odd as odd:
        raise UserError(
            f"the server's history of the prompt is not in ComfyUI's form: {odd}; does another"
            " program answer in its place?"
        ) from None


def _saved_images(graph: Graph, save: str, entry: Mapping[str, Any]) -> list[Image]:
    status = entry.get("status") or {}
    messages = {name: data for name, data, *_ in status.get("messages") or []}
    if "execution_error" in messages:
        raise _failure(graph, check(messages["execution_error"], FAILURE, "execution_error"))
    if "execution_interrupted" in messages:
        raise UserError(
            "someone pressed interrupt on the server while it rendered this; run the command again"
        )
    if status.get("status_str") != "success":
        raise UserError(f"the server ended the prompt with status {status.get('status_str')!r}")
    output = (entry.get("outputs") or {}).get(save) or {}
    images = check(output, OUTPUT, f"what {describe(graph, save)} wrote").get("images")
    if not images:
        raise UserError(
            f"the server reports success, but {describe(graph, save)} saved no picture in its"
            " output folder; does a picture reach that node, and does something clean up there?"
        )
    return [{key: image[key] for key in ("filename", "subfolder", "type")} for image in images]


def _failure(graph: Graph, error: Mapping[str, Any]) -> UserError:
    node = _node(graph, str(error.get("node_id")), error.get("node_type"))
    trace = error.get("traceback") or []
    log.debug("traceback of the server:\n%s", "".join(map(str, trace)).rstrip())
    message = " ".join(str(error.get("exception_message", "")).split())
    reason = f"{error.get('exception_type')}: {_cut(message)}"
    if OUT_OF_MEMORY.search(reason):
        return OutOfMemory(f"node {node} ran out of memory ({reason}); {LESS_MEMORY}")
    if DAMAGED.search(reason):
        reason += "; its file is damaged on the server: copy it there again"
    return UserError(f"node {node} failed: {reason}")


def _complaint(error: Mapping[str, Any]) -> str:
    if error.get("type") == "value_not_in_list" and error.get("extra_info"):
        return _not_in_list(error["extra_info"], str(error.get("details", "")))
    message, details = error.get("message", ""), str(error.get("details", ""))
    return f"{message} ({_cut(details)})" if details else message


def _not_in_list(about: Mapping[str, Any], details: str) -> str:
    """Say that a server does not list a name, with the nearest names in its list.

    `details` ends with the list, or with "(list of length 37)" if it has more than 20.
    """
    name, listed = str(about.get("input_name")), details.partition(" not in ")[2]
    known = re.findall(r"'([^']*)'", listed) if listed.startswith("[") else None
    text = unlisted(name, str(about.get("received_value")), known)
    if name == "lora_name":
        text += (
            "; lora_install_dir must be a folder from which this server lists LoRAs; to install"
            " a deleted LoRA again, use --forcerun install_lora"
        )
    return text


def _node(graph: Graph, node: str, class_type: str | None) -> str:
    return describe(graph, node) if node in graph else f"{node} ({class_type})"


def _cut(text: str, length: int = 300) -> str:
    return text if len(text) <= length else text[:length] + " …"
