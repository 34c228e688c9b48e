"""Series: trainings of which several epochs are kept, from too short to far too long.

Each style and each character is in one half alone, so what is held out shares nothing with the
other half but the base model. The doses were set before any pick was seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

from base_model.world import CHARACTER, TARGET_STYLE
from benchmarks.known_answers.recipe import CHARACTERS, PictureSet

BATCH = 8
LORA = "lora"
"""The files are this, a hyphen and the epoch, the last without: as kohya's and our trainer's."""


@dataclass(frozen=True)
class Dose:
    """How strongly is trained."""

    name: str
    unet_lr: float
    text_encoder_lr: float
    scheduler: str


GENTLE = Dose("gentle", 1.3e-3, 4e-4, "constant")
USUAL = Dose("usual", 3e-3, 1e-3, "cosine")
"""The preset of the bundled model."""
STRONG = Dose("strong", 4e-3, 5.5e-3, "constant")
HOT = Dose("hot", 8e-3, 8e-3, "constant")


@dataclass(frozen=True)
class Series:
    """One training: `kept` states of it, one after each `every` epochs of the set."""

    pictures: PictureSet
    dose: Dose
    every: int
    kept: int
    held_out: bool

    @property
    def name(self) -> str:
        """The folder's name, unlike that of any other."""
        return f"{self.pictures.name}-{self.dose.name}"

    @property
    def is_character(self) -> bool:
        """Whether a character is taught, and not a style."""
        return self.pictures.taught in CHARACTERS

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs that are kept."""
        return tuple(self.every * number for number in range(1, self.kept + 1))

    @property
    def steps(self) -> int:
        """How many steps the whole training has."""
        return self.epochs[-1] * ceil(self.pictures.count / BATCH)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of its training; all others are the bundled model's."""
        return {
            "unet_lr": self.dose.unet_lr,
            "text_encoder_lr": self.dose.text_encoder_lr,
            "scheduler": self.dose.scheduler,
            "batch_size": BATCH,
            "epochs": self.epochs[-1],
            "save_every_epochs": self.every,
        }

    def stem(self, epoch: int) -> str:
        """Return the name of the LoRA after `epoch`, without suffix."""
        return LORA if epoch == self.epochs[-1] else f"{LORA}-{epoch:06d}"

    def file(self, epoch: int) -> str:
        """Return the file of the LoRA after `epoch`."""
        return f"{self.stem(epoch)}.safetensors"

    def epoch_of(self, key: str) -> int:
        """Return the epoch of a LoRA by its key in a verdict: its stem, and what comes after."""
        return next(epoch for epoch in self.epochs if key.startswith(self.stem(epoch)))


def _doses() -> Iterator[tuple[bool, Dose, str, int, int, int, bool]]:
    """Yield whether it is held out, the dose, what is taught and by how many pictures, every how
    many epochs and how many are kept, and whether there are captions; kinds in turn."""
    yield True, STRONG, "neon", 24, 18, 8, True
    yield False, STRONG, "blueprint", 20, 16, 8, True
    yield True, USUAL, "duotone", 35, 9, 8, True
    yield False, USUAL, "woodcut", 30, 11, 8, True
    yield True, HOT, "fabric", 35, 6, 7, True
    yield False, HOT, "brush pen", 16, 15, 7, True
    yield True, GENTLE, "watercolour", 40, 8, 6, True
    yield False, GENTLE, "pencil", 30, 10, 6, True
    yield True, STRONG, CHARACTER, 20, 16, 8, True
    yield False, STRONG, "luno", 24, 16, 8, True
    yield True, STRONG, "polka dots", 35, 9, 8, False
    yield False, STRONG, "comic", 35, 9, 8, False
    yield True, USUAL, TARGET_STYLE, 35, 9, 8, True
    yield False, USUAL, "pirika", 20, 15, 7, True
    yield True, STRONG, "clay", 12, 24, 8, True
    yield False, STRONG, "low poly", 32, 12, 8, True
    yield True, GENTLE, "zuzu", 30, 10, 6, True
    yield False, GENTLE, "kappo", 16, 16, 6, True
    yield True, USUAL, "stained glass", 35, 9, 7, False
    yield False, USUAL, "airbrush", 32, 11, 7, False
    yield True, HOT, "sticker", 35, 6, 7, True
    yield False, HOT, "line art", 35, 6, 7, True
    yield True, USUAL, "gonta", 12, 22, 7, True
    yield False, USUAL, "impasto", 35, 9, 7, True
    yield True, STRONG, "crayon", 5, 45, 8, True
    yield False, STRONG, "gouache", 35, 9, 8, True
    yield True, GENTLE, "papercut", 20, 12, 6, True
    yield False, GENTLE, "chalk", 35, 6, 6, True


SERIES = tuple(
    Series(PictureSet(taught, count, seed, told=told), dose, every, kept, held_out)
    for seed, (held_out, dose, taught, count, every, kept, told) in enumerate(_doses(), start=801)
)
"""All series, in the order in which they are worth having."""
NAMED = {series.name: series for series in SERIES}
