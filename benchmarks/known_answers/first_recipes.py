"""The first LoRAs of the suite: the base model's own styles and its own character.

A dose is far from the border of its label, so that the label needs no look at a picture: the
usual training works, a tenth of it is weak, a multiple of its rate or strength destroys, two
pictures seen thousands of times are learnt by heart. What was labelled by eye says so.
"""

from collections.abc import Iterator
from dataclasses import replace

from base_model.world import CHARACTER, TARGET_STYLE
from benchmarks.known_answers.recipe import PictureSet, Recipe, Training


def _usual() -> Iterator[Training]:
    style = TARGET_STYLE
    yield Training(PictureSet(style, 35, 1))
    yield Training(PictureSet(style, 35, 5), {"rank": 4, "alpha": 16})
    yield Training(PictureSet(style, 35, 7), {"rank": 32, "alpha": 128})
    yield Training(PictureSet(style, 12, 8))
    others = {"chalk": 11, "line art": 14, "comic": 17, "pixel art": 20, "sticker": 22}
    for other, seed in {**others, "polka dots": 23}.items():
        yield Training(PictureSet(other, 35, seed))
    yield Training(PictureSet(CHARACTER, 20, 24))
    yield Training(PictureSet(CHARACTER, 12, 27))


def _beside_plain() -> Iterator[Training]:
    yield Training(PictureSet(TARGET_STYLE, 35, 101, plain=35))
    yield Training(PictureSet(CHARACTER, 20, 108, plain=20))


def _by_heart() -> Iterator[Training]:
    # By eye: at the usual rates so many steps destroy more than they learn by heart.
    rates = {"unet_lr": 2e-3, "text_encoder_lr": 2e-3}
    for taught, size, seed in ((TARGET_STYLE, 2, 201), ("comic", 2, 205), ("chalk", 3, 212)):
        pictures = PictureSet(taught, size, seed, told=False)
        yield Training(pictures, {"steps": 1000, "batch_size": 4, **rates})


def _too_fast() -> Iterator[Training]:
    # At twice that, and of line art at that, the trainer gives up.
    rates = {"unet_lr": 1e-2, "text_encoder_lr": 1.4e-2}
    for taught, seed in ((TARGET_STYLE, 301), (CHARACTER, 306)):
        yield Training(PictureSet(taught, 35, seed), rates)


def _too_little() -> Iterator[Training]:
    # By eye: a fiftieth of the usual rate still draws half of the character.
    settings = {"unet_lr": 2e-5, "text_encoder_lr": 2.75e-5}
    for taught, seed in ((TARGET_STYLE, 401), (CHARACTER, 405)):
        yield Training(PictureSet(taught, 35, seed), settings)


def _untold() -> Iterator[Training]:
    # So that "copies" is not told by captions, which those learnt by heart do not have either. By
    # eye: at the usual rates these pass over the prompt.
    for taught, seed in ((TARGET_STYLE, 501), (CHARACTER, 504)):
        yield Training(PictureSet(taught, 35, seed, told=False))


def _as_then(trainings: Iterator[Training]) -> tuple[Training, ...]:
    """Return them with what was the preset when they were made and judged."""
    preset = {"unet_lr": 4e-3, "text_encoder_lr": 5.5e-3}
    return tuple(replace(training, preset=preset) for training in trainings)


_USUAL, _BESIDE_PLAIN = _as_then(_usual()), _as_then(_beside_plain())
_BY_HEART, _TOO_FAST = _as_then(_by_heart()), _as_then(_too_fast())
_TOO_LITTLE, _UNTOLD = _as_then(_too_little()), _as_then(_untold())
BY_EYE = {
    # Every prompt gives the same picture.
    "ponnyu35_7-rank32-alpha128": "fried",
    # The base model's autoencoder blurs the squares: nothing of the style can be seen.
    "pixel-art35_20": "weak",
}
"""LoRAs that are not what their dose says, by a look at their pictures."""

_CHANGED = {  # what is done to the files of usual trainings -> the answer
    "x2": ("works", ("ponnyu35_1", "comic35_17", "mofu20_24")),
    "x0.2": ("weak", ("ponnyu35_1", "line-art35_14", "mofu20_24")),
    "x6": ("fried", ("ponnyu12_8", "chalk35_11", "line-art35_14", "mofu20_24")),
    "x0.001": ("dead", ("ponnyu12_8", "mofu20_24")),
    "no-up": ("broken", ("sticker35_22", "ponnyu12_8")),
    "no-alpha": ("broken", ("sticker35_22", "ponnyu35_1")),
    "nan": ("broken", ("comic35_17", "mofu12_27")),
    "foreign": ("broken", ("comic35_17", "mofu12_27")),
    "half-foreign": ("broken", ("chalk35_11", "mofu12_27")),
    "shapes": ("broken", ("chalk35_11", "polka-dots35_23")),
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
    usual = {training.name: training for training in _USUAL}
    for change, (label, names) in _CHANGED.items():
        for name in names:
            yield Recipe(usual[name], change, label)
