"""Read workflow files: API or GUI format, as JSON or in a picture.

A workflow may be wrapped in the body of `POST /prompt`, in an entry of `/history` or `/queue`, or
in the form of another program, so the whole file is searched.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lorabench.base import file_kinds
from lorabench.comfy.graph.graph import Graph, dangling, describe
from lorabench.errors import UserError

KEPT = ("class_type", "inputs", "_meta")

_PICTURE = re.compile(
    rb"\x89PNG|\xff\xd8\xff|RIFF....WEBP|GIF8|.{4}ftyp(avif|avis|mif1|heic)", re.DOTALL
)
_JSON = re.compile(rb"[\xef\xbb\xbf\xff\xfe\0\s]*[{\[]")
_VIDEO = re.compile(rb"\x1aE\xdf\xa3|.{4}ftyp", re.DOTALL)
_PAGE = re.compile(rb"\s*<(!doctype html|html)", re.IGNORECASE)
_PICTURE_SUFFIXES = {".png", ".webp", ".jpg", ".jpeg", ".avif", ".gif", ".jxl", ".heic"}
_MAKERS: tuple[tuple[str, set[str], str], ...] = (  # keys, or a pattern in the texts
    ("InvokeAI", {"invokeai_metadata", "invokeai_graph", "sd-metadata", "Dream"}, ""),
    ("SwarmUI", set(), '"sui_image_params"'),
    ("NovelAI", set(), r"\bNovelAI\b"),
    ("Fooocus", {"fooocus_scheme"}, ""),
    ("A1111, Forge or a program like them", set(), r"\bSteps: \d+, "),
)
_LARGEST = 2**28
_DEEPEST = 12  # levels to search


class GuiWorkflow(dict[str, Any]):
    """A workflow in GUI format, which `convert.to_api` converts to a graph."""


def read(path: Path) -> Graph | GuiWorkflow:
    """Return the workflow in a file; raise `UserError` if there is none.

    A picture holds the graph that made it (`prompt`) and the GUI's form (`workflow`); the graph
    has precedence.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError("too large for a workflow or a picture of one; name another file")
        data = path.read_bytes()
        content = _picture(data) if _is_picture(data, path) else _json(data)
        return _the_workflow(content)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    except RecursionError:
        raise UserError(f"{path}: not a workflow: it is nested too deeply") from None
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


# ---------------------------------------------------------------- files


def _is_picture(data: bytes, path: Path) -> bool:
    """Return whether a file is a picture by its content, or by its name if it is not JSON."""
    named = path.suffix.lower() in _PICTURE_SUFFIXES
    return bool(_PICTURE.match(data)) or (named and not _JSON.match(data))


def _json(data: bytes) -> object:
    if not data.strip():
        raise UserError("the file is empty; save the workflow again in ComfyUI")
    if _VIDEO.match(data):
        raise UserError(
            "a video; give the PNG that was saved beside it, or in ComfyUI open the video and"
            " choose Workflow > Export (API)"
        )
    if _PAGE.match(data):
        raise UserError(
            "a web page, not the file that it shows; there choose Raw, or Download, and save again"
        )
    try:
        return json.loads(data.decode(json.detect_encoding(data)).lstrip("\ufeff"))
    except UnicodeDecodeError:
        what = file_kinds.by_start(data) or (
            f"not UTF-8, it may be {file_kinds.likely_encoding(data)}; save it as UTF-8, or again"
            " in ComfyUI"
        )
    except ValueError as error:
        what = file_kinds.by_start(data) or f"no valid JSON: {error}; save or download it again"
    raise UserError(what)


def _picture(data: bytes) -> object:
    """Return the JSON in a picture, by the names of its texts."""
    from lorabench.comfy.graph.picture_metadata import texts  # Pillow, which JSON does not need

    found = texts(data)
    carried = {}
    for name, text in found.items():
        if text.lstrip()[:1] not in ("{", "[") or name.startswith("invokeai"):
            continue
        try:
            carried[name] = json.loads(text)
        except ValueError as error:
            if name.lower() in ("prompt", "workflow") and not carried:
                raise UserError(
                    f"its {name} is no valid JSON: {error}; save or download it again"
                ) from None
    if not any(_workflows(carried)):
        raise UserError(f"the picture holds no workflow; {_instead(found)}")
    return carried


def _instead(found: Mapping[str, str]) -> str:
    """Return what a picture without a workflow holds, and what to do."""
    if program := _maker(found):
        return (
            f"it holds the parameters of {program}, which are no graph: copy its prompt to"
            " positive= and negative=, and name a workflow JSON"
        )
    return "ComfyUI's own SaveImage writes it; other programs, and sites, often drop it"


def _maker(found: Mapping[str, str]) -> str:
    """Return which other program made a picture, by its texts; empty if unknown."""
    whole = "\n".join(found.values())
    for program, keys, sign in _MAKERS:
        if keys & found.keys() or (sign and re.search(sign, whole)):
            return program
    return ""


# ---------------------------------------------------------------- what is in them


def _the_workflow(content: object) -> Graph | GuiWorkflow:
    """Return the only workflow in `content`, a graph rather than the GUI's form."""
    found = list(_workflows(content))
    graphs = [one for one in found if not isinstance(one, GuiWorkflow)] or found
    if not graphs:
        raise UserError(_why_none(content))
    if any(one != graphs[0] for one in graphs):
        raise UserError(
            f"it holds {len(graphs)} different workflows; keep the one to benchmark, or save it in"
            " ComfyUI with Workflow > Export (API)"
        )
    only = graphs[0]
    return only if isinstance(only, GuiWorkflow) else _checked(only)


def _workflows(content: object, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield everything in `content`, at any depth, that looks like a workflow."""
    if isinstance(content, str) and content.lstrip()[:1] in ("{", "["):
        try:
            content = json.loads(content)
        except ValueError:
            return
    if depth > _DEEPEST or not isinstance(content, dict | list):
        return
    if isinstance(content, dict):
        if isinstance(content.get("nodes"), list) and not _of_invoke(content):
            yield GuiWorkflow(content)
            return
        if any(_is_node(value) for value in content.values()):
            yield content
            return
    for value in content.values() if isinstance(content, dict) else content:
        yield from _workflows(value, depth + 1)


def _of_invoke(content: Mapping[str, Any]) -> bool:
    return "edges" in content and "links" not in content


def _is_node(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("class_type"), str)


def _why_none(content: object) -> str:
    nodes = content if isinstance(content, dict) else {}
    if "nodes" in nodes and _of_invoke(nodes):
        return "a workflow of InvokeAI, whose nodes ComfyUI does not have; name one of ComfyUI"
    for node, body in nodes.items():
        if isinstance(body, dict) and "inputs" in body:
            return f"not a workflow in API format: node {node} has no class_type"
    return "not a workflow: expected an object of nodes, as ComfyUI writes it"


def _checked(content: Mapping[str, Any]) -> Graph:
    """Return the nodes of `content`, without what the server does not need."""
    graph: Graph = {}
    for node, body in content.items():
        if not isinstance(body, dict) or not {"class_type", "inputs"} & body.keys():
            continue
        if not isinstance(body.get("class_type"), str):
            raise UserError(f"not a workflow in API format: node {node} has no class_type")
        if not isinstance(body.get("inputs"), dict):
            raise UserError(f"not a workflow in API format: node {node} has no inputs")
        graph[node] = {key: body[key] for key in KEPT if key in body}
    for body in graph.values():
        body["inputs"] = {name: _link(value, graph) for name, value in body["inputs"].items()}
        if not isinstance(body.get("_meta", {}), dict):
            del body["_meta"]
    for (node, name), source in dangling(graph):
        raise UserError(
            f"node {describe(graph, node)}: its input {name} is linked to node"
            f" {source}, which is not in the file; export the workflow again"
        )
    return graph


def _link(value: Any, graph: Graph) -> Any:
    """Return an input; in a link to a node, an id that is a number becomes a text."""
    if isinstance(value, list) and len(value) == 2 and type(value[0]) is int:
        return [str(value[0]), value[1]] if str(value[0]) in graph else value
    return value
