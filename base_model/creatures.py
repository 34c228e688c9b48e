"""The animals, and mofu. Each function draws one in the box -1..1 and says where a hat sits."""

from math import cos, pi, sin
from random import Random

from base_model.parts import CHEEK, INK, SKIN, WHITE, Head, Palette, eye_white, face, mix
from base_model.pen import Pen
from base_model.world import COLORS

_PINK = (246, 164, 180)
_TEAL = (40, 150, 150)
_CREAM = (252, 240, 214)


def cat(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """Sitting or standing; pointed ears, a long tail."""
    x, y = _body(pen, c, rng, tail="long")
    for side in (-1, 1):
        tip = rng.uniform(0.42, 0.52)
        pen.polygon([(x + side * 0.12, y - 0.36), (x + side * 0.54, y - 0.1),
                     (x + side * tip, y - 0.72)], c.body)  # fmt: skip
        pen.polygon([(x + side * 0.25, y - 0.36), (x + side * 0.46, y - 0.2),
                     (x + side * (tip - 0.03), y - 0.58)], _PINK, kind="mark")  # fmt: skip
    pen.ellipse(x, y, 0.56, 0.46, c.body)
    face(pen, x, y + 0.02, 0.24, mood, "small")
    for side in (-1, 1):
        for tilt in (0.0, 0.1):
            pen.stroke([(x + side * 0.42, y + 0.16 + tilt), (x + side * 0.68, y + 0.12 + 2 * tilt)],
                       0.03, c.dark)  # fmt: skip
    return Head(x, y - 0.4, 0.62)


def dog(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """Sitting or standing; hanging ears, a big nose."""
    x, y = _body(pen, c, rng, tail="short")
    pen.ellipse(x, y, 0.52, 0.47, c.body)
    low = rng.uniform(0.05, 0.25)
    for side in (-1, 1):
        pen.blob([(x + side * 0.3, y - 0.42), (x + side * 0.6, y - 0.25),
                  (x + side * 0.68, y + low), (x + side * 0.48, y + low + 0.02)],
                 c.dark)  # fmt: skip
    pen.ellipse(x, y + 0.2, 0.28, 0.22, mix(c.light, WHITE, 0.4), kind="mark")
    face(pen, x, y, 0.23, mood, "big")
    return Head(x, y - 0.4, 0.62)


def rabbit(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """Sitting or standing; two long ears, one of which may fold."""
    x, y = _body(pen, c, rng, tail="round", low=0.2)
    folded = rng.random() < 0.3
    for side in (-1, 1):
        if folded and side == 1:
            pen.blob([(x + 0.12, y - 0.3), (x + 0.2, y - 0.72), (x + 0.6, y - 0.62),
                      (x + 0.66, y - 0.35), (x + 0.4, y - 0.5), (x + 0.36, y - 0.3)],
                     c.body)  # fmt: skip
            continue
        angle = side * rng.uniform(0.05, 0.3)
        pen.ellipse(x + side * 0.26, y - 0.66, 0.15, 0.44, c.body, angle)
        pen.ellipse(x + side * 0.26, y - 0.64, 0.075, 0.32, _PINK, angle, kind="mark")
    pen.ellipse(x, y, 0.5, 0.43, c.body)
    face(pen, x, y, 0.22, mood, "small")
    return Head(x, y - 0.37, 0.5)


def bear(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """Sitting or standing; round ears, a light muzzle."""
    x, y = _body(pen, c, rng, tail="none")
    for side in (-1, 1):
        pen.ellipse(x + side * 0.42, y - 0.36, 0.2, color=c.body)
        pen.ellipse(x + side * 0.42, y - 0.36, 0.11, color=c.light, kind="mark")
    pen.ellipse(x, y, 0.56, 0.48, c.body)
    pen.ellipse(x, y + 0.2, 0.26, 0.2, c.light, kind="mark")
    face(pen, x, y, 0.23, mood, "big")
    return Head(x, y - 0.42, 0.56)


def mofu(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """The example character: a cream puff with teal ear tips and scarf, whatever `c` says."""
    del c
    for side in (-1, 1):
        pen.ellipse(side * 0.3, 0.88, 0.2, 0.12, _TEAL)
    pen.ellipse(0.72, 0.5, 0.26, color=_TEAL)
    for side in (-1, 1):
        angle = side * rng.uniform(0.35, 0.75)
        pen.ellipse(side * 0.5, -0.62, 0.2, 0.4, _CREAM, angle)
        pen.ellipse(side * 0.6, -0.78, 0.15, 0.22, _TEAL, angle, kind="mark")
    fluff = []
    for part in range(14):
        turn, radius = 2 * pi * part / 14, 0.82 if part % 2 else 0.72
        fluff.append((radius * cos(turn), 0.15 + radius * sin(turn) * 0.92))
    pen.blob(fluff, _CREAM)
    face(pen, 0.0, 0.0, 0.3, mood, "small")
    pen.blob(
        [(-0.62, 0.42), (0, 0.56), (0.62, 0.42), (0.64, 0.62), (0, 0.76), (-0.64, 0.62)], _TEAL
    )
    side = rng.choice((-1, 1))
    pen.polygon([(side * 0.2, 0.62), (side * 0.44, 0.6), (side * 0.5, 0.95), (side * 0.24, 0.96)],
                _TEAL)  # fmt: skip
    return Head(0.0, -0.5, 0.6)


def frog(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """Wide, eyes on top."""
    high = rng.uniform(0.5, 0.62)
    for side in (-1, 1):
        pen.ellipse(side * 0.62, 0.56, 0.32, 0.36, c.dark, side * 0.3)
        pen.ellipse(side * 0.66, 0.9, 0.28, 0.1, c.dark)
    pen.blob([(-0.72, 0.3), (-0.5, -0.3), (0, -0.42), (0.5, -0.3), (0.72, 0.3), (0.42, 0.9),
              (-0.42, 0.9)], c.body)  # fmt: skip
    pen.ellipse(0, 0.55, 0.42, 0.3, c.light, kind="mark")
    for side in (-1, 1):
        pen.ellipse(side * 0.38, -high, 0.25, color=c.body)
        if mood == "sleepy":
            pen.stroke([(side * 0.38 - 0.14, -high), (side * 0.38, 0.1 - high),
                        (side * 0.38 + 0.14, -high)], 0.06, c.dark)  # fmt: skip
            continue
        pen.ellipse(side * 0.38, -high, 0.17, color=eye_white(c.body), kind="mark")
        wide = 0.12 if mood == "surprised" else 0.09
        pen.ellipse(side * 0.38, -high, wide, color=INK, kind="mark")
        pen.ellipse(side * 0.5, -0.06, 0.11, 0.09, CHEEK, kind="cheek")
    if mood == "surprised":
        pen.ellipse(0, -0.02, 0.11, 0.13, (150, 44, 60), kind="mark")
    else:
        low = 0.12 if mood == "happy" else 0.04
        pen.stroke([(-0.36, -0.1), (0, low), (0.36, -0.1)], 0.07, c.dark)
    for side in (-1, 1):
        pen.ellipse(side * 0.28, 0.88, 0.16, 0.1, c.body)
    return Head(0.0, -0.42, 0.5)


def bird(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """From the side: round, a raised or folded wing, a beak."""
    for x in (-0.12, 0.14):
        pen.stroke([(x, 0.6), (x - 0.02, 0.92)], 0.07, (236, 140, 40), kind="body")
    lift = rng.uniform(-0.5, 0.1)
    pen.blob([(0.4, 0.1), (0.98, -0.12 + lift * 0.4), (0.9, 0.22), (0.5, 0.5)], c.dark)
    pen.polygon([(-0.62, -0.34), (-1.0, -0.2 + 0.1 * rng.random()), (-0.6, -0.08)],
                (246, 150, 40))  # fmt: skip
    pen.blob([(-0.66, -0.22), (-0.5, -0.62), (-0.12, -0.72), (0.22, -0.4), (0.62, 0.1),
              (0.4, 0.6), (-0.1, 0.74), (-0.54, 0.4)], c.body)  # fmt: skip
    pen.ellipse(-0.22, 0.34, 0.28, 0.3, c.light, kind="mark")
    wing = rng.uniform(-0.75, 0.25)
    pen.polygon([(0.0, 0.02), (0.46, 0.12), (0.66, wing), (0.24, wing * 0.6 + 0.2)], c.dark)
    face(pen, -0.26, -0.3, 0.19, mood) if mood == "sleepy" else _side_eye(pen, -0.34, -0.32, mood)
    return Head(-0.2, -0.62, 0.5)


def fish(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """From the side; fins, stripes, sometimes bubbles."""
    spread = rng.uniform(0.3, 0.5)
    pen.polygon([(0.5, 0.0), (1.0, -spread), (0.88, 0.0), (1.0, spread)], c.dark)
    pen.polygon([(-0.2, -0.4), (0.12, -0.82), (0.36, -0.3)], c.dark)
    pen.polygon([(-0.1, 0.4), (0.16, 0.76), (0.34, 0.3)], c.dark)
    fat = rng.uniform(0.44, 0.6)
    pen.blob([(-0.86, 0.02), (-0.5, -0.8 * fat), (0.0, -fat), (0.62, 0.0), (0.0, fat),
              (-0.5, 0.8 * fat)], c.body)  # fmt: skip
    for x in (-0.02, 0.24)[: rng.randint(1, 2)]:
        pen.ellipse(x, 0.0, 0.07, fat * 0.72 - abs(x) * 0.6, c.light, kind="mark")
    _side_eye(pen, -0.46, -0.12, mood)
    pen.ellipse(-0.42, 0.16, 0.11, 0.09, CHEEK, kind="cheek")
    mouth = 0.06 if mood == "happy" else 0.0
    pen.stroke([(-0.8, 0.14), (-0.7, 0.2 + mouth), (-0.6, 0.16)], 0.05, c.dark)
    return Head(-0.3, -0.74 * fat - 0.04, 0.5)


def turtle(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """From the side: its shell has the colour."""
    skin = (150, 196, 110) if c.body != COLORS["green"] else (206, 196, 120)
    up = rng.uniform(-0.15, 0.12)
    pen.polygon([(0.6, 0.42), (0.98, 0.6), (0.6, 0.64)], skin)
    for x in (-0.42, 0.4):
        pen.ellipse(x, 0.72, 0.19, 0.24, skin)
    pen.ellipse(-0.68, 0.08 + up, 0.31, 0.33, skin)
    pen.blob([(-0.62, 0.5), (-0.5, -0.14), (0.08, -0.5), (0.6, -0.1), (0.76, 0.5), (0.08, 0.62)],
             c.body)  # fmt: skip
    for x, y, r in ((0.06, 0.02, 0.2), (-0.32, 0.26, 0.13), (0.42, 0.26, 0.13)):
        pen.ellipse(x, y, r, r * 0.85, c.dark, kind="mark")
    face(pen, -0.72, 0.02 + up, 0.14, mood)
    return Head(-0.68, -0.2 + up, 0.4)


def _body(pen: Pen, c: Palette, rng: Random, tail: str, low: float = 0.0) -> tuple[float, float]:
    """Draw a sitting or standing body with its tail; return the middle of the head."""
    belly = mix(c.light, SKIN, 0.5)
    if rng.random() < 0.6:
        _tail(pen, c, rng, tail, 0.38, 0.62)
        wide = rng.uniform(0.36, 0.46)
        pen.blob([(-wide, 0.8), (-0.3, 0.1), (0.3, 0.1), (wide, 0.8), (0.2, 0.96), (-0.2, 0.96)],
                 c.body)  # fmt: skip
        pen.ellipse(0, 0.62, 0.22, 0.28, belly, kind="mark")
        up = rng.random() < 0.25
        for side in (-1, 1):
            pen.ellipse(side * 0.26, 0.92, 0.17, 0.1, c.body)
            if up and side == 1:
                pen.ellipse(0.46, 0.18, 0.11, 0.26, c.body, 0.7)
        return rng.uniform(-0.06, 0.06), -0.24 + low
    _tail(pen, c, rng, tail, 0.7, 0.4)
    for x in (-0.36, -0.08, 0.34, 0.6):
        pen.ellipse(x, 0.78, 0.12, 0.2, c.dark if x in (-0.08, 0.34) else c.body)
    pen.blob([(-0.5, 0.4), (-0.2, 0.16), (0.5, 0.18), (0.78, 0.4), (0.66, 0.76), (0.1, 0.72),
              (-0.44, 0.76)], c.body)  # fmt: skip
    return -0.34, -0.1 + low


def _tail(pen: Pen, c: Palette, rng: Random, kind: str, x: float, y: float) -> None:
    bend = rng.uniform(-0.25, 0.25)
    if kind == "long":
        end = min(0.98, x + 0.5)
        curve = [(x - 0.1, y), (x + 0.28, y - 0.05), (end - 0.1, y - 0.4), (end, y - 0.6 + bend)]
        pen.stroke(curve, 0.15, c.body, kind="body")
    elif kind == "short":
        pen.stroke([(x - 0.1, y), (x + 0.15, y - 0.15), (x + 0.26, y - 0.4 + bend * 0.5)], 0.16,
                   c.body, kind="body")  # fmt: skip
    elif kind == "round":
        pen.ellipse(x + 0.04, y + 0.1, 0.17, color=c.light)


def _side_eye(pen: Pen, x: float, y: float, mood: str) -> None:
    if mood == "sleepy":
        pen.stroke([(x - 0.1, y), (x, y + 0.06), (x + 0.1, y)], 0.06, INK)
        return
    size = 0.16 if mood == "surprised" else 0.13
    pen.ellipse(x, y, size + 0.03, color=WHITE, kind="mark")
    pen.ellipse(x - 0.02, y, size - 0.02, color=INK, kind="mark")
    pen.ellipse(x + 0.02, y - 0.05, 0.045, color=WHITE, kind="mark")


CREATURES = {
    function.__name__: function
    for function in (cat, dog, rabbit, bear, frog, bird, fish, turtle, mofu)
}
"""The drawing functions by subject: pen, palette, random source, mood -> where a hat sits."""
