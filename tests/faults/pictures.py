"""Normalize spoilt pictures of every format that is read: each gives a PNG or a reason."""

import io
import os
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401  (Pillow writes JPEG XL by it)
from PIL import Image

from lorabench.dataset.picture import Row, Store, normalize
from lorabench.settings.models import PreprocessSettings
from tests.faults import harness, mutate
from tests.pictures import photo, settings

SIZE = 160
LARGEST = (9900, 10000)
"""Just below the limit of 100 million pixels."""


def _saved(format: str, mode: str = "RGB", **options: Any) -> Callable[[], bytes]:
    def write() -> bytes:
        buffer = io.BytesIO()
        photo(1, SIZE, SIZE).convert(mode).save(buffer, format, **options)
        return buffer.getvalue()

    return write


def _deep(mode: str, **options: Any) -> Callable[[], bytes]:
    """Return how to write a TIFF or PNG with more than 8 bits a channel."""

    def write() -> bytes:
        values = np.linspace(0, 60000, SIZE * SIZE).reshape(SIZE, SIZE)
        dtype = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        buffer = io.BytesIO()
        Image.fromarray(values.astype(dtype)).save(buffer, **{"format": "TIFF", **options})
        return buffer.getvalue()

    return write


def _animated(format: str) -> Callable[[], bytes]:
    frames = [photo(seed, SIZE, SIZE) for seed in range(3)]
    return _saved(format, save_all=True, append_images=frames)


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a picture"
    return exif.tobytes()


SEEDS: dict[str, Callable[[], bytes]] = {
    "PNG": _saved("PNG"),
    "PNG, palette": _saved("PNG", "P"),
    "PNG, alpha": _saved("PNG", "RGBA"),
    "PNG, 16 bits": _deep("I;16", format="PNG"),
    "APNG": _animated("PNG"),
    "JPEG": _saved("JPEG", exif=_exif()),
    "JPEG, progressive": _saved("JPEG", progressive=True),
    "JPEG, CMYK": _saved("JPEG", "CMYK"),
    "JPEG, grey": _saved("JPEG", "L"),
    "MPO": _animated("MPO"),
    "WebP": _saved("WEBP"),
    "WebP, lossless": _saved("WEBP", "RGBA", lossless=True),
    "WebP, animated": _animated("WEBP"),
    "BMP": _saved("BMP"),
    "BMP, palette": _saved("BMP", "P"),
    "GIF": _saved("GIF", "P"),
    "GIF, animated": _animated("GIF"),
    "TIFF": _saved("TIFF"),
    "TIFF, LZW": _saved("TIFF", compression="tiff_lzw"),
    "TIFF, deflate": _saved("TIFF", "RGBA", compression="tiff_adobe_deflate"),
    "TIFF, JPEG": _saved("TIFF", compression="jpeg"),
    "TIFF, bilevel": _saved("TIFF", "1", compression="group4"),
    "TIFF, LAB": _saved("TIFF", "LAB"),
    "TIFF, 16 bits": _deep("I;16"),
    "TIFF, 32 bits": _deep("I", compression="tiff_lzw"),
    "TIFF, floats": _deep("F"),
    "AVIF": _saved("AVIF"),
    "HEIC": _saved("HEIF"),
    "JPEG XL": _saved("JXL"),
    "JPEG XL, lossless": _saved("JXL", lossless=True),
}


def _bomb(format: str, size: tuple[int, int], **options: Any) -> Callable[[], bytes]:
    def write() -> bytes:
        buffer = io.BytesIO()
        Image.new(options.pop("mode", "L"), size).save(buffer, format, **options)
        return buffer.getvalue()

    return write


def _declared(width: int, height: int) -> Callable[[], bytes]:
    """Return how to write a PNG that only declares its size."""

    def write() -> bytes:
        data = bytearray(_saved("PNG")())
        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        return bytes(data)

    return write


def tiff(bits: tuple[int, ...], size: tuple[int, int], rows: int = 0) -> bytes:
    """Return a TIFF of one colour: as many channels as `bits`, in strips of `rows`, or of 4 MB."""
    width, height = size
    rows = rows or max(1, 2**22 // (width * sum(bits) // 8))
    strips = [width * sum(bits) // 8 * min(rows, height - top) for top in range(0, height, rows)]
    packed = {size: zlib.compress(bytes(size), 9) for size in set(strips)}
    data, places = b"", []
    for strip in strips:
        places.append(8 + len(data))
        data += packed[strip]
    extra = len(bits) - (3 if len(bits) >= 3 else 1)
    entries: list[tuple[int, int, list[int]]] = [
        (256, 4, [width]), (257, 4, [height]), (258, 3, list(bits)),
        (259, 3, [8]), (262, 3, [2 if len(bits) >= 3 else 1]),
        (273, 4, places), (277, 3, [len(bits)]), (278, 4, [rows]),
        (279, 4, [len(packed[strip]) for strip in strips]),
        *([(338, 3, [2] * extra)] if extra else []),
    ]  # fmt: skip
    at = 8 + len(data)
    begin = at + 2 + 12 * len(entries) + 4
    directory, more = struct.pack("<H", len(entries)), b""
    for tag, kind, values in entries:
        body = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        if len(body) > 4:
            place = struct.pack("<I", begin + len(more))
            more += body
        else:
            place = body.ljust(4, b"\0")
        directory += struct.pack("<HHI", tag, kind, len(values)) + place
    return struct.pack("<2sHI", b"II", 42, at) + data + directory + bytes(4) + more


BOMBS: dict[str, Callable[[], bytes]] = {
    "30,000 × 30,000, PNG": _bomb("PNG", (30000, 30000), mode="1"),
    "30,000 × 30,000, only declared": _declared(30000, 30000),
    "30,000 × 30,000, TIFF": lambda: tiff((8, 8, 8), (30000, 30000)),
    "16,383 × 16,383, WebP": _bomb("WEBP", (16383, 16383), mode="RGB", lossless=True, method=0),
    "99 million pixels, PNG": _bomb("PNG", LARGEST, mode="1"),
    "99 million pixels, GIF": _bomb("GIF", LARGEST),
    "99 million pixels, TIFF of 8 bits": lambda: tiff((8,), LARGEST),
    "99 million pixels, TIFF of 16 bits": lambda: tiff((16,), LARGEST),
    "99 million pixels, TIFF of 32 bits": lambda: tiff((32,), LARGEST),
    "99 million pixels, TIFF, RGBA": lambda: tiff((8,) * 4, LARGEST),
    "99 million pixels, TIFF, RGBA of 16 bits": lambda: tiff((16,) * 4, LARGEST),
    "99 million pixels, TIFF, RGBA of 16 bits, one strip": lambda: tiff((16,) * 4, LARGEST, 10000),
    "99 million pixels, TIFF, RGBA of 16 bits, a row a strip": lambda: tiff((16,) * 4, LARGEST, 1),
    "99 million pixels, TIFF of 32 bits, one strip": lambda: tiff((32,), LARGEST, 10000),
    "99 million pixels, JPEG": _bomb("JPEG", LARGEST, mode="RGB"),
}
"""Small files with many pixels; they come first, and cost most of the time."""


def bombs(folder: Path, cases: int, seed: int) -> Iterator[tuple[str, Any]]:
    """Yield the bombs, in files."""
    for number, (name, write) in enumerate(BOMBS.items()):
        if number < cases:
            path = folder / f"bomb{number}.png"
            path.write_bytes(write())
            yield name, str(path)


def make(folder: Path, cases: int, seed: int) -> Iterator[tuple[str, Any]]:
    """Yield spoilt pictures of all formats in turn."""
    pillow_heif.register_heif_opener()
    originals = {name: write() for name, write in SEEDS.items()}
    names = list(originals)
    for number in range(cases):
        name = names[number % len(names)]
        dice = Random(f"{seed} {number}")
        yield f"{name} {number}", mutate.spoil(originals[name], dice)


def attempt(folder: Path, case: bytes | str) -> int:
    """Bring one picture into a store, and look at what came of it."""
    path = Path(case) if isinstance(case, str) else folder / "picture.png"
    if isinstance(case, bytes):
        path.write_bytes(case)
    used: PreprocessSettings = settings()
    store = Store(folder / "store", used)
    row = normalize(path, "a.png", used, store)
    if not row.ok:
        print(row.reason)
        return 1 if _is_plain(row) else 70
    with Image.open(store.picture(row.source_sha256), formats=["PNG"]) as image:
        assert image.size == (row.width, row.height) and image.mode == "RGB"
    return 0


def _is_plain(row: Row) -> bool:
    return bool(row.code) and "Traceback" not in row.reason and len(row.reason) < 400


TRIAL = harness.Trial("pictures", make, attempt, seconds=30, megabytes=600)
LARGE = harness.Trial("pictures that are bombs", bombs, attempt, seconds=120, megabytes=1500)

if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if "--bombs" in sys.argv:
        sys.argv.remove("--bombs")
        sys.exit(harness.main(LARGE, len(BOMBS)))
    sys.exit(harness.main(TRIAL, 2000))
