"""Read the normalized set and deal its pictures and captions into batches.

A batch depends only on the seed and its number, so a resumed training replays nothing.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from lorabench import files
from lorabench.dataset import check as set_check
from lorabench.errors import UserError
from lorabench.settings.models import TrainSettings

# Separate streams of random numbers: the order of an epoch, the details of a batch.
ORDER, DETAILS = 0, 1
MULTIPLE = 8  # px; the autoencoder's step
VALIDATIONS = 50
"""About how often a training looks at its held-out pictures at most."""


@dataclass(frozen=True)
class Picture:
    """A PNG of the set, with its (width, height) in px, those of a bucket, and its caption."""

    path: Path
    size: tuple[int, int]
    caption: str
    repeats: int = 1
    regularizes: bool = False
    """Whether it is shown to keep what the base model draws, and not to be learnt."""

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
    regularization: list[Picture] = field(default_factory=list)
    """As many in an epoch as pictures to learn, as sd-scripts has it."""
    held_out: list[Picture] = field(default_factory=list)
    """Pictures of the set that are never trained on: the loss on them is measured."""
    _orders: dict[int, list[list[Picture]]] = field(default_factory=dict, repr=False)

    @cached_property
    def buckets(self) -> dict[tuple[int, int], list[Picture]]:
        """Size (width, height) -> its pictures, each `repeats` times."""
        buckets = defaultdict(list)
        for picture in (*self.pictures, *self.regularization):
            buckets[picture.size] += [picture] * picture.repeats
        return dict(sorted(buckets.items()))

    @cached_property
    def batches_per_epoch(self) -> int:
        """Number of batches in an epoch; the last of a size is short."""
        size = self.settings.batch_size
        return sum(-(-len(pictures) // size) for pictures in self.buckets.values())

    def keeping(self, number: int, epochs: int) -> "TrainingSet":
        """Return the set with settings that keep about `number` of its `epochs`, if none yet."""
        if not number or self.settings.save_every_epochs:
            return self
        every = max(1, round(epochs / number))
        kept = self.settings.model_copy(update={"save_every_epochs": every})
        return replace(self, settings=kept)

    @property
    def all(self) -> list[Picture]:
        """Every picture that is looked at, trained on or not."""
        return [*self.pictures, *self.regularization, *self.held_out]

    @property
    def count(self) -> str:
        """How many pictures there are, in words, and how many an epoch shows if that differs."""
        shown = _shown(self.pictures)
        repeated = f" ({shown} with repeats)" if shown > len(self.pictures) else ""
        beside = (
            f" and {len(self.regularization)} for regularization" if self.regularization else ""
        )
        apart = f", {len(self.held_out)} held out," if self.held_out else ""
        return f"{len(self.pictures)} pictures{repeated}{beside}{apart}"

    def validated_every(self, epochs: int) -> int:
        """Return between how many of all `epochs` the held-out pictures are looked at; 0: never."""
        return max(1, epochs // VALIDATIONS) if self.held_out else 0

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
        """Return the hex SHA-256 of all names, pictures, captions, repeats and uses."""
        total = hashlib.sha256()
        for picture in self.all:
            content = files.sha256(picture.path)
            total.update(f"{picture.path.name}\0{content}\0{picture.caption}\0".encode())
            if picture.repeats > 1:  # so that older digests stay
                total.update(f"{picture.repeats}\0".encode())
            if picture.regularizes:
                total.update(b"regularization\0")
        return total.hexdigest()


def read_set(folder: Path, settings: TrainSettings, reg: Path | None = None) -> TrainingSet:
    """Read the normalized set in `folder`: `images/*.png`, each with a caption `.txt` beside it.

    `reg` is another such set, of regularization pictures. Raises `UserError`: a set was changed
    since it was made, there is no picture, too few to hold some out, or one is unreadable, of a
    size that is no multiple of 8, or without a caption.
    """
    learnt, held_out = _held_out(_read_pictures(folder), settings.validation)
    besides = _dealt(_read_pictures(reg), _shown(learnt)) if reg else []
    return TrainingSet(folder, learnt, settings, besides, held_out)


def _shown(pictures: Sequence[Picture]) -> int:
    """Return how many pictures an epoch shows, repeats counted."""
    return sum(picture.repeats for picture in pictures)


def _held_out(pictures: list[Picture], share: float) -> tuple[list[Picture], list[Picture]]:
    """Part the pictures that are learnt from those that are not.

    The digests of the pictures decide, so that it is the same ones whatever their names are, and
    another picture in the set changes little.
    """
    if not share:
        return pictures, []
    if len(pictures) < 2:
        raise UserError(
            f"train.validation: {share:g}, but the set has one picture, which has to be learnt; "
            "add pictures, or take 0."
        )
    in_order = sorted(pictures, key=lambda picture: files.sha256(picture.path))
    apart = set(in_order[: max(1, round(share * len(pictures)))])
    return [one for one in pictures if one not in apart], [one for one in pictures if one in apart]


def _dealt(pictures: list[Picture], wanted: int) -> list[Picture]:
    """Return regularization pictures with such repeats that an epoch shows `wanted` of them.

    They are taken evenly, each by its folder's repeats: of 100 for 40 two in five.
    """
    shown = [picture for picture in pictures for _ in range(picture.repeats)]
    times = Counter(shown[place * len(shown) // wanted] for place in range(wanted))
    return [replace(one, repeats=n, regularizes=True) for one, n in times.items()]


def _read_pictures(folder: Path) -> list[Picture]:
    set_check.check_unchanged(folder)
    paths = sorted((folder / "images").glob("*.png"))
    if not paths:
        raise UserError(
            f"{folder}: no picture in its folder images/; normalize a raw set first "
            "(scripts/resize_dataset.py)."
        )
    made = set_check.made(folder)
    return [_read_picture(path, _repeats(made.get(path.name, {}))) for path in paths]


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
