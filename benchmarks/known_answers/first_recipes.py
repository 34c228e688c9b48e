"""The first LoRAs of the suite: the base model's own styles and its own character.

A dose is far from the border of its label, so that the label needs no look at a picture: the
usual training works, a tenth of it is weak, a multiple of its rate or strength destroys, two
pictures seen thousands of times are learnt by heart. What was labelled by eye says so.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from base_model.world import CHARACTER, TARGET_STYLE
from benchmarks.known_answers.recipe import PictureSet, Recipe, Training


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


def _as_then(trainings: Iterator[Training]) -> tuple[Training, ...]:
    """Return them with what was the preset when they were made and judged."""
    preset = {"unet_lr": 4e-3, "text_encoder_lr": 5.5e-3}
    return tuple(replace(training, preset=preset) for training in trainings)


_USUAL, _BESIDE_PLAIN = _as_then(_usual()), _as_then(_beside_plain())
_BY_HEART, _TOO_FAST = _as_then(_by_heart()), _as_then(_too_fast())
_TOO_LITTLE, _UNTOLD = _as_then(_too_little()), _as_then(_untold())
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


def recipes() -> Iterator[Recipe]:
    """Yield the LoRAs that the verdict was first made and tried on; none is held out any more."""
    for training in _USUAL:
        yield Recipe(training, "", "works", True if training.pictures.taught != CHARACTER else None)
    for training in _BESIDE_PLAIN:
        yield Recipe(training, "", "works", leaks=False)
    by_dose = (
        (_BY_HEART, "copies"),
        (_TOO_FAST, "fried"),
        (_TOO_LITTLE, "weak"),
        (_UNTOLD, "fried"),
    )
    for trainings, label in by_dose:
        for training in trainings:
            yield Recipe(training, "", label)
    for number, (change, (label, times)) in enumerate(_CHANGED.items()):
        for step in range(times):
            training = _USUAL[(5 * number + 7 * step) % len(_USUAL)]
            yield Recipe(training, change, label)
