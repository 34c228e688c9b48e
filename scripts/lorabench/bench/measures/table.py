"""Measure a sweep in several processes: a row per picture."""

from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from lorabench import cli
from lorabench.bench.measures import descriptors, likeness, metrics, structure
from lorabench.bench.measures.columns import BESIDE, LORA, METRICS, PLACE
from lorabench.bench.measures.copies import TrainingPictures
from lorabench.bench.measures.metrics import Pixels
from lorabench.bench.measures.style import Axis
from lorabench.errors import UserError
from lorabench.sweep.pictures import Picture, open_rgb, relative, size

COLUMNS = [*PLACE, *(metric.column for metric in METRICS), *BESIDE]


@dataclass(frozen=True)
class Measured:
    """One picture: its row, and the descriptors that complete it."""

    picture: Picture
    row: dict[str, Any]
    descriptors: np.ndarray
    patches: np.ndarray
    figure: np.ndarray


def measure(
    pictures: Sequence[Picture],
    folder: Path,
    *,
    training: Sequence[Path] = (),
    reference: Sequence[Path] = (),
    processes: int = 1,
) -> pd.DataFrame:
    """Return a row per picture with `COLUMNS`, in their order; files are named from `folder`.

    `training` are the training pictures, for copies; `reference` the same as the base model can
    render them (`reference.py`), for the style. Values without a comparison are empty. Raises
    `UserError` for a picture that is missing, unreadable, or of another size than at weight 0.
    """
    in_order = sorted(pictures, key=lambda one: (one.noise, one))
    groups = [list(group) for _, group in groupby(in_order, lambda one: one.noise)]
    area = min(descriptors.SIDE**2, int(np.prod(size(pictures[0].path))))
    work = partial(_measure, area=area, folder=folder)
    with (
        _pool(processes, training, area) as pool,
        cli.bar(total=len(pictures), desc="measuring", unit="picture") as bar,
    ):
        taught = list(pool(partial(_describe, area=area), reference))
        figures = list(pool(_figure, reference))
        measured: list[Measured] = []
        for group in pool(work, groups):
            measured += group
            bar.update(len(group))
    rows = [one.row for one in measured]
    _add_prompt(measured)
    if taught:
        _add_style(measured, np.stack(taught))
        _add_likeness(measured, figures)
    several = any(one.lora for one in pictures)
    columns = [LORA, *COLUMNS] if several else COLUMNS
    return pd.DataFrame(rows, columns=columns).astype({"hash_distance": "Int64"})


def _add_style(measured: Sequence[Measured], taught: np.ndarray) -> None:
    """Complete the rows with the way of each picture to `taught`, which needs all pictures."""
    base = {one.picture.noise: one for one in measured if one.picture.weight == 0}
    asked = [one.descriptors for one in base.values() if not one.picture.probe]
    if not asked:
        return
    axis = Axis.between(np.stack(asked), taught)
    for one in measured:
        without = base.get(one.picture.noise)
        shift = one.descriptors - without.descriptors if without else None
        one.row["outside"] = axis.outside(one.descriptors, shift)
        if shift is not None:
            one.row["style_gained"] = axis.gained(shift)
            one.row["style_beside"] = axis.beside(shift)


def _add_likeness(measured: Sequence[Measured], taught: Sequence[np.ndarray]) -> None:
    """Complete the rows by how like the training set the figures are, where it shares one."""
    base = [one.figure for one in measured if not one.picture.weight and not one.picture.probe]
    if len(taught) < 2 or not base:
        return
    figures = likeness.Figures(taught, base)
    for one in measured:
        one.row["likeness"] = figures.likeness(one.figure)


def _add_prompt(measured: Sequence[Measured]) -> None:
    """Complete the rows by whether each picture shows its own prompt, rather than another."""
    asked = sorted((one for one in measured if not one.picture.probe), key=_seed)
    for _, group in groupby(asked, _seed):
        pictures = list(group)
        base = {one.picture.variant: one.patches for one in pictures if one.picture.weight == 0}
        if len(base) < 2:
            continue
        prompts = structure.Prompts(base)
        for one in pictures:
            if one.picture.variant in base:
                one.row["prompt_kept"] = prompts.kept(one.picture.variant, one.patches)


def _seed(measured: Measured) -> tuple[int, int, str]:
    return measured.picture.seed, measured.picture.index, measured.picture.baseline


# ---------------------------------------------------------------- in each process

_training: TrainingPictures | None = None


@contextmanager
def _pool(processes: int, training: Sequence[Path], area: int) -> Generator[Any]:
    """Yield a `map` over processes that hold the training pictures."""
    if processes == 1:
        _start(training, area)
        yield map
        return
    with ProcessPoolExecutor(processes, initializer=_start, initargs=(training, area)) as pool:
        yield pool.map


def _start(training: Sequence[Path], area: int) -> None:
    global _training
    _training = None
    if training:
        images = (descriptors.fitted(open_rgb(path), area) for path in training)
        _training = TrainingPictures(training, images)


def _describe(path: Path, area: int) -> np.ndarray:
    return descriptors.describe(descriptors.fitted(open_rgb(path), area))


def _figure(path: Path) -> np.ndarray:
    return likeness.figure(open_rgb(path))


@dataclass(frozen=True)
class Reference:
    """The picture at weight 0, with which others from the same noise are compared."""

    pixels: Pixels
    described: dict[str, float]
    signature: np.ndarray
    similarity: float | None
    """To the nearest training picture, if there are any."""

    @classmethod
    def of(cls, image: Image.Image) -> "Reference":
        """Measure the picture at weight 0, once for all of its weights."""
        similarity = _training.nearest(image).similarity if _training else None
        pixels = Pixels.of(image)
        described = metrics.describe(pixels)
        signature = structure.signature(structure.patches(image))
        return cls(pixels, described, signature, similarity)


def _measure(group: Sequence[Picture], area: int, folder: Path) -> list[Measured]:
    """Measure the pictures from one noise, with the one at weight 0 in memory."""
    baseline = next((picture for picture in group if picture.weight == 0), None)
    reference = Reference.of(open_rgb(baseline.path)) if baseline else None
    return [_measure_one(picture, reference, area, folder) for picture in group]


def _measure_one(
    picture: Picture, reference: Reference | None, area: int, folder: Path
) -> Measured:
    image = open_rgb(picture.path)
    pixels = Pixels.of(image)
    if reference and pixels.rgb.shape != reference.pixels.rgb.shape:
        raise UserError(
            f"{picture.path}: {_size(pixels)} pixels, but its picture at weight 0 has "
            f"{_size(reference.pixels)}; delete the one from another sweep, and the same command "
            "renders it again"
        )
    described = metrics.describe(pixels)
    patches = structure.patches(image)
    row = {
        **{name: getattr(picture, name) for name in (LORA, *PLACE) if name != "file"},
        "file": relative(picture.path, folder),
        "hash": str(pixels.hash),
        "coherence": structure.coherence(patches),
        **described,
        **(_compared(pixels, described, patches, reference) if reference else {}),
        **_copied(image, reference, folder),
    }
    numbers = descriptors.describe(descriptors.fitted(image, area))
    return Measured(picture, row, numbers, patches, likeness.figure(image))


def _compared(
    pixels: Pixels, described: dict[str, float], patches: np.ndarray, reference: Reference
) -> dict[str, float]:
    return {
        **metrics.compare(pixels, reference.pixels),
        **metrics.drift(described, reference.described),
        "structure": structure.kept(structure.signature(patches), reference.signature),
    }


def _copied(image: Image.Image, reference: Reference | None, folder: Path) -> dict[str, Any]:
    if not _training:
        return {}
    found = _training.nearest(image)
    before = reference.similarity if reference else None
    return {
        "copy_similarity": found.similarity,
        "copy_excess": None if before is None else found.similarity - before,
        "nearest": relative(found.path, folder),
        "nearest_mirrored": found.mirrored,
    }


def _size(pixels: Pixels) -> str:
    height, width = pixels.grey.shape
    return f"{width} × {height}"
