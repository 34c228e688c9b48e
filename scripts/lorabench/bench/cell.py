"""One picture of a sweep: the variant, weight, seed and batch index that its path tells."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from PIL import Image

from lorabench.bench import variants
from lorabench.errors import UserError

REFERENCES = 64
"""So many training pictures describe a style; more cost time where the base model is large."""
_PATH = re.compile(r"(?:^|/)w(-?\d+(?:\.\d+)?)/seed(\d+)_(\d+)\.png$")


@dataclass(frozen=True, order=True)
class Cell:
    """One picture; cells are ordered, and equal, by variant, seed, batch index and weight."""

    variant: str
    """Its folder below `bench/`; empty for the benchmark's own prompt."""
    seed: int
    index: int
    weight: float
    path: Path = field(compare=False)

    @classmethod
    def parse(cls, path: Path) -> "Cell":
        """Read `…/w0.40/seed7_00.png` or `…/prompt-cat/w0.40/seed7_00.png`.

        Raises:
            UserError: the path has another form.
        """
        match = _PATH.search(path.as_posix())
        if not match:
            raise UserError(
                f"{path}: not a picture of a sweep; its path must end like w0.40/seed7_00.png "
                "(weight, seed, place in the batch)"
            )
        weight, seed, index = match.groups()
        above = path.parent.parent.name
        variant = above if variants.FOLDER.fullmatch(above) else ""
        return cls(variant, int(seed), int(index), float(weight), path)


def sweep(pictures: Iterable[Path]) -> list[Cell]:
    """Return the cells of `pictures` in order.

    Raises `UserError` for a path that is none of a cell and for two pictures of one cell.
    """
    cells = sorted(map(Cell.parse, pictures))
    for one, other in pairwise(cells):
        if one == other:
            raise UserError(f"two pictures for one cell: {one.path} and {other.path}")
    return cells


def relative(path: Path, folder: Path) -> str:
    """Return how a table in `folder` names the picture at `path`."""
    return Path(os.path.relpath(path, folder)).as_posix()


def pictures_of_set(folder: Path | None) -> list[Path]:
    """Return the PNGs of a set in order; none where no folder was given.

    Raises:
        UserError: a folder was given, and holds none.
    """
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
    """Return a PNG's text by keyword, empty for other pictures; raises as `open_rgb` does."""
    with _opened(path) as image:
        return getattr(image, "text", {})


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError:
        raise UserError(f"{path}: no such picture; render it first") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(
            f"{path}: not a readable picture ({error}); delete it and render it again"
        ) from None
