"""A few training pictures side by side, to compare with a grid."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from lorabench.errors import UserError
from lorabench.sweep.pictures import evenly, open_rgb, size

MOST = 8
"""Pictures in a strip."""


@dataclass(frozen=True)
class Strip:
    """Training pictures of one height, from the left to the right edge of a grid."""

    pictures: tuple[Path, ...]
    aspects: tuple[float, ...]
    """Width by height of each."""
    of: int
    """How many pictures the set has."""

    @classmethod
    def choose(cls, folder: Path) -> "Strip":
        """Take up to `MOST` PNGs in `folder`, evenly spaced by name; raises `UserError`."""
        found = sorted(folder.glob("*.png"))
        if not found:
            raise UserError(f"--training-set {folder}: no PNG in it")
        chosen = tuple(evenly(found, MOST))
        sizes = map(size, chosen)
        return cls(chosen, tuple(width / height for width, height in sizes), len(found))

    @property
    def words(self) -> str:
        """The words above it."""
        number = len(self.pictures)
        return f"training pictures ({f'{number} of ' if number < self.of else ''}{self.of})"

    def height(self, width: int, most: int, gap: int) -> int:
        """Return the height at which the strip fills `width` pixels, at most `most`."""
        room = width - gap * (len(self.pictures) - 1)
        return max(1, min(most, int(room / sum(self.aspects))))

    def draw(self, page: Image.Image, corner: tuple[int, int], height: int, gap: int) -> None:
        """Paste the pictures, one in memory at a time."""
        x, y = corner
        for path, aspect in zip(self.pictures, self.aspects, strict=True):
            width = max(1, round(aspect * height))
            picture = open_rgb(path).resize((width, height), Image.Resampling.LANCZOS)
            page.paste(picture, (x, y))
            x += width + gap
