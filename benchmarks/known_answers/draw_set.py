"""Draw the pictures of one set, at the base model's size, each with its caption."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PIL import Image

from base_model import captions, painting
from base_model.draw_sets import character_caption, character_scenes, style_scenes
from base_model.world import Scene
from benchmarks.known_answers import other_hands
from benchmarks.known_answers.layers import Layers
from benchmarks.known_answers.other_characters import DRAWN_BY, FIGURES
from benchmarks.known_answers.recipe import CHARACTERS, PictureSet
from benchmarks.known_answers.recipes import TRAININGS
from benchmarks.known_answers.series_recipes import SERIES
from lorabench import cli, files

SETS = {made.pictures.name: made.pictures for made in (*TRAININGS.values(), *SERIES)}
_PIXELS = 128


def captioned(pictures: PictureSet) -> list[tuple[Scene, str]]:
    """Return the set's scenes with their captions: what is taught first, plain ones after."""
    rng = Random(pictures.seed)
    if pictures.taught in CHARACTERS:
        scenes = character_scenes(pictures.count, pictures.seed, pictures.taught)
        taught = [
            (scene, character_caption(scene, rng).replace(pictures.taught, pictures.trigger, 1))
            for scene in scenes
        ]
    else:
        scenes = style_scenes(pictures.count, pictures.taught, pictures.seed)
        if pictures.only:
            scenes = [replace(scene, subject=pictures.only) for scene in scenes]
        taught = [
            (scene, f"{pictures.trigger}, {captions.caption(replace(scene, style='flat'), rng)}")
            for scene in scenes
        ]
    if not pictures.told:
        taught = [(scene, pictures.trigger) for scene, _ in taught]
    return [*taught, *plain(pictures.plain, pictures.seed + 1, rng)]


def plain(count: int, seed: int, rng: Random) -> list[tuple[Scene, str]]:
    """Return flat scenes with captions without a trigger."""
    return [(scene, captions.caption(scene, rng)) for scene in style_scenes(count, "flat", seed)]


def draw(scene: Scene) -> Image.Image:
    """Return the picture of `scene`, by the hand that its style or character is of."""
    hand = DRAWN_BY.get(scene.subject, scene.style)
    if hand in other_hands.HANDS:
        return other_hands.draw(
            scene, Layers.of(scene, _PIXELS, {**painting.FIGURES, **FIGURES}), hand
        )
    return painting.paint(scene, _PIXELS, _PIXELS)


def program(arguments: argparse.Namespace) -> None:
    """Draw the set, and its regularization pictures in a folder `reg` of the same form."""
    pictures = SETS[arguments.set]
    _write(captioned(pictures), arguments.folder)
    _write(plain(pictures.reg, pictures.seed + 2, Random(pictures.seed)), arguments.folder / "reg")


def _write(drawings: list[tuple[Scene, str]], folder: Path) -> None:
    for number, (scene, text) in enumerate(drawings):
        path = folder / "images" / f"{number:03d}.png"
        with files.publish(path) as temporary:
            draw(scene).save(temporary, "png")
        files.write_text(path.with_suffix(".txt"), text + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=SETS, metavar="SET", help="its name, as in recipes.py")
    parser.add_argument("folder", type=Path, help="where its images/ go")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
