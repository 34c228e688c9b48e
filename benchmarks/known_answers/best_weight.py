"""Which weight of a LoRA is best, by a judge that knows what was taught: `base_model/judge/`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from base_model.judge import HEADS, Judge, as_input
from base_model.world import CHARACTER
from benchmarks.known_answers.render import plan
from lorabench import layout
from lorabench.sweep.pictures import open_rgb

OWN_SUBJECT = "mushroom"


@torch.no_grad()
def scores(jury: Judge, taught: str, bench: Path) -> dict[float, np.ndarray]:
    """Return for each weight how sure the judge is of what was taught and of the subject.

    A score is of one picture, in the order of prompts and seeds: the probability of the style times
    that of the prompt's subject; for the character, of the character.
    """
    found: dict[float, list[float]] = {}
    for variant in plan(taught):
        if variant.probe:
            continue
        subject = variant.name.removeprefix("prompt-") or OWN_SUBJECT
        for weight in variant.weights:
            for seed in variant.seeds:
                folder = bench / variant.name / f"w{layout.weight_name(weight)}"
                path = folder / f"seed{seed}_00.png"
                found.setdefault(weight, []).append(_score(jury, taught, subject, path))
    return {weight: np.array(values) for weight, values in found.items()}


def best(scored: Mapping[float, np.ndarray]) -> list[float]:
    """Return the weights above 0 that are best: none is more than a standard error below another.

    The error is that of the mean difference to the highest mean, picture by picture.
    """
    above = {weight: score for weight, score in scored.items() if weight}
    top = max(above.values(), key=np.mean)
    behind = {weight: top - score for weight, score in above.items()}
    return [weight for weight, less in behind.items() if less.mean() <= _standard_error(less)]


def usable(scored: Mapping[float, np.ndarray]) -> list[float]:
    """Return the weights above 0 whose mean is at least half of the highest one."""
    means = {weight: float(score.mean()) for weight, score in scored.items() if weight}
    return [weight for weight, mean in means.items() if mean >= max(means.values()) / 2]


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / len(values) ** 0.5)


def _score(jury: Judge, taught: str, subject: str, path: Path) -> float:
    pixels = torch.from_numpy(np.array(open_rgb(path))).permute(2, 0, 1)[None]
    chances = {head: score.softmax(1)[0] for head, score in jury(as_input(pixels)).items()}
    if taught == CHARACTER:
        return float(chances["subject"][HEADS["subject"].index(CHARACTER)])
    style = chances["style"][HEADS["style"].index(taught)]
    return float(style * chances["subject"][HEADS["subject"].index(subject)])
