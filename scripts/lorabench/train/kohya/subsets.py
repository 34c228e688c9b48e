"""The folders that sd-scripts takes the pictures from: there it counts repeats by folder."""

import shutil
from pathlib import Path

from lorabench import files
from lorabench.train.kohya.training import Training


def folders(training: Training) -> dict[int, Path]:
    """Return the folder of the pictures that are seen so many times in an epoch.

    Where all are seen alike it is the set's own.
    """
    repeats = sorted({picture.repeats for picture in training.pictures.pictures})
    if len(repeats) == 1:
        return {repeats[0]: training.pictures.folder / "images"}
    return {number: training.folder / f"repeats-{number}" for number in repeats}


def lay(training: Training) -> None:
    """Link the pictures and their captions into folders of the training, where it needs any."""
    of_repeats = folders(training)
    if len(of_repeats) == 1:
        return
    for folder in of_repeats.values():
        shutil.rmtree(folder, ignore_errors=True)  # of a training that was killed
        folder.mkdir()
    for picture in training.pictures.pictures:
        for path in (picture.path, picture.path.with_suffix(".txt")):
            files.link(path, of_repeats[picture.repeats] / path.name)
