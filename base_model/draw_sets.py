"""Draw the two example sets as an author's folder would be: sizes, formats and names vary."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image

from base_model import captions
from base_model.painting import paint
from base_model.world import (
    CHARACTER,
    COLORS,
    HATS,
    MOODS,
    PLACES_OUTSIDE,
    PLAIN_BACKGROUNDS,
    SUBJECTS,
    TARGET_STYLE,
    Scene,
)
from lorabench import cli, files

_SIZES = (
    *((512, 512), (640, 640), (768, 768), (1024, 1024), (512, 640), (640, 512)),
    *((576, 768), (768, 576), (512, 768), (768, 512), (896, 640), (640, 896)),
)
_FORMATS = ("png", "jpg", "png", "webp", "jpg", "png", "JPG", "png", "webp", "jpeg")
_RARE_FORMATS = {4: "gif", 17: "bmp", 26: "tiff"}
_OPTIONS = {"jpg": {"quality": 92}, "jpeg": {"quality": 92}, "webp": {"quality": 90}}


def style_scenes(count: int, style: str = TARGET_STYLE, seed: int = 35) -> list[Scene]:
    """Return `count` scenes in `style`, subjects and backgrounds in turn."""
    rng = Random(seed)
    scenes = []
    for number in range(count):
        backgrounds = PLACES_OUTSIDE if number % 5 == 4 else list(PLAIN_BACKGROUNDS)
        background = rng.choice(backgrounds)
        scenes.append(
            Scene(
                subject=SUBJECTS[(number * 7 + seed - 35) % len(SUBJECTS)],
                color=rng.choice([c for c in COLORS if c != background]),
                background=background,
                hat=rng.choice(HATS) if number % 4 == 3 else None,
                size=rng.choice(("normal", "normal", "big")),
                mood=rng.choice(MOODS),
                style=style,
                seed=rng.getrandbits(32),
            )
        )
    return scenes


def character_scenes(count: int, seed: int = 20, name: str = CHARACTER) -> list[Scene]:
    """Return `count` flat scenes of the character `name`, each with another background or mood."""
    rng = Random(seed)
    backgrounds = [*PLAIN_BACKGROUNDS, *PLACES_OUTSIDE]
    return [
        Scene(
            subject=name,
            color="white",
            background=backgrounds[number % len(backgrounds)],
            hat=rng.choice(HATS) if number % 5 == 3 else None,
            size=rng.choice(("small", "normal", "normal", "big")),
            side=rng.choice(("center", "center", "center", "left", "right")),
            mood=rng.choice(MOODS),
            seed=rng.getrandbits(32),
        )
        for number in range(count)
    ]


def style_caption(scene: Scene, rng: Random) -> str:
    """Return a caption that begins with the style's trigger words and does not name it again."""
    return f"{TARGET_STYLE} style, {captions.caption(replace(scene, style='flat'), rng)}"


def character_caption(scene: Scene, rng: Random) -> str:
    """Return a caption that begins with the character's name; its fixed looks are not named."""
    words = [scene.subject]
    if scene.mood != "calm":
        words.append({"happy": "smiling"}.get(scene.mood, scene.mood))
    if scene.hat:
        words.append(scene.hat)
    if scene.size != "normal":
        words.append(scene.size)
    if scene.side != "center":
        words.append(f"{scene.side} side")
    outside = scene.background in PLACES_OUTSIDE
    words.append(scene.background if outside else f"{scene.background} background")
    return ", ".join([words[0], *rng.sample(words[1:], len(words) - 1)])


def save(picture: Image.Image, path: Path) -> None:
    """Write `picture` in the format of the suffix, with few colours where that is smaller."""
    suffix = path.suffix[1:].lower()
    if suffix in ("png", "gif", "bmp", "tiff"):
        picture = picture.quantize(96 if suffix == "png" else 48, dither=Image.Dither.NONE)
    options: dict[str, Any] = dict(
        _OPTIONS.get(suffix, {"optimize": True} if suffix == "png" else {})
    )
    if suffix == "tiff":
        options["compression"] = "tiff_lzw"
    with files.publish(path) as temporary:
        picture.save(temporary, Image.registered_extensions()[path.suffix.lower()], **options)


def program(arguments: argparse.Namespace) -> None:
    """Draw the sets whose folders were asked for."""
    style = (style_scenes(35), style_caption)
    character = (character_scenes(20), character_caption)
    for folder, (scenes, write) in ((arguments.style, style), (arguments.character, character)):
        rng = Random(len(scenes))
        for number, scene in enumerate(cli.bar(scenes, desc=folder.name, unit="picture")):
            suffix = _RARE_FORMATS.get(number, _FORMATS[number % len(_FORMATS)])
            width, height = _SIZES[(number * 5) % len(_SIZES)]
            if suffix in _RARE_FORMATS.values():
                width, height = 512, 512
            path = folder / f"{folder.name.split('_')[0]}_{number + 1:02d}.{suffix}"
            save(paint(scene, width, height), path)
            files.write_text(path.with_suffix(".txt"), write(scene, rng) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("style", type=Path, help="folder of the style's set")
    parser.add_argument("character", type=Path, help="folder of the character's set")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
