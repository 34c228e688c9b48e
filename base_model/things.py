"""The things. Each function draws one in the box -1..1 and says where a hat would sit."""

from math import cos, pi, sin
from random import Random

from base_model.parts import GOLD, INK, LEAF, SKIN, WHITE, WOOD, Head, Palette, face, mix
from base_model.pen import Pen
from base_model.world import COLORS

_GLASS = (200, 230, 250)
_FLAME = (250, 160, 50)


def house(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """Walls in the colour; roof, door and windows vary."""
    del mood
    roof = (70, 84, 150) if c.body == COLORS["brown"] or c.body == COLORS["red"] else (176, 70, 56)
    w = rng.uniform(0.58, 0.7)
    if rng.random() < 0.7:
        x = rng.choice((-0.36, 0.36))
        pen.polygon([(x - 0.11, -0.3), (x - 0.11, -0.9), (x + 0.11, -0.9), (x + 0.11, -0.3)], WOOD)
    pen.polygon([(-w, 0.95), (-w, -0.12), (w, -0.12), (w, 0.95)], c.body)
    top = rng.uniform(0.8, 0.98)
    pen.polygon([(-w - 0.22, -0.06), (0, -top), (w + 0.22, -0.06)], roof)
    x = rng.choice((-0.28, 0.0, 0.28))
    pen.polygon([(x - 0.17, 0.95), (x - 0.17, 0.4), (x + 0.17, 0.4), (x + 0.17, 0.95)], WOOD)
    pen.ellipse(x + 0.09, 0.7, 0.035, color=GOLD, kind="mark")
    for wx, wy in ((-0.34, 0.14), (0.34, 0.14)) if x == 0 else ((-x * 1.15, 0.36),):
        s = 0.15 if x == 0 else 0.22
        pane = [(wx - s, wy - s), (wx + s, wy - s), (wx + s, wy + s), (wx - s, wy + s)]
        pen.polygon(pane, _GLASS)
        pen.stroke([(wx, wy - s), (wx, wy + s)], 0.04, WHITE)
        pen.stroke([(wx - s, wy), (wx + s, wy)], 0.04, WHITE)
    return Head(0.0, -top + 0.14, 0.5)


def tree(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """A crown of leaves in the colour, round or pointed, with or without fruit."""
    del mood
    pen.polygon([(-0.13, 0.96), (-0.1, 0.1), (0.1, 0.1), (0.13, 0.96)], WOOD)
    if rng.random() < 0.35:
        for y, w in ((0.5, 0.68), (0.08, 0.55), (-0.34, 0.4)):
            pen.polygon([(-w, y), (0, y - 0.62), (w, y)], c.body)
        return Head(0.0, -0.82, 0.4)
    turn = rng.random()
    leaves = []
    for part in range(14):
        radius = 0.68 if part % 2 else 0.56
        a = 2 * pi * (part + turn) / 14
        leaves.append((radius * 1.08 * cos(a), -0.25 + radius * sin(a)))
    pen.blob(leaves, c.body)
    if rng.random() < 0.5:
        for x, y in ((-0.3, -0.4), (0.25, -0.5), (0.02, -0.08), (0.42, -0.12), (-0.38, 0.02)):
            pen.ellipse(x, y, 0.09, color=c.light, kind="mark")
    return Head(0.0, -0.82, 0.56)


def car(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """From the side, long or short."""
    del mood
    back = rng.uniform(0.4, 0.6)
    front = rng.uniform(-0.5, -0.35)
    pen.blob([(front - 0.12, 0.1), (front + 0.1, -0.42), (0.0, -0.5), (back - 0.1, -0.44),
              (back + 0.12, 0.1)], c.body)  # fmt: skip
    for x0, x1 in ((front + 0.02, -0.02), (0.08, back - 0.02)):
        pen.polygon([(x0 + (0.1 if x0 < 0 else 0), -0.34), (x1 - (0.08 if x0 > 0 else 0), -0.34),
                     (x1, 0.02), (x0, 0.02)], _GLASS, kind="mark")  # fmt: skip
    pen.blob([(-0.96, 0.1), (-0.6, 0.0), (0.7, 0.0), (0.96, 0.12), (0.96, 0.46), (0.8, 0.52),
              (-0.8, 0.52), (-0.98, 0.44)], c.body)  # fmt: skip
    pen.ellipse(-0.88, 0.2, 0.09, color=GOLD, kind="mark")
    if rng.random() < 0.5:
        pen.stroke([(-0.7, 0.28), (0.8, 0.28)], 0.07, c.light)
    for x in (-0.5, 0.52):
        pen.ellipse(x, 0.52, 0.24, color=INK)
        pen.ellipse(x, 0.52, 0.11, color=(206, 208, 214), kind="mark")
    return Head(0.02, -0.44, 0.5)


def boat(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """A sailing boat; hull and one sail in the colour, on waves."""
    del mood
    pen.stroke([(0.0, 0.4), (0.0, -0.95)], 0.08, WOOD, kind="body")
    full = rng.uniform(0.5, 0.75)
    pen.polygon([(0.08, -0.86), (0.08, 0.26), (0.08 + full, 0.26)], (252, 248, 238))
    pen.polygon([(-0.08, -0.7), (-0.08, 0.26), (-0.06 - full * 0.8, 0.26)], c.light)
    pen.blob([(-0.92, 0.38), (-0.4, 0.42), (0.4, 0.42), (0.92, 0.36), (0.6, 0.84), (0.0, 0.9),
              (-0.6, 0.84)], c.body)  # fmt: skip
    pen.stroke([(-0.72, 0.54), (0.0, 0.58), (0.72, 0.54)], 0.07, WHITE)
    shift = rng.uniform(-0.1, 0.1)
    wave = [(-0.98, 0.84), (-0.6, 0.74 + shift), (-0.2, 0.84), (0.2, 0.74 + shift), (0.6, 0.84),
            (0.98, 0.76)]  # fmt: skip
    pen.polygon([*wave, (0.98, 1.0), (-0.98, 1.0)], (84, 156, 220))
    return Head(0.0, -0.9, 0.4)


def rocket(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """Standing or flying; fins, a window, a flame."""
    del mood
    fin = (214, 66, 62) if c.body != COLORS["red"] else (70, 100, 190)
    flame = rng.uniform(0.8, 1.0)
    pen.blob([(-0.2, 0.6), (0, flame), (0.2, 0.6)], _FLAME)
    for side in (-1, 1):
        pen.polygon([(side * 0.26, 0.1), (side * 0.66, 0.66), (side * 0.24, 0.56)], fin)
    pen.blob([(0, -0.98), (0.3, -0.5), (0.38, 0.1), (0.26, 0.62), (-0.26, 0.62), (-0.38, 0.1),
              (-0.3, -0.5)], c.body)  # fmt: skip
    pen.blob([(0, -0.98), (0.2, -0.72), (0.26, -0.56), (-0.26, -0.56), (-0.2, -0.72)], fin)
    pen.ellipse(0, -0.16, 0.2, color=(236, 238, 244))
    pen.ellipse(0, -0.16, 0.13, color=(100, 170, 230), kind="mark")
    if rng.random() < 0.5:
        pen.stroke([(-0.3, 0.34), (0, 0.4), (0.3, 0.34)], 0.08, c.light)
    return Head(0.0, -0.84, 0.4)


def umbrella(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """Open, in panels of the colour and a lighter one."""
    del mood
    pen.stroke([(0, -0.3), (0, 0.75), (0.1, 0.92), (0.26, 0.88), (0.3, 0.72)], 0.09, WOOD,
               kind="body")  # fmt: skip
    deep = rng.uniform(0.02, 0.16)
    edge = [(-0.94, deep), (-0.62, deep - 0.12), (-0.31, deep), (0, deep - 0.12), (0.31, deep),
            (0.62, deep - 0.12), (0.94, deep)]  # fmt: skip
    dome = [(0.82, -0.42), (0.46, -0.78), (0, -0.88), (-0.46, -0.78), (-0.82, -0.42)]
    pen.polygon([*edge, *dome], c.body)
    if rng.random() < 0.75:
        pen.blob([(-0.31, deep), (0, deep - 0.1), (0.31, deep), (0.2, -0.5), (0, -0.86),
                  (-0.2, -0.5)], c.light, kind="mark")  # fmt: skip
    pen.stroke([(0, -0.84), (0, -0.98)], 0.08, WOOD, kind="body")
    return Head(0.0, -0.84, 0.5)


def flower(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """Five to eight petals in the colour around a face."""
    bend = rng.uniform(-0.12, 0.12)
    pen.stroke([(0, -0.1), (bend, 0.5), (0, 0.98)], 0.1, LEAF, kind="body")
    for side in (-1, 1):
        pen.ellipse(side * 0.26 + bend, 0.66, 0.26, 0.12, LEAF, -side * 0.5)
    petals, turn = rng.randint(5, 8), rng.random()
    size = 1.62 / petals if petals > 5 else 0.3
    for part in range(petals):
        a = 2 * pi * (part + turn) / petals
        pen.ellipse(0.43 * cos(a), -0.36 + 0.43 * sin(a), 0.27, size, c.body, a)
    middle = GOLD if c.body not in (COLORS["yellow"], COLORS["orange"]) else (255, 246, 214)
    pen.ellipse(0, -0.36, 0.34, color=middle)
    face(pen, 0, -0.4, 0.15, mood)
    return Head(0.0, -0.84, 0.56)


def mushroom(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """A spotted cap in the colour on a stem with a face."""
    w = rng.uniform(0.3, 0.42)
    pen.blob([(-w, 0.0), (w, 0.0), (w + 0.06, 0.8), (0.24, 0.96), (-0.24, 0.96), (-w - 0.06, 0.8)],
             SKIN)  # fmt: skip
    pen.blob([(-0.92, 0.02), (-0.7, -0.54), (0, -0.86), (0.7, -0.54), (0.92, 0.02), (0.4, 0.14),
              (-0.4, 0.14)], c.body)  # fmt: skip
    spot = WHITE if c.body != COLORS["white"] else (220, 120, 110)
    shift = rng.uniform(-0.1, 0.1)
    for x, y, r in ((-0.5, -0.24, 0.15), (0.02, -0.5, 0.17), (0.5, -0.2, 0.14), (0.1, -0.08, 0.1)):
        pen.ellipse(x + shift, y, r, r * 0.85, spot, kind="mark")
    face(pen, 0, 0.44, 0.19, mood)
    return Head(0.0, -0.72, 0.62)


def star(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """Five points and a face."""
    inner = rng.uniform(0.46, 0.54)
    points = []
    for part in range(10):
        radius = inner if part % 2 else 1.0
        a = pi * part / 5 - pi / 2
        points.append((radius * cos(a), 0.06 + radius * sin(a)))
    pen.polygon(points, c.body)
    face(pen, 0, 0.02, 0.2, mood)
    return Head(0.0, -0.6, 0.46)


def robot(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """A box with a screen for a face; arms up or down."""
    for x in (-0.22, 0.22):
        pen.polygon([(x - 0.11, 0.6), (x + 0.11, 0.6), (x + 0.13, 0.97), (x - 0.13, 0.97)], c.dark)
    for side in (-1, 1):
        lift = rng.choice((-0.3, 0.34))
        pen.stroke([(side * 0.4, 0.26), (side * 0.7, 0.26 + lift)], 0.16, c.dark, kind="body")
        pen.ellipse(side * 0.72, 0.26 + lift, 0.13, color=c.body)
    pen.polygon([(-0.42, 0.08), (0.42, 0.08), (0.36, 0.72), (-0.36, 0.72)], c.body)
    pen.ellipse(0, 0.4, 0.14, color=rng.choice((GOLD, (240, 100, 100), (110, 220, 160))))
    pen.stroke([(0, -0.7), (0, -0.88)], 0.07, c.dark, kind="body")
    pen.ellipse(0, -0.9, 0.09, color=(240, 90, 80))
    pen.blob([(-0.58, -0.62), (0, -0.74), (0.58, -0.62), (0.6, 0.0), (0, 0.1), (-0.6, 0.0)], c.body)
    pen.blob([(-0.42, -0.5), (0, -0.56), (0.42, -0.5), (0.42, -0.1), (0, -0.04), (-0.42, -0.1)],
             mix(c.light, WHITE, 0.6), kind="mark")  # fmt: skip
    face(pen, 0, -0.36, 0.19, mood)
    return Head(0.0, -0.66, 0.56)


def cup(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """A mug with a face, something warm in it, steam."""
    w = rng.uniform(0.5, 0.6)
    handle = [(w - 0.05, -0.06), (w + 0.3, -0.02), (w + 0.3, 0.44), (w - 0.08, 0.5)]
    pen.stroke(handle, 0.14, c.dark, kind="body")
    pen.blob([(-w, -0.3), (w, -0.3), (w - 0.02, 0.5), (w - 0.14, 0.86), (-w + 0.14, 0.86),
              (-w + 0.02, 0.5)], c.body)  # fmt: skip
    pen.ellipse(0, -0.34, w, 0.15, c.light)
    pen.ellipse(0, -0.34, w - 0.1, 0.09, (120, 72, 44), kind="mark")
    if rng.random() < 0.6:
        for x in (-0.2, 0.16):
            pen.stroke([(x, -0.54), (x + 0.1, -0.68), (x - 0.02, -0.8), (x + 0.08, -0.96)], 0.07,
                       (226, 228, 234))  # fmt: skip
    face(pen, 0, 0.2, 0.23, mood)
    return Head(0.0, -0.4, 0.7)


def apple(pen: Pen, c: Palette, rng: Random, mood: str) -> Head:
    """A fruit with a leaf and a face."""
    lean = rng.uniform(-0.12, 0.12)
    pen.stroke([(0, -0.5), (lean, -0.94)], 0.1, WOOD, kind="body")
    pen.ellipse(0.24 + lean, -0.76, 0.25, 0.12, LEAF, -0.5)
    w = rng.uniform(0.74, 0.86)
    pen.blob([(0, -0.5), (0.44, -0.62), (w, -0.2), (0.7, 0.46), (0.32, 0.9), (0, 0.82),
              (-0.32, 0.9), (-0.7, 0.46), (-w, -0.2), (-0.44, -0.62)], c.body)  # fmt: skip
    pen.ellipse(-0.48, -0.26, 0.12, 0.2, c.light, 0.5, kind="mark")
    face(pen, 0, 0.12, 0.26, mood)
    return Head(0.0, -0.56, 0.66)


THINGS = {
    function.__name__: function
    for function in (
        *(flower, mushroom, star, robot, cup, apple),
        *(house, tree, car, boat, rocket, umbrella),
    )
}
"""The drawing functions by subject: pen, palette, random source, mood -> where a hat sits."""
