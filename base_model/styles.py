"""The drawing styles: what each makes of colours, outlines and backgrounds."""

from collections.abc import Callable
from dataclasses import dataclass

from base_model.parts import WHITE, mix
from base_model.world import Color


def _same(color: Color) -> Color:
    return color


@dataclass(frozen=True)
class Style:
    """How a scene is drawn; widths are shares of the picture's short side."""

    tint: Callable[[Color], Color] = _same
    backdrop: Callable[[Color], Color] = _same
    ink: Color | None = None
    ink_width: float = 0.0
    border: float = 0.0
    dots: bool = False
    cheeks: bool = False
    pixels: int = 0


def _muted(color: Color) -> Color:
    """Return `color` with half its saturation, a little lighter."""
    gray = round(sum(color) / 3)
    return mix(mix(color, (gray, gray, gray), 0.5), (250, 236, 230), 0.2)


def _pastel(color: Color) -> Color:
    dark = sum(color) < 240
    return mix(color, (236, 222, 240) if dark else WHITE, 0.72 if dark else 0.45)


def _paper(color: Color) -> Color:
    return mix(color, WHITE, 0.8)


def _board(color: Color) -> Color:
    return mix(color, (36, 52, 48), 0.8)


LOOKS: dict[str, Style] = {
    "flat": Style(),
    "line art": Style(_paper, _paper, ink=(60, 60, 70), ink_width=0.0075),
    "chalk": Style(_board, _board, ink=(238, 238, 226), ink_width=0.0105),
    "pixel art": Style(pixels=32),
    "sticker": Style(border=0.026),
    "comic": Style(ink=(40, 34, 44), ink_width=0.013),
    "polka dots": Style(dots=True),
    "ponnyu": Style(_muted, _pastel, ink=(46, 34, 66), ink_width=0.016, dots=True, cheeks=True),
}
"""The names in world.STYLES -> how each is drawn."""
