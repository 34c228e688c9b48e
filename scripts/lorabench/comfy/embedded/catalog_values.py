"""The declarations of nodes that hold a number or a text; see `catalog`."""

import sys

from lorabench.comfy.embedded.declaration import Input, Node, text

LARGE = {"min": -sys.maxsize, "max": sys.maxsize}


def nodes() -> dict[str, Node]:
    """Return the nodes by class name."""
    return {
        "PrimitiveString": _value(text(multiline=False), "Text"),
        "PrimitiveStringMultiline": _value(text(multiline=True), "Text (Multiline)"),
        "PrimitiveInt": _value(("INT", LARGE | {"control_after_generate": "fixed"}), "Int"),
        "PrimitiveFloat": _value(("FLOAT", LARGE | {"step": 0.1}), "Float"),
        "PrimitiveBoolean": _value(("BOOLEAN", {}), "Boolean"),
        "StringConcatenate": Node(
            {
                "string_a": text(multiline=True),
                "string_b": text(multiline=True),
                "delimiter": text(multiline=False, default=""),
            },
            ("STRING",),
            "text",
            "Concatenate Text",
            "Joins two texts.",
        ),
    }


def _value(declared: Input, title: str) -> Node:
    kind = str(declared[0])
    return Node({"value": declared}, (kind,), "utilities/primitive", title, "Holds a value.")
