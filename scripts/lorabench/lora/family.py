"""Which family of models a LoRA is for, by its modules alone."""

from collections.abc import Sequence

from lorabench.base.families import by_lora, by_width
from lorabench.base.family import Known
from lorabench.lora.modules import Module
from lorabench.lora.shapes import Shapes


def of(modules: Sequence[Module], shapes: Shapes) -> Known | None:
    """Return the model family of a LoRA, by its layers' names and widths."""
    if found := by_lora(module.name for module in modules):
        return found
    for module in modules:  # a layer that reads the text has the text's width
        if module.name.endswith(("attn2_to_k", "attn2.to_k")) and module.kind == "LoRA":
            return by_width(shapes[module.keys["down"]][1])
    return None
