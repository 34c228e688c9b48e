"""A pen that collects closed shapes and strokes in a figure's own coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from base_model.world import Color

Points = Sequence[tuple[float, float]]

_CIRCLE = np.stack([f(np.linspace(0, 2 * np.pi, 32, endpoint=False)) for f in (np.cos, np.sin)], 1)


class Shape(NamedTuple):
    """A closed shape (`width` 0) or a stroke of that width, in units of the picture's short side.

    `kind` says what a style makes of it: "body" gets the style's outline, "mark" (eyes, mouths)
    keeps its colour and has none, "cheek" shows only in styles with round cheeks.
    """

    points: np.ndarray
    color: Color
    width: float = 0.0
    kind: str = "body"


@dataclass(frozen=True)
class Placing:
    """Where a figure's box, -1 to 1 with y downwards, lies: centre, half size, lean, stretch."""

    x: float
    y: float
    scale: float
    lean: float = 0.0
    stretch: float = 1.0
    mirrored: bool = False

    def matrix(self) -> np.ndarray:
        """Return the 2x2 matrix from figure to picture coordinates."""
        cos, sin = np.cos(self.lean), np.sin(self.lean)
        flip = -1 if self.mirrored else 1
        form = np.diag([flip * self.scale * self.stretch, self.scale / self.stretch])
        return np.array([[cos, -sin], [sin, cos]]) @ form


class Pen:
    """Draws in a figure's coordinates; `shapes` collects the result, back to front."""

    def __init__(self, placing: Placing) -> None:
        """Start with no shape, at `placing`."""
        self.shapes: list[Shape] = []
        self._matrix = placing.matrix().T
        self._origin = (placing.x, placing.y)
        self._scale = placing.scale

    def polygon(self, points: Points | np.ndarray, color: Color, kind: str = "body") -> None:
        """Add a closed shape with straight sides."""
        self._add(np.asarray(points, float), color, 0.0, kind)

    def blob(self, points: Points, color: Color, kind: str = "body") -> None:
        """Add a closed smooth shape through `points` (Catmull-Rom)."""
        self._add(_smooth(np.asarray(points, float), closed=True), color, 0.0, kind)

    def ellipse(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float | None = None,
        color: Color = (0, 0, 0),
        angle: float = 0.0,
        kind: str = "body",
    ) -> None:
        """Add an ellipse, turned by `angle` (radians); a circle where `ry` is left out."""
        points = _CIRCLE * (rx, rx if ry is None else ry)
        cos, sin = np.cos(angle), np.sin(angle)
        self._add(points @ np.array([[cos, sin], [-sin, cos]]) + (x, y), color, 0.0, kind)

    def stroke(self, points: Points, width: float, color: Color, kind: str = "mark") -> None:
        """Add a smooth open line through `points` with round ends."""
        self._add(_smooth(np.asarray(points, float), closed=False), color, width, kind)

    def _add(self, points: np.ndarray, color: Color, width: float, kind: str) -> None:
        placed = points @ self._matrix + self._origin
        self.shapes.append(Shape(placed, color, width * self._scale, kind))


def _smooth(points: np.ndarray, closed: bool, parts: int = 6) -> np.ndarray:
    """Return `points` joined by Catmull-Rom curves of `parts` pieces each."""
    if closed:
        before, after, last = np.roll(points, 1, 0), np.roll(points, -1, 0), np.roll(points, -2, 0)
        start = points
    else:
        padded = np.concatenate([points[:1], points, points[-1:]])
        before, start, after, last = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = (np.arange(parts) / parts)[None, :, None]
    p0, p1, p2, p3 = (p[:, None] for p in (before, start, after, last))
    curve = p1 + 0.5 * t * (
        p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0))
    )
    curve = curve.reshape(-1, 2)
    return curve if closed else np.concatenate([curve, points[-1:]])
