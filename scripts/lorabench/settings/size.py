"""A picture's size as people type it: apart, because programs of cells import it."""

import re

_SIZE = re.compile(r"(\d{1,5})\s*[x×]\s*(\d{1,5})", re.IGNORECASE)
_SIDES = range(16, 16384 + 8, 8)


def sides(size: str) -> tuple[int, int]:
    """Return width and height in px; raises `ValueError` for what is no size of a picture."""
    found = _SIZE.fullmatch(size.strip())
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(side in _SIDES for side in (width, height)):
        raise ValueError(
            "should be a width and a height in px, such as 832x1216: multiples of 8 from "
            f"{_SIDES.start} to {_SIDES[-1]}"
        )
    return width, height
