"""Drawings as a network takes them: random scenes of every kind, painted into one tensor."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import numpy as np
import torch

from base_model.networks import PIXELS
from base_model.painting import paint
from base_model.world import CHARACTER, Scene, sample


def scenes(
    count: int, seed: int, style: str | None = None, target_style: float = 0.35
) -> list[Scene]:
    """Return `count` random scenes in `style` or, without it, in all styles.

    They show all subjects, one in 25 the character, which the UNet never sees; the share
    `target_style` (0 to 1) is drawn in the style that it never sees either.
    """
    rng = Random(seed)
    return [_scene(rng, style, target_style) for _ in range(count)]


def pictures(shown: Sequence[Scene]) -> torch.Tensor:
    """Return the scenes painted, as uint8 [scenes, 3, PIXELS, PIXELS]."""
    painted = [np.asarray(paint(scene, PIXELS, PIXELS)) for scene in shown]
    return torch.from_numpy(np.stack(painted)).permute(0, 3, 1, 2)


def _scene(rng: Random, style: str | None, target_style: float) -> Scene:
    scene = sample(rng, other_styles=0.15, target_style=target_style)
    subject = CHARACTER if rng.random() < 0.04 else scene.subject
    return replace(scene, subject=subject, style=style or scene.style)
