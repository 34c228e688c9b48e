"""How a node is declared in `/object_info`: sockets, widgets, limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_SIDE = 16384
MAX_SEED = 2**64 - 1
Options = dict[str, Any]
Input = tuple[str | list[str], Options]
"""A socket or widget type, or the list of choices; and the options."""


@dataclass(frozen=True)
class Node:
    """The declaration of a node class; `inputs` are all required."""

    inputs: dict[str, Input]
    outputs: tuple[str, ...]
    category: str
    title: str
    description: str
    is_output: bool = False
    most_pixels: int | None = None
    """The limit of width × height × batch_size."""
    output_names: tuple[str, ...] = ()
    """The names of `outputs` where they are not their types."""
    accepts: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)
    """Inputs that may have other values than those listed, and what says which."""

    def info(self, name: str) -> dict[str, Any]:
        """Return the entry of `/object_info`."""
        sections: dict[str, Any] = {"required": self.inputs}
        if self.is_output:  # the pictures carry the graph
            sections["hidden"] = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}
        return {
            "input": sections,
            "input_order": {section: list(keys) for section, keys in sections.items()},
            "output": self.outputs,
            "output_is_list": [False] * len(self.outputs),
            "output_name": self.output_names or self.outputs,
            "name": name,
            "display_name": self.title,
            "description": self.description,
            "python_module": "nodes",
            "category": self.category,
            "output_node": self.is_output,
        }


def sockets(**kinds: str) -> dict[str, Input]:
    """Return inputs that are sockets, by name and type."""
    return {name: (kind, {}) for name, kind in kinds.items()}


def number(default: float, low: float, high: float, step: float, **more: Any) -> Input:
    """Return a widget for a number with decimals."""
    return "FLOAT", {"default": default, "min": low, "max": high, "step": step, **more}


def whole(default: int, low: int, high: int, **more: Any) -> Input:
    """Return a widget for a whole number."""
    return "INT", {"default": default, "min": low, "max": high, **more}


def choice(*names: str) -> Input:
    """Return a widget for one of some texts."""
    return list(names), {}


def switch(default: bool) -> Input:
    """Return a widget for true or false."""
    return "BOOLEAN", {"default": default}


def text(*, multiline: bool, **more: Any) -> Input:
    """Return a widget for a text."""
    return "STRING", {"multiline": multiline, **more}


def seed() -> Input:
    """Return a widget for a seed."""
    return whole(0, 0, MAX_SEED, control_after_generate=True)
