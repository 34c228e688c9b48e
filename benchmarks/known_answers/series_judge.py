"""The judge of the series: it knows all styles and characters of the suite, by drawings alone.

It has the body of `base_model/judge.py`, and heads of its own.
"""

import re
from pathlib import Path

import numpy as np
import torch

from base_model.judge import Heads, Judge, as_input
from base_model.world import BACKGROUNDS, CHARACTER, STYLES, SUBJECTS
from benchmarks.known_answers.best_weight import OWN_SUBJECT
from benchmarks.known_answers.other_characters import DRAWN_BY
from benchmarks.known_answers.other_hands import HANDS
from benchmarks.known_answers.recipe import CHARACTERS
from lorabench.sweep.pictures import open_rgb
from lorabench.sweep.variants import Variant

HEADS: Heads = {
    "subject": (*SUBJECTS, CHARACTER, *DRAWN_BY),
    "background": BACKGROUNDS,
    "style": (*STYLES, *HANDS),
}
_PLACE = re.compile(rf"({'|'.join(BACKGROUNDS)}) background|\b({'|'.join(BACKGROUNDS)})$")


def wanted(taught: str, variant: Variant) -> dict[str, str]:
    """Return what a picture of a prompt should show: the style and the prompt's subject, or the
    character and the prompt's background."""
    if taught in CHARACTERS:
        return {"subject": taught, "background": background(variant.text or "")}
    subject = variant.name.removeprefix("prompt-") or OWN_SUBJECT
    return {"subject": subject, "style": taught}


def background(prompt: str) -> str:
    """Return the background that a prompt names."""
    found = _PLACE.search(prompt)
    if not found:
        raise ValueError(f"{prompt}: it names no background")
    return found[1] or found[2]


@torch.no_grad()
def chances(jury: Judge, paths: list[Path], shown: list[dict[str, str]]) -> np.ndarray:
    """Return how sure the judge is that each picture shows what it should: a product, 0 to 1."""
    pixels = torch.stack([torch.from_numpy(np.array(open_rgb(path))) for path in paths])
    scores = jury(as_input(pixels.permute(0, 3, 1, 2)))
    sure = {head: values.softmax(1).numpy() for head, values in scores.items()}
    return np.array(
        [
            np.prod([sure[head][row, HEADS[head].index(value)] for head, value in should.items()])
            for row, should in enumerate(shown)
        ]
    )
