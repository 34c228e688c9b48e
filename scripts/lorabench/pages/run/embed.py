"""Pictures inside a page, as the addresses of its images."""

import base64
from pathlib import Path

from lorabench.pages.run.thumbnails import encode
from lorabench.sweep.pictures import open_rgb


def data_uri(path: Path, longest_side: int) -> str:
    """Return a picture as a WebP data URI, made smaller to `longest_side` px, never larger.

    Raises `UserError` for a missing or unreadable picture.
    """
    picture = encode(open_rgb(path), longest_side)
    return "data:image/webp;base64," + base64.b64encode(picture).decode("ascii")
