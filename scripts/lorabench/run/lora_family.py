"""The family of a LoRA whose base model is not here: on a ComfyUI, only the server needs that."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lorabench.base import families, header
from lorabench.base.family import Family
from lorabench.base.stable_diffusion import SD15
from lorabench.errors import UserError
from lorabench.layout import RUNS
from lorabench.lora import family, modules
from lorabench.lora.names import place
from lorabench.run import given_loras


def find(given: Any) -> Family:
    """Return the family of the LoRA that is benched by the settings `given`.

    Names that are no family's are those of `families.OTHER`. What is wrong with a file is said
    where it is read.
    """
    for path in _files(given):
        try:
            tensors, _ = header.read(path)
        except UserError:
            continue
        shapes = {key: tuple(tensor["shape"]) for key, tensor in tensors.items()}
        contents = modules.describe(shapes)
        found = family.of(contents.modules, shapes)
        if isinstance(found, Family):
            return found
        if not any(place(one.name)[0] == "unet" for one in contents.modules):
            return families.OTHER
        break
    return SD15  # most that show no width are


def _files(given: Any) -> Iterator[Path]:
    if named := given.get("lora"):
        yield from given_loras.files(named)
    else:
        yield from sorted(RUNS.glob(f"{given.get('run_id')}/train/*.safetensors"))
