"""Characters of other hands, with bodies, faces and clothes of their own: drawn in a box -1..1.

Each keeps its traits whatever colour it is given, and says where a hat sits.
"""

from math import cos, pi, sin
from random import Random

from base_model.painting import Figures
from base_model.parts import Head, Palette
from base_model.pen import Pen
from base_model.world import Color

_BLACK, _WHITE = (26, 22, 30), (252, 252, 250)
_HAIR, _SKIN, _DRESS, _SOCKS = (232, 120, 40), (250, 218, 188), (38, 140, 92), (240, 236, 226)
_CACTUS, _SPINES, _POT, _BLOOM = (74, 158, 96), (214, 236, 190), (196, 100, 62), (238, 86, 150)
_SCALES, _BELLY, _WING, _HORN = (112, 74, 176), (250, 222, 120), (236, 110, 90), (250, 244, 220)
_COAT, _PACK, _BEAK, _GLASS = (48, 60, 92), (212, 56, 56), (248, 178, 48), (150, 216, 236)
_MOON, _CRATER, _CLOAK, _CLASP = (250, 232, 150), (226, 200, 106), (52, 40, 110), (236, 186, 60)


def pirika(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """A girl: two orange buns, freckles, a long green dress with a white collar."""
    del c
    lift = rng.uniform(-0.25, 0.3)
    for side in (-1, 1):
        pen.stroke([(side * 0.16, 0.7), (side * 0.17, 0.95)], 0.13, _SOCKS, kind="body")
        pen.ellipse(side * 0.2, 0.96, 0.13, 0.07, _BLACK)
        hand = (side * 0.62, 0.42 - (lift if side == 1 else 0))
        pen.stroke([(side * 0.2, 0.22), hand], 0.13, _DRESS, kind="body")
        pen.ellipse(*hand, 0.09, color=_SKIN)
        pen.ellipse(side * 0.52, -0.62, 0.24, color=_HAIR)
    pen.polygon([(-0.18, 0.1), (0.18, 0.1), (0.46, 0.8), (-0.46, 0.8)], _DRESS)
    pen.polygon([(-0.24, 0.12), (0.24, 0.12), (0.12, 0.28), (0, 0.16), (-0.12, 0.28)], _WHITE)
    pen.ellipse(0, -0.3, 0.5, 0.48, _HAIR)
    pen.blob([(-0.38, -0.3), (-0.2, -0.5), (0.2, -0.5), (0.38, -0.3), (0.26, 0.06), (-0.26, 0.06)],
             _SKIN)  # fmt: skip
    for side in (-1, 1):
        _tall_eye(pen, side * 0.16, -0.24, mood)
        for dx, dy in ((0, 0), (0.07, 0.03), (-0.05, 0.05)):
            pen.ellipse(side * 0.25 + dx, -0.07 + dy, 0.022, color=(206, 120, 84), kind="mark")
    _lips(pen, 0, -0.02, 0.1, mood)
    return Head(0, -0.66, 0.6)


def gonta(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """A cactus in a clay pot, with a pink bloom, a moustache and thick brows."""
    del c
    low = rng.uniform(-0.1, 0.15)
    pen.stroke([(0.3, 0.1), (0.62, 0.08), (0.66, -0.3 + low)], 0.22, _CACTUS, kind="body")
    pen.stroke([(-0.3, 0.24), (-0.6, 0.22), (-0.64, -0.06 - low)], 0.22, _CACTUS, kind="body")
    pen.blob([(-0.38, 0.6), (-0.4, -0.3), (-0.22, -0.78), (0.22, -0.78), (0.4, -0.3), (0.38, 0.6)],
             _CACTUS)  # fmt: skip
    for x, y in ((-0.26, -0.5), (0.24, -0.58), (0.28, 0.3), (-0.26, 0.36), (0.0, -0.62), (0, 0.44)):
        pen.stroke([(x - 0.05, y - 0.05), (x, y), (x + 0.05, y - 0.05)], 0.035, _SPINES)
    pen.polygon([(-0.52, 0.52), (0.52, 0.52), (0.4, 0.98), (-0.4, 0.98)], _POT)
    pen.polygon([(-0.58, 0.44), (0.58, 0.44), (0.58, 0.6), (-0.58, 0.6)], (222, 130, 88))
    for part in range(6):
        turn = pi * part / 3
        pen.ellipse(0.24 + 0.12 * cos(turn), -0.8 + 0.12 * sin(turn), 0.09, color=_BLOOM)
    pen.ellipse(0.24, -0.8, 0.07, color=(250, 220, 90), kind="mark")
    for side in (-1, 1):
        _dot_eye(pen, side * 0.16, -0.18, mood)
        pen.stroke([(side * 0.06, -0.34), (side * 0.28, -0.38)], 0.07, _BLACK)
        pen.blob([(0, 0.04), (side * 0.16, 0), (side * 0.32, 0.14), (side * 0.12, 0.16)], _BLACK,
                 kind="mark")  # fmt: skip
    if mood in ("happy", "surprised"):
        pen.ellipse(0, 0.22, 0.08, 0.05 if mood == "happy" else 0.09, (120, 30, 44), kind="mark")
    return Head(-0.04, -0.74, 0.5)


def zuzu(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """A small violet dragon from the side: yellow belly, coral wing, two horns, spikes."""
    del c
    flap = rng.uniform(-0.2, 0.25)
    pen.blob([(0.2, 0.7), (0.6, 0.62), (0.92, 0.3), (0.98, 0.36), (0.72, 0.86), (0.2, 0.94)],
             _SCALES)  # fmt: skip
    pen.polygon([(0.9, 0.34), (1.0, 0.1), (1.08, 0.42)], _WING)
    pen.polygon([(0.12, 0.1), (0.42, -0.62 + flap), (0.66, -0.3 + flap), (0.9, -0.34 + flap),
                 (0.5, 0.34)], _WING)  # fmt: skip
    for y in (-0.5, -0.2, 0.1, 0.4):
        x = 0.05 + 0.12 * (y + 0.5)
        pen.polygon([(x - 0.05, y - 0.1), (x + 0.3, y), (x - 0.05, y + 0.12)], _BELLY)
    pen.blob([(-0.3, 0.92), (-0.36, 0.3), (-0.2, -0.1), (0.16, -0.1), (0.36, 0.5), (0.3, 0.92)],
             _SCALES)  # fmt: skip
    pen.ellipse(-0.14, 0.5, 0.2, 0.34, _BELLY)
    for x in (-0.2, 0.2):
        pen.ellipse(x, 0.92, 0.18, 0.09, (90, 54, 148))
    for x in (-0.2, 0.08):
        pen.polygon([(x - 0.08, -0.62), (x + 0.12, -1.0), (x + 0.12, -0.58)], _HORN)
    pen.blob([(-0.9, -0.22), (-0.6, -0.44), (-0.3, -0.72), (0.1, -0.66), (0.24, -0.3), (0, -0.02),
              (-0.5, 0.02), (-0.84, -0.04)], _SCALES)  # fmt: skip
    pen.ellipse(-0.78, -0.2, 0.04, 0.03, _BLACK, kind="mark")
    _tall_eye(pen, -0.26, -0.4, mood)
    wide = {"happy": 0.08, "surprised": -0.04}.get(mood, 0.02)
    pen.stroke([(-0.8, -0.06), (-0.55, -0.08 + wide), (-0.3, -0.12)], 0.04, _BLACK)
    return Head(-0.06, -0.62, 0.44)


def kappo(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """A penguin in a navy coat: goggles, an orange beak, a red backpack, yellow feet."""
    del c
    wave = rng.uniform(-0.3, 0.2)
    pen.blob([(0.3, -0.06), (0.74, 0.0), (0.78, 0.6), (0.3, 0.66)], _PACK)
    pen.polygon([(0.5, 0.24), (0.76, 0.24), (0.76, 0.38), (0.5, 0.38)], (250, 214, 90))
    for side in (-1, 1):
        pen.ellipse(side * 0.24, 0.92, 0.22, 0.09, _BEAK)
    pen.blob([(-0.5, 0.1), (-0.84, 0.4 + wave), (-0.74, 0.52 + wave), (-0.4, 0.46)], _COAT)
    pen.blob([(-0.46, 0.9), (-0.56, 0.3), (-0.44, -0.5), (0, -0.8), (0.44, -0.5), (0.56, 0.3),
              (0.46, 0.9)], _COAT)  # fmt: skip
    pen.blob([(-0.3, 0.86), (-0.36, 0.3), (-0.2, 0.02), (0.2, 0.02), (0.36, 0.3), (0.3, 0.86)],
             _WHITE)  # fmt: skip
    pen.stroke([(0.2, 0.0), (0.3, 0.3), (0.28, 0.7)], 0.09, _PACK)
    pen.stroke([(-0.46, -0.34), (0.46, -0.34)], 0.1, (120, 84, 52))
    for side in (-1, 1):
        pen.ellipse(side * 0.21, -0.34, 0.21, color=(120, 84, 52))
        pen.ellipse(side * 0.21, -0.34, 0.15, color=_GLASS, kind="mark")
        _dot_eye(pen, side * 0.19, -0.33, mood)
    beak = 0.16 if mood in ("happy", "surprised") else 0.09
    pen.polygon([(-0.15, -0.16), (0.15, -0.16), (0, -0.16 + 2 * beak)], _BEAK)
    return Head(0, -0.66, 0.56)


def luno(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """A moon for a head, with craters and a long nose, in a violet cloak that hovers."""
    del c
    sway = rng.uniform(-0.12, 0.12)
    hem = [(0.5 + sway, 0.9), (0.3 + sway, 0.76), (0.1 + sway, 0.94), (-0.1 + sway, 0.78),
           (-0.34 + sway, 0.94), (-0.5 + sway, 0.8)]  # fmt: skip
    pen.polygon([(-0.2, -0.1), (0.2, -0.1), *hem], _CLOAK)
    pen.stroke([(-0.16, 0.1), (-0.58, 0.3 - sway), (-0.66, 0.22 - sway)], 0.15, _CLOAK, kind="body")
    pen.ellipse(-0.7, 0.18 - sway, 0.08, color=_MOON)
    pen.ellipse(0, 0.06, 0.08, color=_CLASP)
    pen.ellipse(0.04, -0.46, 0.46, color=_MOON)
    for x, y, r in (
        (0.3, -0.62, 0.09),
        (0.28, -0.28, 0.07),
        (-0.06, -0.8, 0.06),
        (0.12, -0.16, 0.04),
    ):
        pen.ellipse(x, y, r, color=_CRATER, kind="mark")
    pen.blob([(-0.36, -0.52), (-0.74, -0.4), (-0.74, -0.32), (-0.36, -0.34)], _MOON)
    _tall_eye(pen, -0.16, -0.54, mood)
    _lips(pen, -0.2, -0.22, 0.1, mood)
    return Head(0.04, -0.84, 0.54)


def _tall_eye(pen: Pen, x: float, y: float, mood: str) -> None:
    if mood == "sleepy":
        pen.stroke([(x - 0.09, y), (x + 0.09, y + 0.02)], 0.05, _BLACK)
        return
    wide = 1.35 if mood == "surprised" else 1
    pen.ellipse(x, y, 0.085 * wide, 0.14 * wide, _WHITE, kind="mark")
    pen.ellipse(x, y + 0.02, 0.055, 0.1, (60, 84, 160), kind="mark")
    pen.ellipse(x, y + 0.03, 0.03, 0.05, _BLACK, kind="mark")


def _dot_eye(pen: Pen, x: float, y: float, mood: str) -> None:
    if mood == "sleepy":
        pen.stroke([(x - 0.07, y), (x, y + 0.04), (x + 0.07, y)], 0.045, _BLACK)
        return
    pen.ellipse(x, y, 0.085 if mood == "surprised" else 0.06, color=_BLACK, kind="mark")


def _lips(pen: Pen, x: float, y: float, wide: float, mood: str) -> None:
    color: Color = (176, 54, 66)
    if mood == "surprised":
        pen.ellipse(x, y, wide * 0.5, wide * 0.6, color, kind="mark")
        return
    deep = {"happy": 0.9, "sleepy": 0.1}.get(mood, 0.4)
    pen.stroke([(x - wide, y - 0.02), (x, y + wide * deep - 0.02), (x + wide, y - 0.02)], 0.04,
               color)  # fmt: skip


FIGURES: Figures = {function.__name__: function for function in (pirika, gonta, zuzu, kappo, luno)}
DRAWN_BY: dict[str, str] = {
    "pirika": "gouache",
    "gonta": "crayon",
    "zuzu": "airbrush",
    "kappo": "brush pen",
    "luno": "clay",
}
"""The hand that draws each of them."""
