"""Find pictures that a set holds more than once."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lorabench.dataset.refusals import Refusal

# The perceptual hash sees brightness only. If the average colours differ by more than this (of
# 255, in any channel), pictures are variants, such as another hair colour, and not duplicates.
_SAME_COLOUR = 32


@dataclass(frozen=True)
class Candidate:
    """The features of a picture that are compared, and those that decide which one stays."""

    name: str
    sha256: str
    phash: str
    """64 bits, hex."""
    colour: tuple[int, ...]
    pixels: int
    captioned: bool
    file_size: int


def find_duplicates(candidates: Iterable[Candidate], distance: int) -> dict[str, Refusal]:
    """Return the names of the pictures to leave out, each with the reason.

    The larger picture stays; among equals the one with a caption, then the larger file (a PNG
    before a JPEG made from it), then the first by name, in any order of the candidates. Each is
    compared with those that stay, so a slowly changing series is kept. Near duplicates have a
    similar colour and perceptual hashes that differ in at most `distance` bits; below 0 only equal
    files count.
    """
    reasons: dict[str, Refusal] = {}
    of_digest: dict[str, Candidate] = {}
    for picture in sorted(candidates, key=_worth):
        keeper = of_digest.setdefault(picture.sha256, picture)
        if keeper is not picture:
            reasons[picture.name] = Refusal("same", {"other": keeper.name})
    return reasons if distance < 0 else reasons | _near(list(of_digest.values()), distance)


def _worth(picture: Candidate) -> tuple[int, bool, int, str]:
    return -picture.pixels, not picture.captioned, -picture.file_size, picture.name


def _near(pictures: list[Candidate], distance: int) -> dict[str, Refusal]:
    """Compare each picture's hash with those that stay before it, in one vector operation."""
    reasons: dict[str, Refusal] = {}
    kept: list[Candidate] = []
    hashes = np.empty(len(pictures), np.uint64)
    for picture in pictures:
        phash = np.uint64(int(picture.phash, 16))
        differing = np.bitwise_count(hashes[: len(kept)] ^ phash)
        near = [i for i in np.flatnonzero(differing <= distance) if _like(kept[i], picture)]
        if near:
            nearest = min(near, key=lambda i: differing[i])
            other, bits = kept[nearest].name, int(differing[nearest])
            reasons[picture.name] = Refusal("similar", {"other": other, "distance": bits})
        else:
            hashes[len(kept)] = phash
            kept.append(picture)
    return reasons


def _like(one: Candidate, other: Candidate) -> bool:
    return all(abs(a - b) <= _SAME_COLOUR for a, b in zip(one.colour, other.colour, strict=True))
