"""The values of a GUI node's widgets by name: the file has them as a list without names.

A walk of its own over `/object_info`, which the converter's result is held against.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from lorabench.comfy.graph import NodeInfo

KINDS = {"INT": int | float, "FLOAT": int | float, "STRING": str, "BOOLEAN": bool | int}
CONTROLS = {"fixed", "increment", "decrement", "randomize", True, False}
"""What stands behind a seed; older frontends wrote a truth value."""

Info = Mapping[str, Any]
"""The entry of one class in `/object_info`."""


class Widget(NamedTuple):
    """An input with a widget: `kind` is INT, FLOAT, STRING, BOOLEAN or COMBO."""

    name: str
    kind: str
    options: Mapping[str, Any]

    @property
    def default(self) -> Any:
        """The value of a new node's widget."""
        plain = {"INT": 0, "FLOAT": 0, "STRING": "", "BOOLEAN": False}
        choices = self.options.get("options") or [None]
        return self.options.get("default", plain.get(self.kind, choices[0]))

    def fits(self, value: Any) -> bool:
        """Return whether a value is of the widget's kind; a COMBO takes names of any file."""
        if self.kind == "COMBO":
            return isinstance(value, str | int | float)
        wrong_bool = isinstance(value, bool) and self.kind in ("INT", "FLOAT")
        return isinstance(value, KINDS[self.kind]) and not wrong_bool

    def takes(self, value: Any) -> bool:
        """Return whether a primitive's value arrives as it is, neither limited nor rounded."""
        if self.kind not in ("INT", "FLOAT") or not self.fits(value):
            return self.fits(value)
        low, high = self.options.get("min", -math.inf), self.options.get("max", math.inf)
        origin = low if self.kind == "INT" and math.isfinite(low) else 0
        grids = (self.options.get(key) for key in ("step", "round"))
        steps = [(value - origin) / grid for grid in grids if grid]
        return low <= value <= high and all(abs(one - round(one)) < 1e-6 for one in steps)


def widgets(info: Info) -> Iterator[Widget]:
    """Yield a class's widgets in the order of their values.

    Raises `ValueError` for a class whose widgets only its own part of the frontend knows.
    """
    for group in ("required", "optional"):
        for name, definition in info["input"].get(group, {}).items():
            kind, *rest = definition if isinstance(definition, list) else [definition]
            options = rest[0] if rest and isinstance(rest[0], dict) else {}
            if options.get("forceInput"):
                continue
            if isinstance(kind, list):
                yield Widget(name, "COMBO", {"options": kind, **options})
            elif kind in KINDS or kind == "COMBO":
                yield Widget(name, kind, options)
            elif _is_special(kind, options):
                raise ValueError(f"its {name} ({kind}) is a widget that only the frontend knows")


def _is_special(kind: str, options: Mapping[str, Any]) -> bool:
    dynamic = kind.startswith("COMFY_") and not kind.startswith("COMFY_MATCHTYPE")
    given = {name for name, value in options.items() if value is not None}
    return dynamic or bool({"default", "min", "max", "socketless", "widgetType"} & given)


def widget_values(values: Any, info: Info) -> dict[str, Any]:
    """Return the value of each widget of a node; what the list lacks has its default.

    Raises `ValueError` where the list does not fit the class.
    """
    rest = _listed(values)
    found: dict[str, Any] = {}
    for widget in widgets(info):
        found[widget.name] = rest.pop(0) if rest else widget.default
        if not widget.fits(found[widget.name]):
            raise ValueError(
                f"the value {found[widget.name]!r} is none for its {widget.name}"
                f" ({widget.kind}): it was saved with another version of its class"
            )
        if rest and _has_control(widget, rest[0]):
            rest.pop(0)
    if rest and not _is_core(info) and not _uploads(info):
        raise ValueError(f"it holds {len(rest)} values that its class does not declare")
    return found


def completed(values: Any, info: Info) -> list[Any]:
    """Return a node's list with defaults for inputs that its class got since it was saved.

    Raises `ValueError` where the list has no order, or for a class as `widgets` does.
    """
    full = _listed(values)
    seen = 0
    for widget in widgets(info):
        if seen >= len(full):
            full.append(widget.default)
        seen += 1
        if seen < len(full) and _has_control(widget, full[seen]):
            seen += 1
    return full


def _listed(values: Any) -> list[Any]:
    if values is None:
        return []
    if not isinstance(values, list):
        raise ValueError("its values have no order, so only its part of the frontend knows them")
    return list(values)


def _has_control(widget: Widget, following: Any) -> bool:
    """Return whether the value behind a widget is the control of what follows a run."""
    if widget.options.get("control_after_generate"):
        return True
    seed = widget.kind == "INT" and widget.name in ("seed", "noise_seed")
    return seed and (isinstance(following, str | bool) and following in CONTROLS)


def _is_core(info: Info) -> bool:
    """Return whether a class is ComfyUI's own, for which the frontend ignores surplus values."""
    module = str(info.get("python_module", ""))
    return module == "nodes" or module.startswith(("comfy_extras.", "comfy_api_nodes."))


def _uploads(info: Info) -> bool:
    return any(key.endswith("_upload") for widget in widgets(info) for key in widget.options)


def with_choices(node_info: NodeInfo, values: Mapping[str, list[Any]]) -> dict[str, Info]:
    """Return the classes named in `values`, their lists of choices extended by those texts.

    The converter takes a file that this server lacks for a shifted list, and drops it.
    """
    extended: dict[str, Info] = {}
    for class_type, texts in values.items():
        info = node_info[class_type]
        groups = {
            group: {name: _extended(definition, texts) for name, definition in inputs.items()}
            for group, inputs in info["input"].items()
            if group in ("required", "optional")
        }
        extended[class_type] = {**info, "input": groups}
    return extended


def _extended(definition: Any, texts: list[Any]) -> Any:
    if not isinstance(definition, list) or not definition:
        return definition
    kind, *rest = definition
    if isinstance(kind, list):
        return [[*kind, *texts], *rest]
    if kind == "COMBO" and rest and isinstance(rest[0].get("options"), list):
        return [kind, {**rest[0], "options": [*rest[0]["options"], *texts]}]
    return definition
