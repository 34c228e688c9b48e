"""Words on pictures: a font with Japanese, and lines that fit their room."""

from functools import cache

from noto_cjk_sans_jp_regular import FONT_PATH
from PIL import ImageFont


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return Noto Sans CJK JP, `size` pixels high, from its Python package."""
    return ImageFont.truetype(str(FONT_PATH), size)


def wrap(text: str, font: ImageFont.FreeTypeFont, width: float, lines: int) -> list[str]:
    """Break `text` into at most `lines` lines of `width` pixels; a shortened text ends in `…`.

    Lines break at spaces, after hyphens and underscores, in words longer than a line and, as usual
    in Japanese, between any two characters that are not ASCII.
    """
    text = " ".join(text.split())
    broken: list[str] = []
    while text and len(broken) < lines - 1:
        end = _fitting(text, font, width)
        if text[end - 1 : end + 1].isascii() and end < len(text):
            hyphens = (text.rfind(sign, 1, end) for sign in "-_")
            end = max(text.rfind(" ", 1, end + 1), *hyphens) + 1 or end
        broken.append(text[:end].rstrip())
        text = text[end:]
    return [*broken, shorten(text, font, width)] if text else broken


def shorten(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """Return `text`, or its beginning and `…`, at most `width` pixels long."""
    if font.getlength(text) <= width:
        return text
    return text[: _fitting(text, font, width - font.getlength("…"))].rstrip() + "…"


def _fitting(text: str, font: ImageFont.FreeTypeFont, width: float) -> int:
    """Return how many characters of `text` fit into `width` pixels, at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if font.getlength(text[:middle]) <= width else (low, middle - 1)
    return low
