"""What the tests of the trainer share: tiny settings and sets."""

from pathlib import Path

import numpy as np
from PIL import Image

from lorabench.base.stable_diffusion import BUNDLED
from lorabench.settings.models import TrainSettings
from lorabench.settings.validation import validate

TINY = {"rank": 2, "alpha": 1, "steps": 4, "batch_size": 2, "threads": 1, "device": "cpu"}


def settings(**changes) -> TrainSettings:
    """Return settings of a tiny training, some of them changed."""
    if "epochs" in changes:
        changes.setdefault("steps", None)
    return validate(TrainSettings, {**BUNDLED.preset["train"], **TINY, **changes})


def make_set(folder: Path, sizes=((32, 32), (32, 32), (32, 32), (48, 24))) -> Path:
    """Write a normalized set with one picture of random colours for each size."""
    random = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    for number, (width, height) in enumerate(sizes):
        pixels = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        path = folder / "images" / f"p{number}.png"
        Image.fromarray(pixels).save(path)
        path.with_suffix(".txt").write_text(f"ponnyu, cat {number}, red, 立っている", "utf-8")
    return folder
