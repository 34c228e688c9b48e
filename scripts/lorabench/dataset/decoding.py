"""Decode any picture file to upright sRGB, or say why it cannot be used."""

import io
import math
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import BinaryIO, Literal

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from lorabench.dataset import jxl
from lorabench.dataset.refusals import RejectedError

# Pillow's own limit is a constant; ours is a setting (`check_pixels`).
Image.MAX_IMAGE_PIXELS = None

# Pillow warns of oddities in metadata that is dropped anyway.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

# A JPEG decodes to 1/2, 1/4 or 1/8 of its size in a fraction of the time. This loses nothing if
# the Lanczos filter that follows still halves the picture: compared with full decoding, noise
# differs by at most 4 of 255 levels, 53 dB; if Lanczos shrinks only by 1.7, 49 dB.
DRAFT_MARGIN = 2.0

# Pillow averages whole blocks first if Lanczos shrinks by more than this. At 3, the result is
# within 2 of 255 levels of Lanczos alone, in half the time.
_REDUCING_GAP = 3.0

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = (5, 6, 7, 8)

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "AVIF")
"""Pillow knows more, some of which start programs: Ghostscript runs an EPS, whatever its name."""

_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "HEIC"),
}
"""The first bytes of files that Pillow does not recognize by these alone."""
_SIGNS_OF_TRUNCATION = ("truncated", "broken data stream", "not enough data", "end of file")

_BAND = 2**20
"""Pixels that are converted at a time."""
_PROFILE_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_SRGB_NAMES = ("sRGB", "sRGB built-in", "sRGB2014")
_SRGB = ImageCms.createProfile("sRGB")


def open_picture(file: BinaryIO, max_pixels: float = math.inf) -> Image.Image:
    """Open a seekable picture file without decoding it, so that `check_pixels` can come first.

    Only JPEG XL is decoded at once, if it has at most `max_pixels` million pixels. Raises
    `RejectedError` for a file that is damaged, too large or not a picture.
    """
    head = file.read(12)
    size = file.seek(0, io.SEEK_END)
    if not head:
        raise RejectedError("empty")
    if size < _declared_size(head[:8]):
        raise RejectedError("truncated")
    if jxl.is_jxl(head):
        return _open_jxl(file, max_pixels)
    formats = list(_FORMATS)
    if head[4:8] == b"ftyp":
        _know_heif()
        formats.append("HEIF")
    file.seek(0)
    with _plain_reasons(_BRANDS.get(head[8:12], "")):
        return Image.open(file, formats=formats)


def _open_jxl(file: BinaryIO, max_pixels: float) -> Image.Image:
    import pillow_jxl  # noqa: F401  (Pillow knows JPEG XL by it)

    declared = jxl.size(file)
    if declared is None:
        raise RejectedError("truncated")
    check_pixels(declared, max_pixels)
    file.seek(0)
    try:
        return Image.open(file, formats=["JXL"])
    except Exception:  # its own message advises building a library
        raise RejectedError("damaged", format="JPEG XL") from None


@cache
def _know_heif() -> None:
    """Register HEIC and its kin with Pillow, in an import that only these pictures need."""
    import pillow_heif

    pillow_heif.register_heif_opener()


def check_pixels(size: tuple[int, int], max_pixels: float) -> None:
    """Raise `RejectedError` beyond `max_pixels` million pixels: a decompression bomb."""
    width, height = size
    millions = width * height / 1e6
    if millions > max_pixels:
        raise RejectedError(
            "too_large", width=width, height=height, millions=millions, limit=max_pixels
        )


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height of an opened picture after its EXIF orientation."""
    width, height = image.size
    return (height, width) if _orientation(image) in _LYING else (width, height)


def decode(image: Image.Image, background: str = "#ffffff", scale: float = 1.0) -> Image.Image:
    """Decode the first frame of an opened picture to upright sRGB, mode RGB, without metadata.

    `background` is the colour put behind transparency. The result will be resized by `scale`, so a
    JPEG may be decoded to 1/2, 1/4 or 1/8 of its size (`DRAFT_MARGIN`). Raises `RejectedError` for
    a truncated or damaged file.
    """
    with _plain_reasons():
        orientation = _orientation(image)
        margin = scale * DRAFT_MARGIN
        if margin < 1:
            width, height = image.size
            image.draft(None, (max(1, round(width * margin)), max(1, round(height * margin))))
        image.load()
        picture = to_srgb(image, background)
    return picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture


def resize(
    image: Image.Image, size: tuple[int, int], crop: tuple[float, float, float, float]
) -> Image.Image:
    """Resize the box `crop` (left, top, right, bottom, px) of a picture with Lanczos."""
    result = image.resize(size, Image.Resampling.LANCZOS, box=crop, reducing_gap=_REDUCING_GAP)
    result.info = {}
    return result


def to_srgb(image: Image.Image, background: str) -> Image.Image:
    """Convert any mode to sRGB, mode RGB, transparency flattened on `background`.

    Colours go through the embedded ICC profile (relative colorimetric with black point
    compensation); a broken profile, or one for another kind of colour, is ignored as browsers do.
    """
    profile = image.info.get("icc_profile")
    image = _eight_bit(image)
    alpha = None
    if image.has_transparency_data:
        grey = image.mode in ("L", "LA", "La")
        image = image.convert("LA" if grey else "RGBA")
        alpha = image.getchannel("A")
        image = image.convert("L" if grey else "RGB")
    picture = _through_profile(image, profile)
    if alpha is None or alpha.getextrema() == (255, 255):
        return picture
    canvas = Image.new("RGB", picture.size, background)
    canvas.paste(picture, mask=alpha)
    return canvas


def _declared_size(head: bytes) -> int:
    """Return the least length of a file by its first bytes, or 0.

    A WebP gives its length, a TIFF the place of its directory, often at the end. Pillow calls
    either unknown if it is cut off.
    """
    order: Literal["big", "little"] = "big" if head.startswith(b"MM") else "little"
    number = int.from_bytes(head[4:], order)
    if head.startswith(b"RIFF"):
        return number + 8
    return number + 2 if head.startswith((b"II*\0", b"MM\0*")) else 0


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8.

    Pillow turns TIFFs itself, and JPEG XL is stored upright unless it holds a JPEG.
    """
    if image.format == "TIFF" or (image.format == "JXL" and not getattr(image, "jpeg", False)):
        return 1
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # the picture is sound and its metadata is damaged, which fails in many ways
        return 1


def _eight_bit(image: Image.Image) -> Image.Image:
    """Convert a picture with more or fewer than 8 bits per channel to 8.

    16-bit grey keeps its high byte, as Pillow does with 16-bit RGB. Integers beyond 16 bits are
    scaled by their maximum; floats range from 0 to 1, or from 0 to 255 if any is above 1.
    """
    if image.mode.startswith("I;16"):
        return _in_bands(image, lambda values: values >> 8)
    if image.mode == "I":
        top = max(int(np.asarray(band).max()) for _, band in _bands(image))
        scale = 255 / max(top, 2**16 - 1)
        return _in_bands(image, lambda values: (values.clip(0) * scale).round())
    if image.mode == "F":
        whole = max(float(_finite(np.asarray(band)).max()) for _, band in _bands(image)) <= 1
        scale = 255 if whole else 1
        return _in_bands(image, lambda values: (_finite(values) * np.float32(scale)).round())
    if image.mode == "1":
        return image.convert("L")
    return image


def _finite(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(values).clip(0, 255)


def _in_bands(image: Image.Image, convert: Callable[[np.ndarray], np.ndarray]) -> Image.Image:
    """Return a picture of one channel with 8 bits, converted a few rows at a time.

    As a whole, numpy's copies would take many times the memory of the picture.
    """
    result = Image.new("L", image.size)
    for top, band in _bands(image):
        result.paste(Image.fromarray(convert(np.asarray(band)).astype(np.uint8)), (0, top))
    return result


def _bands(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Yield a picture in bands of about `_BAND` pixels, each with the place of its first row."""
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _through_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode not in ("L", "CMYK", "LAB"):
        image = _rgb(image)
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return ImageCms.buildTransform(lab, _SRGB, "LAB", "RGB").apply(image)
    transform = _transform(profile) if profile else None
    if transform is not None and image.mode == "L" and transform.input_mode == "RGB":
        image = _rgb(image)
    if transform is None or transform.input_mode != image.mode:
        return _rgb(image)
    return transform.apply(image)


def _rgb(image: Image.Image) -> Image.Image:
    """Convert to RGB; unlike Pillow, without copying a picture in RGB."""
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(maxsize=8)
def _transform(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """Return the transform from a profile to sRGB; None if it is sRGB itself or unusable."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(source).strip()
        mode = _PROFILE_MODES.get(source.profile.xcolor_space)
        if mode is None or name in _SRGB_NAMES or name.startswith("sRGB IEC61966-2"):
            return None
        return ImageCms.buildTransform(
            source,
            _SRGB,
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


@contextmanager
def _plain_reasons(format: str = "") -> Generator[None]:
    """Turn any exception of a decoder into a `RejectedError`; `format` is the likely format.

    Pillow's plugins fail on damaged files in a dozen ways (OSError, SyntaxError, struct.error, …).
    """
    try:
        yield
    except UnidentifiedImageError:
        if format:
            raise RejectedError("damaged", format=format) from None
        raise RejectedError("no_picture") from None
    except MemoryError:
        raise RejectedError("no_memory") from None
    except Exception as error:
        message = str(error) or type(error).__name__
        if isinstance(error, EOFError) or any(s in message.lower() for s in _SIGNS_OF_TRUNCATION):
            raise RejectedError("truncated") from None
        raise RejectedError("undecodable", message=message) from None
