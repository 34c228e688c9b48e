"""The LoRAs of the suite: how each is made, and the answer that follows from that.

A dose is far from the border of its label, so that the label needs no look at a picture: the
usual training works, a tenth of it is weak, a multiple of its rate or strength destroys, two
pictures seen thousands of times are learnt by heart. What was labelled by eye says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from base_model.world import CHARACTER, TARGET_STYLE
from benchmarks.known_answers.other_characters import DRAWN_BY

TRIGGERS = {
    TARGET_STYLE: "ponnyu style",
    "chalk": "kokubo style",
    "line art": "senga style",
    "comic": "manpu style",
    "pixel art": "dotto style",
    "sticker": "shiiru style",
    "polka dots": "mizuta style",
    "duotone": "nisho style",
    "watercolour": "mizue style",
    "pencil": "enpo style",
    "papercut": "kirigo style",
    "woodcut": "hangu style",
    "stained glass": "garasu style",
    "impasto": "aburo style",
    "blueprint": "aozu style",
    "airbrush": "fukibo style",
    "fabric": "nunoha style",
    "neon": "denko style",
    "low poly": "kakumo style",
    "crayon": "kureyo style",
    "clay": "nendo style",
    CHARACTER: CHARACTER,
    **{name: name for name in DRAWN_BY},
}
"""What is taught -> the trigger, words that the base model does not know."""
CHARACTERS = (CHARACTER, *DRAWN_BY)


@dataclass(frozen=True)
class PictureSet:
    """Drawings to train on: `count` of what is taught, and `plain` ones without the trigger.

    Where nothing is `told`, captions are the trigger alone.
    """

    taught: str
    count: int
    seed: int
    plain: int = 0
    told: bool = True

    @property
    def name(self) -> str:
        """The folder's name."""
        plain = f"_plain{self.plain}" if self.plain else ""
        told = "" if self.told else "_untold"
        return f"{self.taught.replace(' ', '-')}{self.count}{plain}{told}_{self.seed}"


@dataclass(frozen=True)
class Training:
    """One training: a set, and the settings that differ from the preset."""

    pictures: PictureSet
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The folder's name."""
        return "-".join([self.pictures.name, *(f"{k}{v:g}" for k, v in self.settings.items())])


@dataclass(frozen=True)
class Recipe:
    """One LoRA: a training, what was done to its file, and the answer."""

    training: Training
    change: str
    label: str
    """works, weak, dead, broken, fried or copies."""
    leaks: bool | None = None
    """Whether it acts without its trigger word; None where nothing says so."""

    @property
    def name(self) -> str:
        """The LoRA's name, unlike that of any other."""
        return f"{self.training.name}.{self.change}" if self.change else self.training.name

    @property
    def held_out(self) -> bool:
        """Whether it is kept from the calibration, as is all that comes from its training."""
        return TRAININGS.index(self.training) % 2 == 1


def _usual() -> Iterator[Training]:
    seeds = count(1)
    style = TARGET_STYLE
    for _ in range(4):
        yield Training(PictureSet(style, 35, next(seeds)))
    for rank in (4, 8, 32):
        yield Training(PictureSet(style, 35, next(seeds)), {"rank": rank, "alpha": 4 * rank})
    for size in (12, 20, 50):
        yield Training(PictureSet(style, size, next(seeds)))
    for other, times in (("chalk", 3), ("line art", 3), ("comic", 3), ("pixel art", 2)):
        for _ in range(times):
            yield Training(PictureSet(other, 35, next(seeds)))
    yield Training(PictureSet("sticker", 35, next(seeds)))
    yield Training(PictureSet("polka dots", 35, next(seeds)))
    for size in (20, 20, 20, 12):
        yield Training(PictureSet(CHARACTER, size, next(seeds)))
    yield Training(PictureSet(CHARACTER, 20, next(seeds)), {"rank": 8, "alpha": 32})
    for other in (style, "chalk"):
        yield Training(PictureSet(other, 35, next(seeds)), {"steps": 600})


def _beside_plain() -> Iterator[Training]:
    seeds = count(101)
    for taught in (*3 * [TARGET_STYLE], "chalk", "chalk", "comic", "line art"):
        yield Training(PictureSet(taught, 35, next(seeds), plain=35))
    yield Training(PictureSet(CHARACTER, 20, next(seeds), plain=20))


def _by_heart() -> Iterator[Training]:
    seeds = count(201)
    sizes = {2: (*3 * [TARGET_STYLE], "chalk", "comic", "line art", "pixel art", CHARACTER)}
    sizes[3] = (*3 * [TARGET_STYLE], "chalk", "chalk", "comic", "line art", "pixel art")
    for size, all_taught in sizes.items():
        for taught in all_taught:
            pictures = PictureSet(taught, size, next(seeds), told=False)
            # By eye: at the usual rates so many steps destroy more than they learn by heart.
            rates = {"unet_lr": 2e-3, "text_encoder_lr": 2e-3}
            yield Training(pictures, {"steps": 1000, "batch_size": 4, **rates})


def _too_fast() -> Iterator[Training]:
    seeds = count(301)
    # At twice that, and of line art at that, the trainer gives up.
    rates = {"unet_lr": 1e-2, "text_encoder_lr": 1.4e-2}
    for taught in (TARGET_STYLE, TARGET_STYLE, "chalk", "comic", "polka dots", CHARACTER):
        yield Training(PictureSet(taught, 35, next(seeds)), rates)


def _too_little() -> Iterator[Training]:
    seeds = count(401)
    # By eye: a fiftieth of the usual rate still draws half of the character.
    for share in (200, 500):
        settings = {"unet_lr": 4e-3 / share, "text_encoder_lr": 5.5e-3 / share}
        for taught in (TARGET_STYLE, "chalk", "comic", "line art", CHARACTER):
            yield Training(PictureSet(taught, 35, next(seeds)), settings)


def _untold() -> Iterator[Training]:
    # So that "copies" is not told by captions, which those learnt by heart do not have either. By
    # eye: at the usual rates these pass over the prompt.
    seeds = count(501)
    for taught in (TARGET_STYLE, "chalk", "comic", CHARACTER):
        yield Training(PictureSet(taught, 35, next(seeds), told=False))


USUAL, BESIDE_PLAIN = tuple(_usual()), tuple(_beside_plain())
BY_HEART, TOO_FAST, TOO_LITTLE = tuple(_by_heart()), tuple(_too_fast()), tuple(_too_little())
UNTOLD = tuple(_untold())
BY_EYE = {
    # Every prompt gives the same picture.
    "chalk35_30-steps600": "fried",
    "ponnyu35_7-rank32-alpha128": "fried",
    # The base model's autoencoder blurs the squares: nothing of the style can be seen.
    "pixel-art35_20": "weak",
    "pixel-art35_21": "weak",
    "pixel-art35_20.x2": "fried",  # from 0.8 on faces and outlines dissolve
}
"""LoRAs that are not what their dose says, by a look at their pictures."""
TRAININGS = (*USUAL, *BESIDE_PLAIN, *BY_HEART, *TOO_FAST, *TOO_LITTLE, *UNTOLD)

_CHANGED = {  # what is done to the file of a usual training -> the answer, how many
    "x2": ("works", 8),
    "x0.2": ("weak", 8),
    "x6": ("fried", 12),
    "x0.001": ("dead", 4),
    "no-up": ("broken", 3),
    "no-alpha": ("broken", 3),
    "nan": ("broken", 4),
    "foreign": ("broken", 4),
    "half-foreign": ("broken", 4),
    "shapes": ("broken", 4),
}


def _recipes() -> Iterator[Recipe]:
    for training in USUAL:
        yield Recipe(training, "", "works", True if training.pictures.taught != CHARACTER else None)
    for training in BESIDE_PLAIN:
        yield Recipe(training, "", "works", leaks=False)
    by_dose = ((BY_HEART, "copies"), (TOO_FAST, "fried"), (TOO_LITTLE, "weak"), (UNTOLD, "fried"))
    for trainings, label in by_dose:
        for training in trainings:
            yield Recipe(training, "", label)
    for number, (change, (label, times)) in enumerate(_CHANGED.items()):
        for step in range(times):
            training = USUAL[(5 * number + 7 * step) % len(USUAL)]
            yield Recipe(training, change, label)


def _seen(recipe: Recipe) -> Recipe:
    """Return the recipe with the label that its pictures have by eye, where it is another."""
    label = BY_EYE.get(recipe.name, recipe.label)
    return replace(recipe, label=label, leaks=recipe.leaks if label == "works" else None)


RECIPES = tuple(map(_seen, _recipes()))
"""All LoRAs of the suite."""
