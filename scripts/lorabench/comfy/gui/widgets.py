"""Name the values of a GUI node's widgets, which the file lists without names.

This reads `/object_info` by itself, to check the converter's result.
"""

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from lorabench.comfy.gui import dynamic
from lorabench.comfy.gui.object_info import (
    ClassInfo,
    Input,
    NodeInfo,
    inputs,
    module,
    with_plain_types,
)

KINDS = {"INT": int | float, "FLOAT": int | float, "STRING": str, "BOOLEAN": bool | int}
ANY = ("*", "COMFY_MATCHTYPE_V3")
"""The kinds of sockets that take what they are given."""

CONTROLS = {"fixed", "increment", "decrement", "randomize", True, False}
"""The values after a seed; older frontends wrote true or false."""


class Widget(Input):
    """An input that takes values: `kind` is INT, FLOAT, STRING, BOOLEAN, COMBO, or one of `ANY`."""

    def fits(self, value: Any) -> bool:
        """Return whether a value is of the widget's kind; a COMBO takes the name of any file."""
        if self.kind in ("COMBO", *ANY):
            return isinstance(value, str | int | float)
        wrong_bool = isinstance(value, bool) and self.kind in ("INT", "FLOAT")
        return isinstance(value, KINDS.get(self.kind, ())) and not wrong_bool

    def takes(self, value: Any) -> bool:
        """Return whether a primitive's value is neither limited nor rounded."""
        if self.kind not in ("INT", "FLOAT") or not self.fits(value):
            return self.fits(value)
        low, high = self.options.get("min", -math.inf), self.options.get("max", math.inf)
        origin = low if self.kind == "INT" and math.isfinite(low) else 0
        grids = (self.options.get(key) for key in ("step", "round"))
        steps = [(value - origin) / grid for grid in grids if grid]
        return low <= value <= high and all(abs(one - round(one)) < 1e-6 for one in steps)


def widgets(info: ClassInfo) -> Iterator[Widget]:
    """Yield a class's widgets in the order of their values.

    Raises `ValueError` for a widget that only the class's own frontend part handles.
    """
    for one in inputs(info):
        if one.has_widget:
            yield Widget(*one)
        elif _is_special(one):
            raise ValueError(
                f"its {one.name} ({one.kind}) is a widget that only the frontend handles"
            )


def is_known(info: ClassInfo) -> bool:
    """Return whether all widgets of a class are known here, with those that others bring."""
    others = [one for one in inputs(info) if not one.has_widget]
    return not any(_is_special(one) for one in others if one.kind not in dynamic.KINDS)


def _is_special(one: Input) -> bool:
    if one.options.get("forceInput"):
        return False
    dynamic = one.kind.startswith("COMFY_") and not one.kind.startswith("COMFY_MATCHTYPE")
    given = {name for name, value in one.options.items() if value is not None}
    return dynamic or bool({"default", "min", "max", "socketless", "widgetType"} & given)


def for_node(body: Mapping[str, Any], node_info: NodeInfo) -> ClassInfo:
    """Return the entry of a node's class, with the inputs that its values and links bring.

    Raises `ValueError` as `completed` does, and for a choice that the class does not have.
    """
    info, values = node_info[body["type"]], body.get("widgets_values")
    if body["type"] == dynamic.OPTIONS_OF_ITS_OWN:
        info = dynamic.with_options(info, _listed(values))
    if dynamic.is_dynamic(info):
        sockets = [entry["name"] for entry in body.get("inputs") or []]
        info = dynamic.settled(info, sockets, partial(_taken, _listed(values)))
    return with_plain_types(info)


def widget_values(values: Any, info: ClassInfo) -> dict[str, Any]:
    """Return the value of each widget of a node, with defaults for those that the list lacks.

    Raises `ValueError` if the list does not fit the class.
    """
    rest = _listed(values)
    found: dict[str, Any] = {}
    for widget in widgets(info):
        found[widget.name] = _taken(rest, widget)
        if not widget.fits(found[widget.name]):
            raise ValueError(
                f"the value {found[widget.name]!r} does not fit its {widget.name}"
                f" ({widget.kind}): it was saved with another version of its class"
            )
    if rest and not _ignores_surplus(info):
        raise ValueError(f"it holds {len(rest)} values that its class does not declare")
    return found


def completed(values: Any, info: ClassInfo) -> list[Any]:
    """Return a node's list with defaults for inputs that are newer than the file.

    It has no `control_after_generate`, which the converter takes for the value of a text or a
    choice behind a seed. Raises `ValueError` if the list has no order, and as `widgets` does.
    """
    rest = _listed(values)
    return [_taken(rest, widget) for widget in widgets(info)] + rest


def _listed(values: Any) -> list[Any]:
    if values is None:
        return []
    if not isinstance(values, list):
        raise ValueError("its values have no order, so only its own frontend part can read them")
    return list(values)


def _taken(rest: list[Any], widget: Input) -> Any:
    """Take a widget's value, and its control, off a list; the default once that is over."""
    value = rest.pop(0) if rest else widget.default
    if rest and _has_control(widget, rest[0]):
        rest.pop(0)
    return value


def _has_control(widget: Input, following: Any) -> bool:
    """Return whether the value after a widget is its `control_after_generate`."""
    if widget.options.get("control_after_generate"):
        return True
    seed = widget.kind == "INT" and widget.name in ("seed", "noise_seed")
    return seed and (isinstance(following, str | bool) and following in CONTROLS)


def _ignores_surplus(info: ClassInfo) -> bool:
    """Return whether the frontend ignores surplus values: for ComfyUI's own classes and uploads."""
    name = module(info)
    if name == "nodes" or name.startswith(("comfy_extras.", "comfy_api_nodes.")):
        return True
    return any(key.endswith("_upload") for widget in widgets(info) for key in widget.options)
