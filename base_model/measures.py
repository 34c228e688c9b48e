"""The figures of the evaluation: what is rendered for each, and how it is judged.

Prompts and seeds are running numbers of one random source; nobody picks them.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations, islice
from pathlib import Path
from random import Random
from typing import NamedTuple

import imagehash
import numpy as np
import torch

from base_model import captions, drawings
from base_model.draw_sets import character_caption, character_scenes, style_scenes
from base_model.goals import STRENGTHS
from base_model.judge import Judge
from base_model.rendering import Renderer, as_images
from base_model.train_vae import psnr
from base_model.world import CHARACTER, TARGET_STYLE, Scene, held_out, sample
from lorabench import cli

_JUDGED = ("subject", "color", "background")
_SEED = 2**41
"""Beyond every seed of a training, so that no drawing comes twice."""
_TRIGGERS = (f"{TARGET_STYLE} style", CHARACTER, "sks", "ohwx", "zwirbl art", "Quaxi_v3")
SEEDS_A_PROMPT = 8
_CHARACTER_STRENGTH = 0.8


class Prompts(NamedTuple):
    """Scenes and, for each, a caption of it."""

    scenes: list[Scene]
    texts: list[str]

    def first(self, count: int) -> "Prompts":
        """Return the first `count` of them, or all."""
        return Prompts(self.scenes[:count], self.texts[:count])


def unseen_prompts(count: int) -> Prompts:
    """Return flat scenes of one figure each that neither the UNet nor the style's set has."""
    rng = Random(_SEED)
    known = {_combination(scene) for scene in style_scenes(35)}
    drawn = (sample(rng, other_styles=0) for _ in _forever())
    unseen = (
        scene
        for scene in drawn
        if held_out(scene) and scene.number == 1 and _combination(scene) not in known
    )
    scenes = list(islice(unseen, count))
    words = Random(_SEED)
    return Prompts(scenes, [captions.caption(scene, words) for scene in scenes])


def character_prompts(count: int) -> Prompts:
    """Return scenes of the character that its set does not have, captioned as the set is."""
    rng = Random(_SEED)
    known = {replace(scene, seed=0) for scene in character_scenes(20)}
    drawn = (
        replace(sample(rng, other_styles=0), subject=CHARACTER, color="white", number=1)
        for _ in _forever()
    )
    scenes = list(islice((scene for scene in drawn if replace(scene, seed=0) not in known), count))
    words = Random(_SEED)
    return Prompts(scenes, [character_caption(scene, words) for scene in scenes])


def autoencoder(renderer: Renderer, count: int) -> dict[str, float]:
    """Return the PSNR in dB on `count` unseen drawings each: flat, ponnyu, of all styles."""
    styles = {"flat": "flat", "ponnyu": TARGET_STYLE, "all": None}
    return {
        f"psnr {name}": psnr(
            renderer.vae, drawings.pictures(drawings.scenes(count, _SEED + number, style))
        )
        for number, (name, style) in enumerate(styles.items())
    }


def prompts_followed(judge: Judge, prompts: Prompts, pictures: torch.Tensor) -> dict[str, float]:
    """Return the shares of `pictures` whose subject, color and background are the prompt's."""
    chosen = judge.verdicts(pictures)
    return {
        name: _share(
            verdict == getattr(scene, name)
            for verdict, scene in zip(chosen[name], prompts.scenes, strict=True)
        )
        for name in _JUDGED
    }


def behind_unknown_words(prompts: Prompts) -> Prompts:
    """Return the prompts, each behind a word that means nothing to the base model.

    Every other one is of the kind that authors give their LoRAs, the example sets' own included.
    """
    rng = Random(_SEED + 1)
    texts = [
        f"{rng.choice(_TRIGGERS)}, {text}" if number % 2 else captions.with_unknown_word(text, rng)
        for number, text in enumerate(prompts.texts)
    ]
    return Prompts(prompts.scenes, texts)


def diversity(renderer: Renderer, prompts: Prompts) -> float:
    """Return how much seeds of a prompt differ, as a share of how much fresh drawings of it do.

    Both are mean Hamming distances of the 64-bit perceptual hashes of eight pictures.
    """
    seeds = list(range(SEEDS_A_PROMPT))
    texts = [text for text in prompts.texts for _ in seeds]
    rendered = renderer.render(texts, seeds * len(prompts.texts), "seeds")
    fresh = [replace(scene, seed=_SEED + seed) for scene in prompts.scenes for seed in seeds]
    return _spread(rendered) / _spread(drawings.pictures(fresh))


def style(
    renderer: Renderer, judge: Judge, lora: Path, prompts: Prompts
) -> tuple[dict[str, float], dict[float, torch.Tensor]]:
    """Return what the style LoRA does at each of STRENGTHS, and the pictures by strength."""
    texts = [f"{TARGET_STYLE} style, {text}" for text in prompts.texts]
    figures, pictures = {}, {}
    with renderer.lora(lora):
        for weight in STRENGTHS:
            renderer.strength(weight)
            pictures[weight] = renderer.render(texts, range(len(texts)), f"style LoRA {weight}")
            chosen = judge.verdicts(pictures[weight])["style"]
            figures[f"style {weight}"] = _share(verdict == TARGET_STYLE for verdict in chosen)
            followed = prompts_followed(judge, prompts, pictures[weight])
            figures |= {f"style {name} {weight}": share for name, share in followed.items()}
    return figures, pictures


def character(renderer: Renderer, judge: Judge, lora: Path, prompts: Prompts) -> float:
    """Return the share of pictures with the character LoRA that show the character."""
    with renderer.lora(lora):
        renderer.strength(_CHARACTER_STRENGTH)
        pictures = renderer.render(prompts.texts, range(len(prompts.texts)), "character LoRA")
    return _share(verdict == CHARACTER for verdict in judge.verdicts(pictures)["subject"])


def seconds_a_picture(renderer: Renderer, prompts: Prompts) -> float:
    """Return the mean time of a picture rendered by itself, after one that does not count."""
    renderer.draw(prompts.texts[:1], [0])
    started = time.perf_counter()
    for seed, text in enumerate(cli.bar(prompts.texts, desc="one by one", unit="picture")):
        renderer.draw([text], [seed])
    return (time.perf_counter() - started) / len(prompts.texts)


def _combination(scene: Scene) -> tuple[str, str, str]:
    return scene.subject, scene.color, scene.background


def _forever() -> Iterator[None]:
    while True:
        yield None


def _share(truths: Iterable[bool]) -> float:
    return float(np.mean(list(truths)))


def _spread(pictures: torch.Tensor) -> float:
    """Return the mean distance within each eight of `pictures`, in bits."""
    hashes = [imagehash.phash(image) for image in as_images(pictures)]
    groups = [hashes[i : i + SEEDS_A_PROMPT] for i in range(0, len(hashes), SEEDS_A_PROMPT)]
    return float(np.mean([a - b for group in groups for a, b in combinations(group, 2)]))
