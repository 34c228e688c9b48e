"""Reading workflow files: API or GUI format, as JSON or in a picture that ComfyUI has saved."""

import json
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from lorabench.comfy.graph import Graph, dangling, describe
from lorabench.errors import UserError

KEPT = ("class_type", "inputs", "_meta")


class GuiWorkflow(dict[str, Any]):
    """A workflow in GUI format: a graph only once `convert.to_api` has made one of it."""


def read(path: Path) -> Graph | GuiWorkflow:
    """Return what a workflow file holds; raise `UserError` where that is no workflow.

    A picture holds the graph that drew it (`prompt`) and what was on the screen (`workflow`); the
    graph is taken where there is one.
    """
    try:
        content = _picture(path) if path.suffix.lower() == ".png" else _json(path)
        return _checked(content)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def load(path: Path) -> Graph:
    """Return the graph of a workflow file in API format; raise `UserError` for anything else."""
    content = read(path)
    if isinstance(content, GuiWorkflow):
        raise UserError(
            f"{path}: this is the GUI format, which only bench_preflight.py reads; in"
            " ComfyUI choose Workflow > Export (API) and give that file"
        )
    return content


def _json(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if not text.strip():
            raise UserError("the file is empty; save the workflow again in ComfyUI")
        return json.loads(text)
    except OSError as error:
        raise UserError(error.strerror or str(error)) from None
    except ValueError as error:
        raise UserError(f"no valid JSON: {error}") from None


def _picture(path: Path) -> object:
    try:
        with Image.open(path) as picture:
            texts = dict(picture.info)
    except (OSError, UnidentifiedImageError) as error:
        raise UserError(f"no readable picture: {error}") from None
    for chunk in ("prompt", "workflow"):
        if texts.get(chunk):
            try:
                return json.loads(texts[chunk])
            except (ValueError, TypeError) as error:
                raise UserError(f"its {chunk} is no valid JSON: {error}") from None
    raise UserError("the picture holds no workflow; ComfyUI's own SaveImage writes it")


def _checked(content: object) -> Graph | GuiWorkflow:
    if isinstance(content, dict) and isinstance(content.get("nodes"), list):
        return GuiWorkflow(content)
    if not isinstance(content, dict) or not content:
        raise UserError("not a workflow: expected an object of nodes, as ComfyUI writes it")
    for node, body in content.items():
        if not isinstance(body, dict) or not isinstance(body.get("class_type"), str):
            raise UserError(f"not a workflow in API format: node {node} has no class_type")
        if not isinstance(body.get("inputs"), dict):
            raise UserError(f"not a workflow in API format: node {node} has no inputs")
    graph = {
        node: {key: body[key] for key in KEPT if key in body} for node, body in content.items()
    }
    for (node, name), source in dangling(graph):
        raise UserError(
            f"node {describe(graph, node)}: its input {name} is linked to node"
            f" {source}, which is not in the file; export the workflow again"
        )
    return graph
