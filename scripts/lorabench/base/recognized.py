"""What a safetensors file is, by its tensors, where it is not what was wanted."""

from collections.abc import Mapping

from lorabench.base import families, file_kinds, model_kinds
from lorabench.base.model_kinds import Shape


def title(shapes: Mapping[str, Shape]) -> str | None:
    """Return what a file with tensors of these shapes is; None where that is not known.

    What marks an addition to a model, such as a ControlNet, comes first: it has layers of the
    model, too. The names alone come last: they say least.
    """
    return file_kinds.by_keys(shapes) or _model(shapes) or file_kinds.by_parts(shapes)


def _model(shapes: Mapping[str, Shape]) -> str | None:
    if found := families.transformer(shapes):
        return f"{found[0].a_title} model"
    held = model_kinds.of(shapes)
    if model_kinds.UNET in held and len(held) > 1:
        return "a whole checkpoint, as base_model= takes it"
    return held[0].title if held else None
