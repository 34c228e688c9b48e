"""What several subjects share: palettes, faces and hats."""

from dataclasses import dataclass
from random import Random

from base_model.pen import Pen
from base_model.world import COLORS, Color

INK: Color = (40, 34, 44)
WHITE: Color = (255, 255, 255)
GOLD: Color = (252, 206, 58)
SKIN: Color = (252, 232, 206)
LEAF: Color = (66, 156, 70)
WOOD: Color = (136, 90, 54)
CHEEK: Color = (246, 132, 146)
_NOSE: Color = (240, 134, 150)


@dataclass(frozen=True)
class Palette:
    """A subject's colours: its named one, darker and lighter ones of it."""

    body: Color
    dark: Color
    light: Color

    @staticmethod
    def of(color: Color) -> "Palette":
        """Return the palette around `color`."""
        return Palette(color, mix(color, (30, 20, 50), 0.25), mix(color, WHITE, 0.5))


@dataclass(frozen=True)
class Head:
    """Where a hat sits, in figure coordinates: the middle of its brim and the head's width."""

    x: float
    y: float
    width: float


def mix(first: Color, second: Color, share: float) -> Color:
    """Return the colour `share` (0 to 1) of the way from `first` to `second`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def face(pen: Pen, x: float, y: float, size: float, mood: str, nose: str = "none") -> None:
    """Draw eyes and a mouth around (x, y); `size` is half the distance of the eyes, about.

    `mood` is one of MOODS; `nose` is "none", "small" or "big".
    """
    for side in (-1, 1):
        pen.ellipse(
            x + side * size * 1.45, y + size * 0.62, size * 0.42, size * 0.34, CHEEK, kind="cheek"
        )
        _eye(pen, x + side * size, y, size, mood)
    if nose != "none":
        big = 1.6 if nose == "big" else 1.0
        color = INK if nose == "big" else _NOSE
        pen.ellipse(x, y + size * 0.55, size * 0.2 * big, size * 0.15 * big, color, kind="mark")
    _mouth(pen, x, y + size * (0.95 if nose != "none" else 0.7), size, mood)


def _eye(pen: Pen, x: float, y: float, size: float, mood: str) -> None:
    if mood == "sleepy":
        arc = [(x - size * 0.34, y), (x, y + size * 0.2), (x + size * 0.34, y)]
        pen.stroke(arc, size * 0.18, INK)
        return
    radius = size * (0.42 if mood == "surprised" else 0.34)
    pen.ellipse(x, y, radius, radius * 1.2, INK, kind="mark")
    pen.ellipse(x + radius * 0.3, y - radius * 0.45, radius * 0.38, color=WHITE, kind="mark")


def _mouth(pen: Pen, x: float, y: float, size: float, mood: str) -> None:
    if mood == "surprised":
        pen.ellipse(x, y + size * 0.15, size * 0.24, size * 0.3, (150, 44, 60), kind="mark")
    elif mood == "happy":
        mouth = [(x - size * 0.45, y - size * 0.08), (x, y), (x + size * 0.45, y - size * 0.08)]
        chin = [(x + size * 0.25, y + size * 0.34), (x - size * 0.25, y + size * 0.34)]
        pen.blob(mouth + chin, (170, 48, 66), kind="mark")
    else:
        wide = size * (0.2 if mood == "sleepy" else 0.32)
        line = [(x - wide, y), (x, y + size * 0.12), (x + wide, y)]
        pen.stroke(line, size * 0.15, INK)


def hat(pen: Pen, kind: str, head: Head, rng: Random) -> None:
    """Draw a hat of `kind` (one of HATS) on `head`."""
    x, y, w = head.x, head.y, head.width
    if kind == "party hat":
        _party_hat(pen, x, y, w, rng)
    elif kind == "top hat":
        pen.polygon(
            [(x - w * 0.32, y), (x - w * 0.36, y - w * 0.66), (x + w * 0.36, y - w * 0.66),
             (x + w * 0.32, y)], (52, 48, 60),
        )  # fmt: skip
        pen.polygon(
            [(x - w * 0.33, y), (x - w * 0.34, y - w * 0.2), (x + w * 0.34, y - w * 0.2),
             (x + w * 0.33, y)], (206, 54, 60), kind="mark",
        )  # fmt: skip
        pen.ellipse(x, y, w * 0.6, w * 0.11, (52, 48, 60))
    elif kind == "crown":
        points = [(x - w * 0.42, y + w * 0.06), (x - w * 0.5, y - w * 0.46)]
        points += [(x - w * 0.22, y - w * 0.22), (x, y - w * 0.58), (x + w * 0.22, y - w * 0.22)]
        points += [(x + w * 0.5, y - w * 0.46), (x + w * 0.42, y + w * 0.06)]
        pen.polygon(points, GOLD)
        for dx, color in ((-0.24, (70, 130, 230)), (0.0, (224, 60, 70)), (0.24, (70, 130, 230))):
            pen.ellipse(x + w * dx, y - w * 0.08, w * 0.08, color=color, kind="mark")
    else:
        _wool_hat(pen, x, y, w, rng)


def _party_hat(pen: Pen, x: float, y: float, w: float, rng: Random) -> None:
    first, second = rng.choice((((70, 150, 235), GOLD), ((240, 110, 170), WHITE)))
    tip = (x, y - w * 0.95)

    def at(share: float, side: int) -> tuple[float, float]:
        return (tip[0] + side * w * 0.4 * share, tip[1] + w * 0.98 * share)

    pen.polygon([tip, at(1, 1), at(1, -1)], first)
    pen.polygon([at(0.42, -1), at(0.42, 1), at(0.66, 1), at(0.66, -1)], second, kind="mark")
    pen.ellipse(*tip, w * 0.14, color=second)


def _wool_hat(pen: Pen, x: float, y: float, w: float, rng: Random) -> None:
    color = rng.choice(((214, 70, 76), (64, 150, 150), (120, 96, 190)))
    pen.ellipse(x, y - w * 0.52, w * 0.16, color=WHITE)
    dome = [(x - w * 0.46, y), (x - w * 0.36, y - w * 0.36), (x, y - w * 0.5)]
    pen.blob([*dome, (x + w * 0.36, y - w * 0.36), (x + w * 0.46, y)], color)
    band = [(x - w * 0.52, y - w * 0.1), (x + w * 0.52, y - w * 0.1)]
    pen.blob([*band, (x + w * 0.52, y + w * 0.1), (x - w * 0.52, y + w * 0.1)], WHITE)


def eye_white(color: Color) -> Color:
    """Return what stands out on `color`: white, or gray where the body is white itself."""
    return (214, 216, 224) if color == COLORS["white"] else WHITE
