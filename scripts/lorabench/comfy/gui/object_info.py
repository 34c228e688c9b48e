"""Read a server's `/object_info`.

An entry lists a class's inputs as `{"input": {"required": {name: spec}, "optional": …}}`. A spec is
`[type, options]`, or `[type]`; a list of choices in place of the type is the older form of COMBO.
A type may be several (`FLOAT,INT`), and `widgetType` then says which of them the widget has.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

ClassInfo = Mapping[str, Any]
"""The entry of one class."""

NodeInfo = Mapping[str, ClassInfo]
"""The entries of classes by their names."""

GROUPS = ("required", "optional")
"""A graph gives no other inputs, such as `hidden` ones."""

WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
"""The types that have a widget in every frontend."""

_TEXTS = {"COLOR", "PAINTER"}
"""Types whose widget holds a text and sends it as it is: `#848484`, the file of a painted mask."""


class Input(NamedTuple):
    """An input of a class; a COMBO's choices are always in its options."""

    name: str
    kind: str
    options: Mapping[str, Any]
    required: bool

    @property
    def choices(self) -> list[Any] | None:
        """The choices; None: anything."""
        known = self.options.get("options") if self.kind == "COMBO" else None
        return known if isinstance(known, list) else None

    @property
    def has_widget(self) -> bool:
        """Whether the node shows its value; otherwise only a link gives it."""
        return self.kind in WIDGETS and not self.options.get("forceInput")

    @property
    def default(self) -> Any:
        """The value of a new node's widget."""
        plain = {"INT": 0, "FLOAT": 0, "STRING": "", "BOOLEAN": False}
        first = (self.choices or [None])[0]
        return self.options.get("default", plain.get(self.kind, first))


def inputs(info: ClassInfo) -> Iterator[Input]:
    """Yield the inputs of a class in the frontend's order."""
    for group in GROUPS:
        for name, spec in (info["input"].get(group) or {}).items():
            kind, options = _read(spec)
            yield Input(name, kind, options, group == "required")


def module(info: ClassInfo) -> str:
    """Return the Python module of a class: `nodes`, `comfy_extras.…`, `custom_nodes.…`; or ""."""
    return str(info.get("python_module", ""))


def with_plain_types(info: ClassInfo) -> ClassInfo:
    """Return the entry of a class with the types that its widgets have."""
    groups = {
        group: {name: list(_read(spec)) for name, spec in (specs or {}).items()}
        for group, specs in info["input"].items()
        if group in GROUPS
    }
    return {**info, "input": {**info["input"], **groups}}


def with_choices(node_info: NodeInfo, more: Mapping[str, list[Any]]) -> dict[str, ClassInfo]:
    """Return the classes in `more`, with its values added to the choices of their COMBOs.

    Otherwise the converter would drop a file that this server lacks, as a shifted value.
    """
    extended: dict[str, ClassInfo] = {}
    for class_type, values in more.items():
        info = node_info[class_type]
        groups = {
            group: {name: _extended(spec, values) for name, spec in specs.items()}
            for group, specs in info["input"].items()
            if group in GROUPS
        }
        extended[class_type] = {**info, "input": groups}
    return extended


def _read(spec: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the type and the options of an input."""
    kind, *rest = spec or [None] if isinstance(spec, list) else [spec]
    options = rest[0] if rest and isinstance(rest[0], dict) else {}
    if isinstance(kind, list):
        return "COMBO", {**options, "options": kind}
    kind = options.get("widgetType") or kind
    return ("STRING" if kind in _TEXTS else kind), options


def _extended(spec: Any, values: list[Any]) -> Any:
    """Return the spec with more choices, in the same form."""
    kind, options = _read(spec)
    if kind != "COMBO" or not isinstance(options.get("options"), list):
        return spec
    longer = [*options["options"], *values]
    if isinstance(spec[0], list):
        return [longer, *spec[1:]]
    return [kind, {**options, "options": longer}]
