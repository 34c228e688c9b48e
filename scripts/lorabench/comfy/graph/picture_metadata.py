"""Read the texts in a picture's metadata, where programs write how they made it.

ComfyUI's SaveImage writes PNG text chunks, its animated PNGs a special chunk, its WebP the EXIF
fields Make and Model as `prompt:…` and `workflow:…`. Custom nodes use other EXIF fields for JPEG,
WebP and AVIF, mostly the user comment.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from io import BytesIO

from PIL import ExifTags, Image, UnidentifiedImageError

from lorabench.errors import UserError

_LABELLED = re.compile(r"\s*([A-Za-z_]+)\s*:\s*(?=[{\[])")
_CHARACTER_CODE = re.compile(rb"ASCII\0{3}|JIS\0{5}|\0{8}")


def texts(data: bytes) -> dict[str, str]:
    """Return a picture's texts by name, text chunks before EXIF; `UserError` if unreadable."""
    try:
        with Image.open(BytesIO(data)) as picture:
            found = [*_of_png(picture), *_of_exif(picture)]
    except UnidentifiedImageError:
        raise UserError("no readable picture: of an unknown kind, or damaged") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(f"no readable picture: {error}") from None
    return dict(reversed(found))  # the first of each name


def _of_png(picture: Image.Image) -> Iterator[tuple[str, str]]:
    """Yield the text chunks, including those behind the pixels, where optimizers put them."""
    yield from ((str(key), value) for key, value in picture.info.items() if isinstance(value, str))
    with suppress(OSError, SyntaxError):  # it reads the pixels, which may be cut off
        yield from getattr(picture, "text", {}).items()
    for name, content, *_ in getattr(picture, "private_chunks", ()):
        if name == b"comf":  # ComfyUI's SaveAnimatedPNG
            key, _, text = content.partition(b"\0")
            yield key.decode("latin-1"), text.decode("utf-8", "replace")


def _of_exif(picture: Image.Image) -> Iterator[tuple[str, str]]:
    exif: Mapping[int, object] = {}
    with suppress(OSError, SyntaxError):  # that of a PNG is behind its pixels
        found = picture.getexif()
        exif = {**found, **found.get_ifd(ExifTags.IFD.Exif)}
    for tag, value in exif.items():
        if isinstance(value, str | bytes):
            text = _decoded(value)
            label = _LABELLED.match(text)
            if label:
                yield label[1].lower(), text[label.end() :]
            else:
                yield ExifTags.TAGS.get(tag, str(tag)), text


def _decoded(value: str | bytes) -> str:
    """Return the text of an EXIF field; Pillow reads those of type ASCII as Latin-1."""
    raw = value.encode("latin-1", "replace") if isinstance(value, str) else value
    if raw.startswith(b"UNICODE\0"):
        raw = raw[8:]
        little = raw.startswith(b"\xff\xfe") or raw[1:2] == b"\0"
        return raw.decode("utf-16-le" if little else "utf-16-be", "replace").strip("\ufeff\0")
    start = _CHARACTER_CODE.match(raw)
    return raw[start.end() if start else 0 :].rstrip(b"\0").decode("utf-8", "replace")
