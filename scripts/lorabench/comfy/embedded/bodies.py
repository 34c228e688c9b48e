"""Read the clients' requests: JSON of a shape, or a refusal in ComfyUI's words."""

import json
import math
from typing import Any

from aiohttp import web

from lorabench.comfy.client.shapes import Odd, Shape, check

DEPTH = 100  # of nested lists and objects, because the history is written as JSON, too

PROMPT = {
    "client_id?": str,
    "prompt_id?": str,
    "number?": int | float,
    "front?": bool,
    "extra_data?": {"extra_pnginfo?": dict},
    "partial_execution_targets?": [str],
}
IDS = {"clear?": bool, "delete?": [str]}
INTERRUPT = {"prompt_id?": str}
FLAGS = {"unload_models?": bool, "free_memory?": bool}


class Malformed(Exception):
    """A malformed request; `error` is ComfyUI's object for it."""

    def __init__(self, details: str, kind: str = "invalid_request", message: str = "") -> None:
        """`kind` and `message` are ComfyUI's `type` and `message`."""
        super().__init__(details)
        message = message or "The request is malformed"
        self.error = {"type": kind, "message": message, "details": details, "extra_info": {}}


def refusal(error: dict[str, Any], status: int = 400) -> web.Response:
    """Return the answer to a refused request."""
    return web.json_response({"error": error, "node_errors": {}}, status=status)


async def read(request: web.Request, shape: Shape, *, may_be_empty: bool = False) -> dict[str, Any]:
    """Return the JSON object in a request; raises `Malformed` for another body."""
    try:
        data = await request.read()
    except web.RequestPayloadError as error:  # such as a wrong Content-Encoding
        raise Malformed(str(error)) from None
    if may_be_empty and not data.strip():
        return {}
    try:
        content = json.loads(data, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error), "invalid_json", "The body is not JSON") from None
    if _is_deeper(content, DEPTH):
        raise Malformed(f"more than {DEPTH} lists and objects are nested")
    try:
        return check(content, shape, "the body")
    except Odd as odd:
        raise Malformed(str(odd)) from None


def whole_number(request: web.Request, name: str) -> int | None:
    """Return a number of the query, None where it has none; raises `Malformed`."""
    text = request.rel_url.query.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise Malformed(f"{name} should be a whole number, not {text[:40]!r}") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number in JSON")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _is_deeper(content: Any, most: int) -> bool:
    level = [content]
    for _ in range(most):
        containers = [one for one in level if isinstance(one, dict | list)]
        level = [x for one in containers for x in (one.values() if isinstance(one, dict) else one)]
        if not level:
            return False
    return any(isinstance(one, dict | list) for one in level)
