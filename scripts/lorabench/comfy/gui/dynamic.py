"""Settle the inputs of a class that depend on a node's values and links.

A COMFY_DYNAMICCOMBO brings further widgets with each of its choices; the frontend lists their
values behind it, and calls them `<combo>.<name>`. A COMFY_AUTOGROW is as many sockets as a node has
links, `<name>.<socket>`, and has no value. A CustomCombo has its choices in its own values.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from lorabench.comfy.gui.object_info import GROUPS, ClassInfo, Input, inputs

KINDS = COMBO, AUTOGROW = "COMFY_DYNAMICCOMBO_V3", "COMFY_AUTOGROW_V3"

OPTIONS_OF_ITS_OWN = "CustomCombo"

Reader = Callable[[Input], Any]
"""Returns the next value of a node's list, for a widget, and passes over its control."""


def is_dynamic(info: ClassInfo) -> bool:
    """Return whether a class's inputs depend on the node."""
    return any(one.kind in KINDS for one in inputs(info))


def with_options(info: ClassInfo, values: list[Any]) -> ClassInfo:
    """Return the entry of a CustomCombo with the inputs that its frontend part adds.

    `values` are its choice, a number, and its options, of which the last is empty. The first
    frontends had no number, and sent the choice alone.
    """
    if not isinstance(next(iter(values[1:2]), None), int):
        return info
    names = (f"option{number}" for number in range(1, len(values) - 1))
    added = {"index": ["INT", {}], **{name: ["STRING", {}] for name in names}}
    return {**info, "input": {"required": {**info["input"]["required"], **added}}}


def place(values: list[Any]) -> int:
    """Return a CustomCombo's index: the place of its choice among its options, -1 for none.

    Frontends compute it when they send it; the number in the file may be another one.
    """
    choice, _, *options = values
    return options.index(choice) if choice in options else -1


def settled(info: ClassInfo, sockets: Collection[str], read: Reader) -> ClassInfo:
    """Return the entry of a class for one node, whose inputs have a socket each in `sockets`.

    Raises `ValueError` for a choice that the class does not have.
    """
    found: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    for one in inputs(info):
        group = found["required" if one.required else "optional"]
        group.update(_settled(one, one.name, sockets, read))
    return {**info, "input": found}


def _settled(
    one: Input, name: str, sockets: Collection[str], read: Reader
) -> Iterator[tuple[str, Any]]:
    """Yield the names and the specs of what an input has become, in the frontend's order."""
    if one.kind == AUTOGROW:
        grown = (socket for socket in sockets if socket.startswith(f"{name}."))
        yield from ((socket, ["*", {"forceInput": True}]) for socket in grown)
    elif one.kind == COMBO:
        options = {option["key"]: option["inputs"] for option in one.options["options"]}
        combo = one._replace(name=name, kind="COMBO", options={"options": list(options)})
        key = read(combo)
        if key not in options:
            raise ValueError(
                f"its {name} is {key!r}, which the server does not have: {', '.join(options)}"
            )
        yield name, ["COMBO", combo.options]
        for inner in inputs({"input": options[key]}):
            yield from _settled(inner, f"{name}.{inner.name}", sockets, read)
    else:
        if one.has_widget:
            read(one._replace(name=name))
        yield name, [one.kind, dict(one.options)]
