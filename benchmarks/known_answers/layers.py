"""A scene as layers of pixels, from which other hands than the base model's painter draw it."""

from dataclasses import dataclass
from functools import cached_property
from random import Random

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from base_model.painting import FIGURES, Figures, compose
from base_model.pen import Shape
from base_model.world import Scene

LARGER = 3
"""Layers have that many times the picture's size, so that shrinking smooths their edges."""


@dataclass(frozen=True)
class Layers:
    """Which shape is seen at each pixel, and the shapes' colours; shape 0 is the backdrop."""

    seen: np.ndarray
    colors: np.ndarray
    first_figure: int
    """The number of the first shape that is of a figure and not of the scenery."""

    @staticmethod
    def of(scene: Scene, pixels: int, figures: Figures = FIGURES) -> "Layers":
        """Return the layers of `scene` for a square picture of `pixels`."""
        composed = compose(scene, pixels, pixels, Random(scene.seed), figures)
        bodies = [shape for figure in composed.figures for shape in figure]
        shapes = [shape for shape in (*composed.scenery, *bodies) if shape.kind != "cheek"]
        canvas = Image.new("L", (pixels * LARGER, pixels * LARGER), 0)
        pen = ImageDraw.Draw(canvas)
        for number, shape in enumerate(shapes, start=1):
            _draw(pen, shape, pixels * LARGER, number)
        colors = np.array([composed.backdrop, *(shape.color for shape in shapes)], float) / 255
        return Layers(np.asarray(canvas), colors, 1 + len(composed.scenery))

    @cached_property
    def flat(self) -> np.ndarray:
        """The picture in plain colours, [height, width, 3], 0 to 1."""
        return self.colors[self.seen]

    @cached_property
    def figure(self) -> np.ndarray:
        """Where a figure is seen."""
        return self.seen >= self.first_figure

    @cached_property
    def from_edge(self) -> np.ndarray:
        """Each pixel's distance to the nearest border between two shapes."""
        return distance(~borders(self.seen))

    @property
    def light(self) -> np.ndarray:
        """How bright the plain picture is, 0 to 1."""
        return brightness(self.flat)


def distance(inside: np.ndarray) -> np.ndarray:
    """Return each pixel's distance to the nearest that is not `inside`, 0 for those."""
    return np.asarray(ndimage.distance_transform_edt(inside))


def borders(areas: np.ndarray) -> np.ndarray:
    """Return where a pixel's area is another than that of its right or lower neighbour."""
    found = np.zeros(areas.shape, bool)
    found[:, :-1] |= areas[:, :-1] != areas[:, 1:]
    found[:-1] |= areas[:-1] != areas[1:]
    return found


def brightness(colors: np.ndarray) -> np.ndarray:
    """Return the luma of colours in the last axis."""
    return colors @ np.array([0.299, 0.587, 0.114])


def blend(first: np.ndarray, second: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    """Return the colours `share` (0 to 1, a number or per pixel) of the way to `second`."""
    share = np.asarray(share, float)[..., None]
    return first * (1 - share) + second * share


def noise(
    shape: tuple[int, int], grain: float | tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Return smooth noise of deviation 1 whose spots are `grain` pixels wide."""
    smooth = ndimage.gaussian_filter(rng.standard_normal(shape), grain, mode="wrap")
    return smooth / smooth.std()


def blurred(colors: np.ndarray, radius: float) -> np.ndarray:
    """Return colours blurred over both axes of the picture."""
    return ndimage.gaussian_filter(colors, (radius, radius, 0), mode="nearest")


def finished(colors: np.ndarray) -> Image.Image:
    """Return the picture at its own size."""
    large = Image.fromarray((np.clip(colors, 0, 1) * 255).round().astype(np.uint8))
    return large.resize((large.width // LARGER, large.height // LARGER), Image.Resampling.BOX)


def _draw(pen: ImageDraw.ImageDraw, shape: Shape, unit: int, number: int) -> None:
    points = [*map(tuple, (shape.points * unit).tolist())]
    if not shape.width:
        pen.polygon(points, fill=number)
        return
    radius = shape.width * unit / 2
    pen.line(points, fill=number, width=max(1, round(2 * radius)))
    for x, y in points:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=number)
