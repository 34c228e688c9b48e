"""Encode pictures for a page: WebP at display size, as base64 text."""

import base64
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from PIL import Image

from lorabench.cli import log
from lorabench.sweep.pictures import open_rgb

SMALL_SIDE = 256
"""Pixels: the longest side of a picture that stands beside those of the sweep."""

_SIDE, _SIDE_OF_MANY, _MANY = 512, 384, 400

_QUALITY = {True: 92, False: 80}  # of a picture that is small, where artefacts would be seen; else
_EFFORT = 2  # of 0 to 6: half the time of 4 for a tenth more bytes

Thing = TypeVar("Thing")
Result = TypeVar("Result")


class Thumbnail(NamedTuple):
    """One picture to embed: the page's name for it, its file, its longest side in pixels."""

    name: str
    path: Path
    side: int


def side(number: int) -> int:
    """Return the longest side in pixels of a sweep's pictures, by their number.

    Of many it is shorter: 1,000 photographs of 512 pixels would make a page of 80 MB.
    """
    return _SIDE if number <= _MANY else _SIDE_OF_MANY


def embedded(pictures: Iterable[Thumbnail], workers: int) -> Iterator[tuple[str, str]]:
    """Yield each picture's name and base64 text in order; the text is empty if it is unreadable.

    Threads do: Pillow decodes, scales and encodes without Python's lock. A few pictures are in
    memory at a time, however many there are.
    """
    yield from in_order(lambda picture: (picture.name, _text(picture)), pictures, workers)


def in_order(
    work: Callable[[Thing], Result], things: Iterable[Thing], workers: int
) -> Iterator[Result]:
    """Yield `work` of each thing in order, done by threads that are a few things ahead at most."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for thing in things:
            waiting.append(pool.submit(work, thing))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def encode(image: Image.Image, side: int) -> bytes:
    """Return an RGB picture as WebP, made smaller where its longest side is beyond `side` px."""
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    quality = _QUALITY[max(image.size) <= SMALL_SIDE]
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=_EFFORT)
    return buffer.getvalue()


def data_uri(path: Path, side: int) -> str:
    """Return a picture as a WebP data URI, made smaller to `side` px, never larger.

    Raises `UserError` for a missing or unreadable picture.
    """
    picture = encode(open_rgb(path), side)
    return "data:image/webp;base64," + base64.b64encode(picture).decode("ascii")


def _text(picture: Thumbnail) -> str:
    try:
        with Image.open(picture.path) as image:
            image.draft("RGB", (picture.side, picture.side))  # a large JPEG is decoded smaller
            return base64.b64encode(encode(image.convert("RGB"), picture.side)).decode()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        log.warning("%s: left out of the report, not a readable picture (%s)", picture.path, error)
        return ""
