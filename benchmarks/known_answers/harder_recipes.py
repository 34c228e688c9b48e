"""LoRAs that the verdict had not seen: other hands, default settings, and what spoils a training.

Two thirds are held out from every limit. Where a dose says nothing sure, the label is empty until
the pictures have been looked at; `looks.yaml` has what was seen, written down before any score.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, zip_longest

from benchmarks.known_answers.recipe import CHARACTERS, PictureSet, Recipe, Training

_SIZES = {
    **{"duotone": 35, "watercolour": 40, "papercut": 20, "woodcut": 30, "stained glass": 35},
    **{"neon": 24, "airbrush": 60, "clay": 12, "pirika": 20, "gonta": 12, "zuzu": 30, "kappo": 16},
    **{"pencil": 30, "impasto": 40, "blueprint": 20, "fabric": 35, "low poly": 50, "crayon": 25},
    **{"gouache": 35, "brush pen": 16, "luno": 24},
}
"""What is taught at default settings, and by how many pictures."""
_FORMER = {"unet_lr": 4e-3, "text_encoder_lr": 5.5e-3}
"""The rates of an earlier preset: good for the example set, too strong for others."""


def _usual() -> Iterator[Training]:
    for seed, (taught, size) in enumerate(_SIZES.items(), start=601):
        yield Training(PictureSet(taught, size, seed))


def _strong() -> Iterator[Training]:
    """Train some of the same sets at the former rates."""
    for seed, (taught, size) in enumerate(_SIZES.items(), start=601):
        if taught in ("duotone", "pirika", "watercolour", "neon", "crayon", "gonta", "low poly"):
            yield Training(PictureSet(taught, size, seed), _FORMER)


def _half() -> Iterator[Training]:
    """Stop where half of the steps at the former rates are done: their schedule is longer."""
    seeds = count(701)
    for taught in ("duotone", "airbrush", "brush pen", "papercut", "zuzu", "blueprint"):
        yield Training(PictureSet(taught, 35, next(seeds)), {**_FORMER, "steps": 190})


def _untold() -> Iterator[Training]:
    seeds = count(711)
    for taught in ("gouache", "clay", "woodcut", "kappo", "watercolour", "duotone"):
        yield Training(PictureSet(taught, 30, next(seeds), told=False))


def _few() -> Iterator[Training]:
    seeds = count(721)
    for taught, size in (
        ("neon", 3),
        ("papercut", 5),
        ("luno", 4),
        ("airbrush", 2),
        ("crayon", 4),
        ("zuzu", 3),
    ):
        yield Training(PictureSet(taught, size, next(seeds)))


def _one_subject() -> Iterator[Training]:
    seeds = count(731)
    for taught, subject in (
        *(("stained glass", "cat"), ("clay", "bear"), ("duotone", "frog")),
        *(("brush pen", "house"), ("watercolour", "flower"), ("blueprint", "robot")),
    ):
        yield Training(PictureSet(taught, 25, next(seeds), only=subject))


def _wrong_trigger() -> Iterator[Training]:
    seeds = count(741)
    for taught in ("papercut", "low poly", "pirika", "pencil", "gonta", "clay"):
        yield Training(PictureSet(taught, 25, next(seeds), called="hadone"))


def _beside_plain() -> Iterator[Training]:
    seeds = count(751)
    for taught in ("clay", "gouache", "luno", "neon"):
        yield Training(PictureSet(taught, 25, next(seeds), plain=25))


def _regularized() -> Iterator[Training]:
    seeds = count(781)
    for taught in ("clay", "gouache", "luno", "duotone", "pirika", "airbrush"):
        yield Training(PictureSet(taught, 25, next(seeds), reg=25))


def _too_little() -> Iterator[Training]:
    seeds = count(761)
    rates = {"unet_lr": 1e-5, "text_encoder_lr": 1e-5}
    for taught in ("impasto", "gouache", "zuzu", "stained glass"):
        yield Training(PictureSet(taught, 25, next(seeds)), rates)


def _by_heart() -> Iterator[Training]:
    seeds = count(771)
    for taught in ("clay", "duotone"):
        yield Training(PictureSet(taught, 2, next(seeds), told=False), {"steps": 1000})


_CHANGED = (
    *(("x0.15", "weak", taught) for taught in ("impasto", "fabric", "kappo")),
    *(("x8", "fried", taught) for taught in ("stained glass", "low poly", "luno")),
    *(("x2", "", taught) for taught in ("woodcut", "pirika", "gouache", "airbrush")),
)
"""What is done to the file of a usual training, the answer, and what that training taught."""


def recipes() -> Iterator[Recipe]:
    """Yield the LoRAs, kinds in turn, so that a part of them says something of each."""
    usual = {training.pictures.taught: training for training in _held_out(_usual())}
    kinds = (
        [_recipe(training) for training in usual.values()],
        [_recipe(training) for training in _held_out(_strong())],
        [_recipe(training) for training in _held_out(_half())],
        [_recipe(training) for training in _held_out(_untold())],
        [_recipe(training) for training in _held_out(_few())],
        [_recipe(training) for training in _held_out(_one_subject())],
        [_recipe(training) for training in _held_out(_wrong_trigger())],
        [_recipe(training) for training in _held_out(_beside_plain())],
        [_recipe(training) for training in _held_out(_regularized())],
        [_recipe(training, "weak") for training in _held_out(_too_little())],
        [_recipe(training, "copies") for training in _held_out(_by_heart())],
        [Recipe(usual[taught], change, label) for change, label, taught in _CHANGED],
    )
    for turn in zip_longest(*kinds):
        yield from (recipe for recipe in turn if recipe)


def _recipe(training: Training, label: str = "") -> Recipe:
    taught = training.pictures.taught
    leaks = None if taught in CHARACTERS else not (training.pictures.plain or training.pictures.reg)
    return Recipe(training, "", label, leaks)


def _held_out(trainings: Iterator[Training]) -> Iterator[Training]:
    """Yield them, two of three sets held out."""
    for training in trainings:
        yield replace(training, held_out=training.pictures.seed % 3 != 0)
