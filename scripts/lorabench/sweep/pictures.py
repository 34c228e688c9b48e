"""List and read the pictures of a sweep."""

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TypeVar

from PIL import Image

from lorabench import layout
from lorabench.errors import UserError
from lorabench.sweep.variants import Probe, Variant

Thing = TypeVar("Thing")

REFERENCES = 64
"""This many training pictures describe a style; more take time with a large base model."""


@dataclass(frozen=True, order=True)
class Picture:
    """One picture; they are ordered, and equal, by variant, seed, batch index and weight."""

    variant: str
    """Its folder below `bench/`: the key of its prompt and probe."""
    seed: int
    index: int
    """Its place in the batch."""
    weight: float
    path: Path = field(compare=False)
    prompt: str = field(compare=False, default="")
    """Its prompt's name; empty for the benchmark's own."""
    probe: Probe = field(compare=False, default="")
    lora: str = ""
    """The LoRA's folder below `bench/`, at weight 0 that of pictures without one."""
    baseline: str = ""
    """The folder of the picture at weight 0 with which it is compared."""

    @property
    def noise(self) -> tuple[str, int, int, str]:
        """The same for pictures that start from the same noise and differ in LoRA and weight."""
        return self.variant, self.seed, self.index, self.baseline


def of_variant(variant: Variant, bench: Path, batch_size: int) -> Iterator[Picture]:
    """Yield the pictures of a variant in the folder `bench`, rendered yet or not."""
    shows = variant.prompt, variant.probe
    for weight, seed, index in product(variant.weights, variant.seeds, range(batch_size)):
        folder = variant.folder(weight)
        path = layout.picture(bench, folder, layout.weight_name(weight), seed, index)
        of = variant.of(weight), variant.baseline
        yield Picture(variant.name, seed, index, weight, path, *shows, *of)


def relative(path: Path, folder: Path) -> str:
    """Return the name of the picture at `path` in a table in `folder`."""
    return Path(os.path.relpath(path, folder)).as_posix()


def pictures_of_set(folder: Path | None) -> list[Path]:
    """Return the PNGs of a set in order; `UserError` if a given folder has none."""
    found = sorted(folder.glob("*.png")) if folder else []
    if folder and not found:
        raise UserError(f"{folder}: holds no PNG to compare with")
    return found


def open_rgb(path: Path) -> Image.Image:
    """Read a picture as RGB; raise `UserError` if it is missing or not a picture."""
    with _opened(path) as image:
        return image.convert("RGB")


def size(path: Path) -> tuple[int, int]:
    """Return a picture's width and height from its header; raises as `open_rgb` does."""
    with _opened(path) as image:
        return image.size


def text_chunks(path: Path) -> dict[str, str]:
    """Return the text before a PNG's pixels by keyword; raises as `open_rgb` does."""
    with _opened(path) as image:
        return {str(key): text for key, text in image.info.items() if isinstance(text, str)}


def evenly(things: Sequence[Thing], most: int) -> list[Thing]:
    """Return `most` of `things` at even steps, including the first and the last."""
    if len(things) <= most:
        return list(things)
    return [things[round(place * (len(things) - 1) / (most - 1))] for place in range(most)]


@contextmanager
def _opened(path: Path) -> Generator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError:
        raise UserError(f"{path}: no such picture; render it first") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(
            f"{path}: not a readable picture ({error}); delete it and render it again"
        ) from None
