"""Check the shapes of ComfyUI's answers before they are read.

A shape is a type; `[shape]`, a list of that shape; a tuple of shapes, a list that begins with them;
or a dict of shapes by key, where `"key?"` may be missing or null, and `str` stands for every key.
"""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lorabench.comfy.client.http import Answer

Shape = Any


class Odd(ValueError):
    """An answer of another shape; its message has the place and the difference."""


IMAGE = {"filename": str, "subfolder": str, "type": str}
ENTRY = {
    "status?": {"status_str?": str, "messages?": [(str, dict)]},
    "outputs?": {str: object},
}
"""A prompt in the history; `outputs` has an `OUTPUT` for each node, but only one is read."""

OUTPUT = {"images?": [IMAGE]}
HISTORY = {str: ENTRY}
QUEUE = {"queue_running": [(object, str)], "queue_pending": [(int | float, str)]}
ERROR = {"type?": str, "message?": str, "details?": object, "extra_info?": dict}
REJECTION = {
    "error?": str | dict,
    "node_errors?": {str: {"class_type?": str, "errors?": [ERROR]}},
}
FAILURE = {"node_id?": object, "node_type?": str, "traceback?": list | str}
CLASS = {
    "input": {"required?": dict, "optional?": dict},
    "output?": list,
    "output_name?": list,
}
CLASSES = {str: CLASS}
ACCEPTED = {"prompt_id": str}
SYSTEM = {"system": dict, "devices": [dict]}
LOG = {"entries": [{"t": str, "m": str}]}
FOLDERS = {"loras": [str]}

_NAMES = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}


def check(content: Any, shape: Shape, where: str = "the answer") -> Any:
    """Return `content` if it has this shape; raises `Odd`."""
    if isinstance(shape, dict):
        _check_fields(_of(content, dict, where), shape, where)
    elif isinstance(shape, list):
        for index, item in enumerate(_of(content, list, where)):
            check(item, shape[0], f"{where}[{index}]")
    elif isinstance(shape, tuple):
        if len(_of(content, list, where)) < len(shape):
            raise Odd(f"{where} has {len(content)} items, not {len(shape)}")
        for index, (item, part) in enumerate(zip(content, shape, strict=False)):
            check(item, part, f"{where}[{index}]")
    else:
        _of(content, shape, where)
    return content


def read(response: "Answer", shape: Shape) -> Any:
    """Return the JSON of an answer if it has this shape; raises `Odd`."""
    if response.status_code == 404:
        raise Odd("it knows no such address")  # ComfyUI does; a proxy may not, for a moment
    try:
        content = response.json()
    except (ValueError, RecursionError):
        raise Odd("it is not JSON") from None
    return check(content, shape)


def fits(content: Any, shape: Shape) -> bool:
    """Return whether `content` has this shape."""
    with suppress(Odd):
        check(content, shape)
        return True
    return False


def _check_fields(content: dict[str, Any], shape: dict[Any, Shape], where: str) -> None:
    for key, part in shape.items():
        if key is str:
            for name, value in content.items():
                check(value, part, f"{where}.{name}")
            continue
        name = key.removesuffix("?")
        value = content.get(name)
        if name in content and (value is not None or name == key):
            check(value, part, f"{where}.{name}")
        elif name == key:
            raise Odd(f"{where} has no {name}")


def _of(content: Any, kind: Any, where: str) -> Any:
    if not isinstance(content, kind):
        found = "null" if content is None else _NAMES.get(type(content), type(content).__name__)
        raise Odd(f"{where} is {found}, not {_NAMES.get(kind, kind)}")
    return content
