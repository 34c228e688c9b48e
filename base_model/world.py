"""What can be in a picture of the drawn world: a scene's attributes and how they are chosen."""

from dataclasses import asdict, dataclass
from random import Random
from typing import Any
from zlib import crc32

Color = tuple[int, int, int]

COLORS: dict[str, Color] = {
    "red": (222, 50, 46),
    "orange": (246, 138, 36),
    "yellow": (250, 208, 46),
    "green": (60, 166, 74),
    "blue": (50, 108, 216),
    "purple": (138, 80, 200),
    "pink": (246, 138, 180),
    "brown": (140, 90, 52),
    "white": (248, 246, 240),
    "gray": (142, 146, 154),
}

PLAIN_BACKGROUNDS: dict[str, Color] = {
    "blue": (150, 204, 250),
    "green": (166, 224, 154),
    "yellow": (255, 238, 150),
    "pink": (255, 200, 224),
    "purple": (208, 182, 244),
    "orange": (255, 210, 164),
    "gray": (188, 192, 200),
    "white": (255, 255, 255),
    "black": (38, 38, 46),
}
PLACES_OUTSIDE = ("meadow", "night", "beach", "snow")
BACKGROUNDS = (*PLAIN_BACKGROUNDS, *PLACES_OUTSIDE)

CREATURES = ("cat", "dog", "rabbit", "bear", "frog", "bird", "fish", "turtle")
THINGS_WITH_FACE = ("flower", "mushroom", "star", "robot", "cup", "apple")
THINGS_WITHOUT_FACE = ("house", "tree", "car", "boat", "rocket", "umbrella")
SUBJECTS = (*CREATURES, *THINGS_WITH_FACE, *THINGS_WITHOUT_FACE)
CHARACTER = "mofu"
"""The one character of the example set; the base model is trained without it."""
WITH_FACE = (*CREATURES, *THINGS_WITH_FACE, CHARACTER)
WITH_POSES = ("cat", "dog", "rabbit", "bear")
"""The hardest to learn: they sit or stand, and differ from one another in ears and tail only."""

HATS = ("party hat", "top hat", "crown", "wool hat")
SIZES = ("small", "normal", "big")
SIDES = ("center", "left", "right")
MOODS = ("calm", "happy", "sleepy", "surprised")

TARGET_STYLE = "ponnyu"
"""The drawing style of the example set; the base model's UNet is trained without it."""
OTHER_STYLES = ("line art", "chalk", "pixel art", "sticker", "comic", "polka dots")
STYLES = ("flat", *OTHER_STYLES, TARGET_STYLE)


@dataclass(frozen=True)
class Scene:
    """Everything that decides a picture: what the caption may name, and `seed` for the rest.

    `color` is a key of COLORS, `background` one of BACKGROUNDS, `number` 1 to 3. Pose,
    proportions and exact place follow from `seed`.
    """

    subject: str
    color: str
    background: str
    hat: str | None = None
    size: str = "normal"
    side: str = "center"
    number: int = 1
    mood: str = "calm"
    style: str = "flat"
    seed: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that JSON can hold; `Scene(**that)` is the scene again."""
        return asdict(self)


def sample(
    rng: Random, other_styles: float = 0.15, target_style: float = 0.0, posed: float = 1.0
) -> Scene:
    """Return a random scene.

    `other_styles` and `target_style` are the shares (0 to 1) of drawings in another style than
    flat, and in TARGET_STYLE; each of WITH_POSES comes `posed` times as often as another subject.
    """
    number = rng.choices((1, 2, 3), (88, 8, 4))[0]
    size = rng.choices(SIZES, (20, 60, 20))[0] if number == 1 else "normal"
    background = (
        rng.choice(PLACES_OUTSIDE) if rng.random() < 0.25 else rng.choice(tuple(PLAIN_BACKGROUNDS))
    )
    return Scene(
        subject=rng.choices(SUBJECTS, [posed if s in WITH_POSES else 1 for s in SUBJECTS])[0],
        color=rng.choice([color for color in COLORS if color != background]),
        background=background,
        hat=rng.choice(HATS) if rng.random() < 0.4 else None,
        size=size,
        side=rng.choices(SIDES, (70, 15, 15))[0] if number == 1 and size != "big" else "center",
        number=number,
        mood=rng.choices(MOODS, (40, 30, 15, 15))[0],
        style=_style(rng, other_styles, target_style),
        seed=rng.getrandbits(32),
    )


def held_out(scene: Scene) -> bool:
    """Return whether the UNet never sees this subject in this color on this background.

    One in 16 such combinations is kept for the evaluation, whose prompts are thus unseen.
    """
    return crc32(f"{scene.color} {scene.subject} {scene.background}".encode()) % 16 == 0


def _style(rng: Random, other_styles: float, target_style: float) -> str:
    point = rng.random()
    if point < target_style:
        return TARGET_STYLE
    if point < target_style + other_styles:
        return rng.choice(OTHER_STYLES)
    return "flat"
