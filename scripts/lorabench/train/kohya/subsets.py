"""Lay the pictures into folders for sd-scripts, which counts repeats by folder."""

import shutil
from pathlib import Path

from lorabench import files
from lorabench.train.kohya.training import Training


def folders(training: Training) -> dict[int, Path]:
    """Return the folder for each number of repeats; the set's own if there is only one number."""
    repeats = sorted({picture.repeats for picture in training.pictures.pictures})
    if len(repeats) == 1:
        return {repeats[0]: training.pictures.folder / "images"}
    return {number: training.folder / f"repeats-{number}" for number in repeats}


def lay(training: Training) -> None:
    """Link the pictures and captions into the training's folders, if it has more than one."""
    of_repeats = folders(training)
    if len(of_repeats) == 1:
        return
    for folder in of_repeats.values():
        shutil.rmtree(folder, ignore_errors=True)  # of a training that was killed
        folder.mkdir()
    for picture in training.pictures.pictures:
        for path in (picture.path, picture.path.with_suffix(".txt")):
            files.link(path, of_repeats[picture.repeats] / path.name)
