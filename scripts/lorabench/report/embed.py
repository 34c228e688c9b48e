"""Pictures inside a page."""

import base64
import io
from pathlib import Path

from PIL import Image

from lorabench.bench.cell import open_rgb

_QUALITY = 85


def data_uri(path: Path, longest_side: int) -> str:
    """Return a picture as a WebP data URI, made smaller to `longest_side` px, never larger.

    Raises `UserError` for a missing or unreadable picture.
    """
    image = open_rgb(path)
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "webp", quality=_QUALITY)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
