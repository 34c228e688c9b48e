"""The pictures of a sweep: what each shows, where it lies, and how it is read."""

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
"""So many training pictures describe a style; more cost time where the base model is large."""


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
    """What its prompt is called; empty for the benchmark's own."""
    probe: Probe = field(compare=False, default="")

    @property
    def noise(self) -> tuple[str, int, int]:
        """What pictures share that start from the same noise and differ in weight alone."""
        return self.variant, self.seed, self.index


def of_variant(variant: Variant, bench: Path, batch_size: int) -> Iterator[Picture]:
    """Yield the pictures of a variant in the folder `bench`, rendered yet or not."""
    shows = variant.prompt, variant.probe
    for weight, seed, index in product(variant.weights, variant.seeds, range(batch_size)):
        path = layout.picture(bench, variant.folder, layout.weight_name(weight), seed, index)
        yield Picture(variant.name, seed, index, weight, path, *shows)


def relative(path: Path, folder: Path) -> str:
    """Return how a table in `folder` names the picture at `path`."""
    return Path(os.path.relpath(path, folder)).as_posix()


def pictures_of_set(folder: Path | None) -> list[Path]:
    """Return the PNGs of a set in order; `UserError` for a given folder that holds none."""
    found = sorted(folder.glob("*.png")) if folder else []
    if folder and not found:
        raise UserError(f"{folder}: holds no PNG to compare with")
    return found


def open_rgb(path: Path) -> Image.Image:
    """Read a picture whole, as RGB; raise `UserError` if it is missing or no picture."""
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
    """Return `most` of `things` at even steps, the first and the last among them."""
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
