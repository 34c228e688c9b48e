"""Sheets of series to look at: epochs downwards, weights across, eight prompts in each field."""

from collections.abc import Collection
from pathlib import Path

from PIL import Image, ImageDraw

from benchmarks.known_answers import misses
from benchmarks.known_answers.render_series import WEIGHTS, picture, prompts
from benchmarks.known_answers.series_recipes import Series
from lorabench import files

_SIDE, _GAP, _ACROSS, _LEFT, _TOP = 44, 4, 4, 28, 14


def sheet(series: Series, folder: Path) -> Image.Image:
    """Return the sheet of one series whose pictures lie in `folder`, weight 0 at the left."""
    shown = list(prompts(series.pictures.taught))
    wide, high = _ACROSS * _SIDE + _GAP, -(-len(shown) // _ACROSS) * _SIDE + _GAP
    weights = (0.0, *WEIGHTS)
    size = _LEFT + wide * len(weights), _TOP + high * len(series.epochs)
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    for column, weight in enumerate(weights):
        pen.text((_LEFT + column * wide, 1), f"weight {weight:g}", fill="black")
    for row, epoch in enumerate(series.epochs):
        top = _TOP + row * high
        pen.text((2, top), str(epoch), fill="black")
        for column, weight in enumerate(weights):
            for number, variant in enumerate(shown):
                path = picture(folder / str(epoch), variant, weight, variant.seeds[0])
                down, across = divmod(number, _ACROSS)
                at = _LEFT + column * wide + across * _SIDE, top + down * _SIDE
                with Image.open(path) as one:
                    image.paste(one.resize((_SIDE, _SIDE)), at)
    return image


def draw(missed: Collection[Series], series: Path, folder: Path) -> None:
    """Draw the sheets of some series, whose pictures lie below `series`; remove all others."""
    misses.keep_only({one.name for one in missed}, folder)
    for one in missed:
        with files.publish(folder / f"{one.name}.webp") as temporary:
            sheet(one, series / one.name).save(temporary, "WEBP", quality=75)
