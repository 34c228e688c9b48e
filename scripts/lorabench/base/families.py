"""Every family of models, and by what a file's is found.

To add a family is to describe it in `stable_diffusion` or `diffusion_transformers`; elsewhere is
only what takes code. Nothing here imports torch: the Snakefile asks for a checkpoint's family each
time it is parsed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lorabench.base.diffusion_transformers import TRANSFORMERS
from lorabench.base.family import LDM_UNET, Benchmark, Family, Known
from lorabench.base.stable_diffusion import BUNDLED, SD15, SDXL
from lorabench.text.phrases import listed

Shape = tuple[int, ...]

_UNETS = (SD15, SDXL)
OTHER = Family(
    "model of another family",
    name="other",
    benchmarks=(Benchmark("", TRANSFORMERS[0].benchmarks[0].prompts, {}),),
    settings=TRANSFORMERS[0].settings,
    picture_seconds=20,
    memory_mb=32000,
)
"""What a LoRA is for whose names are of no family that is known; only a ComfyUI renders with it."""
PUBLIC = (*_UNETS, *TRANSFORMERS)
FAMILIES = (BUNDLED, *PUBLIC)
BY_NAME = {family.name: family for family in (*FAMILIES, OTHER)}
KNOWN = (
    *TRANSFORMERS,
    Known("SD2.x", width=1024, block=1),
    Known("SDXL refiner", width=1280, block=4),
    *_UNETS,
)
"""All that has a mark of its own, in the order in which a LoRA's names are looked at."""
EMBEDDED = listed([family.title for family in PUBLIC if family.embedded])
PREFIXES = {prefix: part for family in _UNETS for part, prefix in family.parts.items()}
"""The part of the model that a tensor of a single file belongs to, by how its name begins."""

_OF_TRANSFORMER = (LDM_UNET, "model.model.", "net.")
_NAMED = 3
_ENOUGH = 5
"""More tensors than this begin with a prefix that is one."""
_KIND = re.compile(r"\.(weight|scale|bias)$")


def by_width(width: Any) -> Known | None:
    """Return the family whose UNet attends to text features this wide, None for none of them."""
    return next((family for family in KNOWN if family.width == width), None)


def transformer(shapes: Mapping[str, Shape]) -> tuple[Family, str] | None:
    """Return the family of a transformer with tensors of these shapes, and their names' prefix.

    The prefix is chosen, and families are told apart, as ComfyUI does. None for no transformer
    that is known.
    """
    prefix = _prefix(shapes)
    layers = {
        _KIND.sub("", key.removeprefix(prefix)): shape
        for key, shape in shapes.items()
        if key.startswith(prefix)
    }
    found = next((family for family in TRANSFORMERS if _is(family, layers)), None)
    return (found, prefix) if found else None


def of_workflow(workflow: object) -> Family | None:
    """Return the family of a bundled workflow, given by its path; None for any other."""
    return next((family for family in FAMILIES if family.benchmark(workflow)), None)


def titles(families: Sequence[Known]) -> str:
    """Return the titles of families that a file may be of: `a, b or c`; empty for too many."""
    *others, last = [family.title for family in families]
    if len(others) >= _NAMED:
        return ""
    return f"{', '.join(others)} or {last}" if others else last


def _prefix(keys: Iterable[str]) -> str:
    keys = list(keys)
    counts = {one: sum(key.startswith(one) for key in keys) for one in _OF_TRANSFORMER}
    most = max(counts, key=lambda one: counts[one])
    if counts[most] > _ENOUGH:
        return most
    return "model." if any(key.startswith("model.") for key in keys) else ""


def _is(family: Family, layers: Mapping[str, Shape]) -> bool:
    if any(re.fullmatch(family.without, layer) for layer in layers if family.without):
        return False
    if family.rows and layers.get(family.rows[0], (0,))[0] != family.rows[1]:
        return False
    return all(any(re.fullmatch(one, layer) for layer in layers) for one in family.layers)
