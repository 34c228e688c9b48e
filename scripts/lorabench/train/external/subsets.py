"""Lay the pictures into folders for a program that counts repeats by folder."""

import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lorabench import files
from lorabench.train.data import Picture
from lorabench.train.external.training import Training


class Subset(NamedTuple):
    """A folder of pictures that are used alike."""

    folder: Path
    pictures: Sequence[Picture]
    repeats: int
    regularizes: bool = False


def trained(training: Training) -> list[Subset]:
    """Return the subsets that are trained on, a folder for each number of repeats.

    Where it is the whole set, all seen alike, that is the set's own folder.
    """
    taken = training.pictures
    learnt = _by_repeats(training, "repeats", taken.pictures)
    if len(learnt) == 1 and not taken.held_out:
        learnt = [learnt[0]._replace(folder=taken.folder / "images")]
    return learnt + _by_repeats(training, "regularization", taken.regularization)


def held_out(training: Training) -> list[Subset]:
    """Return the subsets that the loss is measured on, a folder for each picture.

    Of several in one, sd-scripts would change the order, and with it the noise of each.
    """
    return [
        Subset(training.folder / f"held-out-{number}", [picture], 1)
        for number, picture in enumerate(training.pictures.held_out)
    ]


def lay(training: Training) -> None:
    """Link the pictures and their captions into the folders of the training that it needs."""
    for subset in (*trained(training), *held_out(training)):
        if subset.folder.parent != training.folder:
            continue
        shutil.rmtree(subset.folder, ignore_errors=True)  # of a training that was killed
        subset.folder.mkdir()
        for picture in subset.pictures:
            for path in (picture.path, picture.path.with_suffix(".txt")):
                files.link(path, subset.folder / path.name)


def _by_repeats(training: Training, name: str, pictures: Sequence[Picture]) -> list[Subset]:
    alike = defaultdict(list)
    for picture in pictures:
        alike[picture.repeats].append(picture)
    return [
        Subset(training.folder / f"{name}-{times}", same, times, same[0].regularizes)
        for times, same in sorted(alike.items())
    ]
