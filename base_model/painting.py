"""A scene as a picture of any size: background, figures and hats, drawn with Pillow."""

from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from base_model.creatures import CREATURES
from base_model.parts import WHITE, Head, Palette, hat, mix
from base_model.pen import Pen, Placing, Shape
from base_model.styles import LOOKS, Style
from base_model.things import THINGS
from base_model.world import COLORS, PLAIN_BACKGROUNDS, Color, Scene

Figures = Mapping[str, Callable[[Pen, Palette, Random, str], Head]]
"""What draws a subject: pen, palette, random source, mood -> where a hat sits."""
FIGURES: Figures = {**CREATURES, **THINGS}
_SUPERSAMPLING = 3
_SIZES = {"small": 0.26, "normal": 0.36, "big": 0.44}
_SIDES = {"left": -0.22, "center": 0.0, "right": 0.22}


def paint(scene: Scene, width: int, height: int) -> Image.Image:
    """Return `scene` as an RGB picture of `width` x `height` pixels; equal scenes, equal pixels."""
    style = LOOKS[scene.style]
    rng = Random(scene.seed)
    composed = compose(scene, width, height, rng)
    canvas = _Canvas(width, height, style, composed.backdrop)
    if style.dots:
        canvas.dots(rng)
    canvas.draw(composed.scenery, scenery=True)
    for figure in composed.figures:
        canvas.draw(figure)
    return canvas.finish()


class Composed(NamedTuple):
    """What a scene shows before any style: shapes back to front."""

    backdrop: Color
    scenery: list[Shape]
    figures: list[list[Shape]]


def compose(
    scene: Scene, width: int, height: int, rng: Random, figures: Figures = FIGURES
) -> Composed:
    """Return the shapes of `scene` for a picture of that size; `figures` draw the subjects."""
    unit = min(width, height)
    aspect = (width / unit, height / unit)
    backdrop, scenery = _background(scene, aspect, rng)
    placings = _placings(scene, aspect, rng)
    return Composed(backdrop, scenery, [_figure(scene, p, rng, figures) for p in placings])


class _Canvas:
    """A picture at three times its size, drawn in one style."""

    def __init__(self, width: int, height: int, style: Style, backdrop: Color) -> None:
        self._size = (width, height)
        self._unit = min(width, height) * _SUPERSAMPLING
        self._style = style
        self._backdrop = style.backdrop(backdrop)
        large = (width * _SUPERSAMPLING, height * _SUPERSAMPLING)
        self._image = Image.new("RGB", large, self._backdrop)
        self._pen = ImageDraw.Draw(self._image)

    def dots(self, rng: Random) -> None:
        """Strew a lattice of light polka dots over the background."""
        step, radius = 0.2 * self._unit, 0.05 * self._unit
        color = mix(self._backdrop, WHITE, 0.75 if min(self._backdrop) < 236 else 0.0)
        if color == self._backdrop:
            color = (238, 226, 240)
        x0, y0 = rng.random() * step, rng.random() * step
        for row in range(-1, int(self._image.height / step * 2) + 2):
            for column in range(-1, int(self._image.width / step) + 2):
                x = x0 + (column + 0.5 * (row % 2)) * step
                y = y0 + row * step * 0.5
                box = (x - radius, y - radius, x + radius, y + radius)
                self._pen.ellipse(box, fill=color)

    def draw(self, shapes: list[Shape], scenery: bool = False) -> None:
        """Draw `shapes` back to front; scenery gets the background's colours and no outline."""
        style = self._style
        if style.border and not scenery:
            for shape in shapes:
                self._outline(shape, WHITE, style.border)
        for shape in shapes:
            if shape.kind == "cheek" and not style.cheeks:
                continue
            color = shape.color
            if scenery:
                color = style.backdrop(color)
            elif shape.kind == "body":
                color = style.tint(color)
                if style.ink:
                    self._outline(shape, style.ink, style.ink_width)
            elif style.ink and shape.kind == "mark":
                color = style.ink if sum(color) < 260 else style.tint(color)
            self._fill(shape, color)

    def finish(self) -> Image.Image:
        """Return the picture at its own size."""
        image = self._image.reduce(_SUPERSAMPLING)
        if self._style.pixels:
            unit = min(self._size) / self._style.pixels
            small = (round(self._size[0] / unit), round(self._size[1] / unit))
            image = image.resize(small, Image.Resampling.BOX)
            image = image.resize(self._size, Image.Resampling.NEAREST)
        return image

    def _fill(self, shape: Shape, color: Color) -> None:
        points = [*map(tuple, (shape.points * self._unit).tolist())]
        if not shape.width:
            self._pen.polygon(points, fill=color)
            return
        self._thick_line(points, shape.width * self._unit, color)

    def _outline(self, shape: Shape, color: Color, width: float) -> None:
        points = [*map(tuple, (shape.points * self._unit).tolist())]
        if not shape.width:
            points += points[:1]
        self._thick_line(points, (shape.width + 2 * width) * self._unit, color)

    def _thick_line(self, points: list[tuple[float, ...]], width: float, color: Color) -> None:
        """Draw a line with round joints and ends: a disc at each point, straight pieces between."""
        radius = width / 2
        self._pen.line(points, fill=color, width=max(1, round(width)))
        for x, y in points:
            self._pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)


def _placings(scene: Scene, aspect: tuple[float, float], rng: Random) -> list[Placing]:
    """Return where the figures stand, in units of the short side, jittered."""
    middle, floor = aspect[0] / 2, aspect[1] / 2
    if scene.number == 1:
        scale = _SIZES[scene.size] * rng.uniform(0.92, 1.08)
        spot = middle + _SIDES[scene.side] + rng.uniform(-0.05, 0.05)
        spots = [min(max(spot, 0.9 * scale), aspect[0] - 0.9 * scale)]
    else:
        spread = aspect[0] / scene.number
        spots = [spread * (i + 0.5) + rng.uniform(-0.02, 0.02) for i in range(scene.number)]
        scale = {2: 0.225, 3: 0.16}[scene.number] * rng.uniform(0.95, 1.05)
    hat_room = 0.3 * scale if scene.hat else 0.0
    rise = rng.uniform(-0.05, 0.05)
    return [
        Placing(
            x=x,
            y=floor + hat_room * 0.6 + rise + rng.uniform(-0.02, 0.02),
            scale=scale - hat_room * 0.35,
            lean=rng.uniform(-0.14, 0.14),
            stretch=rng.uniform(0.92, 1.09),
            mirrored=rng.random() < 0.5,
        )
        for x in spots
    ]


def _figure(scene: Scene, placing: Placing, rng: Random, figures: Figures) -> list[Shape]:
    pen = Pen(placing)
    palette = Palette.of(COLORS[scene.color])
    head = figures[scene.subject](pen, palette, rng, scene.mood)
    if scene.hat:
        hat(pen, scene.hat, head, rng)
    return pen.shapes


def _background(
    scene: Scene, aspect: tuple[float, float], rng: Random
) -> tuple[Color, list[Shape]]:
    """Return the ground colour and the scenery of a background."""
    if scene.background in PLAIN_BACKGROUNDS:
        tone = rng.uniform(-0.06, 0.06)
        color = PLAIN_BACKGROUNDS[scene.background]
        return mix(color, WHITE if tone > 0 else (0, 0, 0), abs(tone)), []
    pen = Pen(Placing(0.0, 0.0, 1.0))
    horizon = aspect[1] * rng.uniform(0.58, 0.7)
    return _PLACES[scene.background](pen, *aspect, horizon, rng), pen.shapes


def _meadow(pen: Pen, width: float, height: float, horizon: float, rng: Random) -> Color:
    pen.ellipse(width * rng.uniform(0.1, 0.9), 0.16, 0.1, color=(255, 236, 130))
    _hill(pen, width, height, horizon, (126, 200, 92), rng)
    return (176, 222, 252)


def _night(pen: Pen, width: float, height: float, horizon: float, rng: Random) -> Color:
    for _ in range(9):
        x, y = rng.uniform(0.04, width - 0.04), rng.uniform(0.04, horizon - 0.1)
        pen.ellipse(x, y, rng.uniform(0.008, 0.016), color=(255, 250, 214))
    pen.ellipse(width * rng.choice((0.14, 0.86)), 0.16, 0.09, color=(255, 244, 190))
    _hill(pen, width, height, horizon + 0.1, (40, 58, 92), rng)
    return (30, 36, 86)


def _beach(pen: Pen, width: float, height: float, horizon: float, rng: Random) -> Color:
    shore = horizon - 0.2
    pen.polygon([(0, shore), (width, shore), (width, height), (0, height)], (92, 176, 226))
    _hill(pen, width, height, horizon, (246, 224, 164), rng)
    return (190, 230, 252)


def _snow(pen: Pen, width: float, height: float, horizon: float, rng: Random) -> Color:
    _hill(pen, width, height, horizon, (250, 252, 255), rng)
    for _ in range(12):
        x, y = rng.uniform(0, width), rng.uniform(0, horizon)
        pen.ellipse(x, y, rng.uniform(0.01, 0.02), color=WHITE)
    return (176, 200, 224)


_PLACES = {"meadow": _meadow, "night": _night, "beach": _beach, "snow": _snow}
"""A place outside -> what draws its scenery and returns the colour of its sky."""


def _hill(pen: Pen, width: float, height: float, y: float, color: Color, rng: Random) -> None:
    rise = rng.uniform(-0.05, 0.05)
    xs = np.linspace(0, width, 9)
    top = [(float(x), y + rise * float(np.cos(3 * x / width))) for x in xs]
    pen.polygon([*top, (width, height), (0.0, height)], color)
