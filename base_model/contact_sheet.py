"""Render prompts with an exported model and put the pictures on one sheet, to be looked at."""

import argparse
import sys
import textwrap
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image, ImageDraw

from base_model.inputs import positive
from base_model.networks import PIXELS
from base_model.rendering import Renderer, as_images
from lorabench import cli, files

PROMPTS = (
    "a red cat on a blue background",
    "a happy brown dog in a meadow",
    "a white rabbit wearing a top hat on a pink background",
    "gray bear, crown, snow",
    "a green frog on a purple background",
    "a yellow bird on a green background",
    "an orange fish on a white background",
    "a blue turtle on the beach",
    "a red house in the snow",
    "purple tree, yellow background",
    "a blue car on the left on a gray background",
    "a white boat on an orange background",
    "a big pink flower on a blue background",
    "two red mushrooms in a meadow",
    "a yellow star at night",
    "zorvi style, green robot, pink background",
)
_CELL = PIXELS + 4
_TITLE = 48
_LETTER = 6
"""Pixels: a picture with its gap, the four lines of a title, the widest letter of a title."""

Strip = tuple[str, Sequence[Image.Image]]
"""A title and the pictures that stand side by side below it."""


def draw_sheet(strips: Sequence[Strip], columns: int) -> Image.Image:
    """Return the strips one after another, like words on lines of `columns` pictures."""
    places, row, column = [], 0, 0
    for _, pictures in strips:
        if column and column + len(pictures) > columns:
            row, column = row + 1, 0
        places.append((column * _CELL, row * (_CELL + _TITLE)))
        column += len(pictures)
    sheet = Image.new("RGB", (columns * _CELL, (row + 1) * (_CELL + _TITLE)), "white")
    pen = ImageDraw.Draw(sheet)
    for (title, pictures), (x, y) in zip(strips, places, strict=True):
        lines = textwrap.wrap(title, len(pictures) * _CELL // _LETTER)
        pen.text((x + 2, y), "\n".join(lines[:4]), "black", spacing=0)
        for number, picture in enumerate(pictures):
            sheet.paste(picture, (x + number * _CELL, y + _TITLE))
    return sheet


def save_sheet(sheet: Image.Image, path: Path) -> None:
    """Write `sheet` as a PNG."""
    with files.publish(path) as temporary:
        sheet.save(temporary, "PNG", optimize=True)


def program(arguments: argparse.Namespace) -> None:
    """Render every prompt with every seed and write the sheet."""
    renderer = Renderer(arguments.model, arguments.threads)
    prompts = [prompt for prompt in PROMPTS for _ in range(arguments.seeds)]
    seeds = [*range(arguments.seeds)] * len(PROMPTS)
    started = time.perf_counter()
    images = as_images(renderer.render(prompts, seeds, "contact sheet"))
    cli.log.info("%.2f seconds a picture", (time.perf_counter() - started) / len(prompts))
    strips = [
        (prompt, images[number * arguments.seeds : (number + 1) * arguments.seeds])
        for number, prompt in enumerate(PROMPTS)
    ]
    save_sheet(draw_sheet(strips, arguments.columns), arguments.output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="the exported diffusers folder")
    parser.add_argument("output", type=Path, help="the sheet, a PNG")
    parser.add_argument("--seeds", type=positive, default=2)
    parser.add_argument("--columns", type=positive, default=8)
    parser.add_argument("--threads", type=positive, default=2)
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(_parser(), program))
