"""Read the normalized set and deal its pictures and captions into batches.

A batch depends only on the seed and its number, so a resumed training replays nothing.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from lorabench.dataset import check as set_check
from lorabench.errors import UserError
from lorabench.settings.models import TrainSettings

# Separate streams of random numbers: the order of an epoch, the details of a batch.
ORDER, DETAILS = 0, 1
MULTIPLE = 8  # px; the autoencoder's step


@dataclass(frozen=True)
class Picture:
    """A PNG of the set, with its (width, height) in px, those of a bucket, and its caption."""

    path: Path
    size: tuple[int, int]
    caption: str
    repeats: int = 1

    def pixels(self, mirrored: bool) -> np.ndarray:
        """Return the picture as float32 [3, H, W] in [-1, 1]."""
        with Image.open(self.path) as image:
            array = np.asarray(image.convert("RGB"), dtype=np.float32)
        array = array[:, ::-1] if mirrored else array
        return np.ascontiguousarray((array / 127.5 - 1).transpose(2, 0, 1))


@dataclass(frozen=True)
class Batch:
    """Pictures of one size, whether each is mirrored, and their captions."""

    pictures: list[Picture]
    mirrored: list[bool]
    captions: list[str]


@dataclass(frozen=True)
class TrainingSet:
    """All pictures of a set in order of name, and their batches."""

    folder: Path
    pictures: list[Picture]
    settings: TrainSettings
    _orders: dict[int, list[list[Picture]]] = field(default_factory=dict, repr=False)

    @cached_property
    def buckets(self) -> dict[tuple[int, int], list[Picture]]:
        """Size (width, height) -> its pictures, each `repeats` times."""
        buckets = defaultdict(list)
        for picture in self.pictures:
            buckets[picture.size] += [picture] * picture.repeats
        return dict(sorted(buckets.items()))

    @cached_property
    def batches_per_epoch(self) -> int:
        """Number of batches in an epoch; the last of a size is short."""
        size = self.settings.batch_size
        return sum(-(-len(pictures) // size) for pictures in self.buckets.values())

    @property
    def count(self) -> str:
        """The number of pictures, in words, with that of an epoch if it differs."""
        shown = sum(picture.repeats for picture in self.pictures)
        repeated = f" ({shown} with repeats)" if shown > len(self.pictures) else ""
        return f"{len(self.pictures)} pictures{repeated}"

    def batch(self, number: int) -> Batch:
        """Return batch `number`, counted from 0 through all epochs."""
        epoch, position = divmod(number, self.batches_per_epoch)
        if epoch not in self._orders:
            self._orders.clear()
            self._orders[epoch] = self._order(epoch)
        pictures = self._orders[epoch][position]
        random = np.random.default_rng([self.settings.seed, DETAILS, number])
        mirrored = random.random(len(pictures)) < 0.5
        return Batch(
            pictures,
            [bool(self.settings.flip and mirror) for mirror in mirrored],
            [self._caption(picture.caption, random) for picture in pictures],
        )

    def _order(self, epoch: int) -> list[list[Picture]]:
        random = np.random.default_rng([self.settings.seed, ORDER, epoch])
        size = self.settings.batch_size
        batches = []
        for pictures in self.buckets.values():
            dealt = [pictures[index] for index in random.permutation(len(pictures))]
            batches += [dealt[start : start + size] for start in range(0, len(dealt), size)]
        return [batches[index] for index in random.permutation(len(batches))]

    def _caption(self, caption: str, random: np.random.Generator) -> str:
        if random.random() < self.settings.caption_dropout:
            return ""
        if not self.settings.shuffle_caption:
            return caption
        tags = [tag.strip() for tag in caption.split(",")]
        kept, rest = tags[: self.settings.keep_tokens], tags[self.settings.keep_tokens :]
        return ", ".join([*kept, *(rest[index] for index in random.permutation(len(rest)))])

    def digest(self) -> str:
        """Return the hex SHA-256 of all names, pictures, captions and repeats."""
        total = hashlib.sha256()
        for picture in self.pictures:
            content = hashlib.sha256(picture.path.read_bytes()).hexdigest()
            total.update(f"{picture.path.name}\0{content}\0{picture.caption}\0".encode())
            if picture.repeats > 1:  # so that older digests stay
                total.update(f"{picture.repeats}\0".encode())
        return total.hexdigest()


def read_set(folder: Path, settings: TrainSettings) -> TrainingSet:
    """Read the normalized set in `folder`: `images/*.png`, each with a caption `.txt` beside it.

    Raises `UserError`: the set was edited, there is no picture, or one is unreadable, has a size
    that is no multiple of 8, or has no caption.
    """
    set_check.check_unchanged(folder)
    paths = sorted((folder / "images").glob("*.png"))
    if not paths:
        raise UserError(
            f"{folder}: no picture in its folder images/; normalize a raw set first "
            "(scripts/resize_dataset.py)."
        )
    made = set_check.made(folder)
    pictures = [_read_picture(path, _repeats(made.get(path.name, {}))) for path in paths]
    return TrainingSet(folder, pictures, settings)


def _repeats(row: Mapping[str, str]) -> int:
    """Return the repeats in a picture's row of the log; 1 if the log is older."""
    said = row.get("repeats") or ""
    return int(said) if said.isdecimal() else 1


def _read_picture(path: Path, repeats: int) -> Picture:
    try:
        with Image.open(path) as image:
            size = image.size
        caption = path.with_suffix(".txt").read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: the picture or its caption .txt is unreadable: {error}") from None
    if any(edge % MULTIPLE for edge in size):
        raise UserError(
            f"{path}: {size[0]}x{size[1]} px, but both edges should be multiples of {MULTIPLE}; "
            "normalize the raw set again."
        )
    if not caption:
        raise UserError(f"{path.with_suffix('.txt')}: the caption is empty; write the trigger.")
    return Picture(path, size, caption, repeats)
