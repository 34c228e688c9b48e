"""Read the size of a JPEG XL picture from its header (ISO/IEC 18181-1).

Pillow's plugin decodes a picture when it opens it, which is too late to refuse a bomb.
"""

from typing import BinaryIO

_CODESTREAM = b"\xff\x0a"
_CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"

_LENGTHS = (9, 13, 18, 30)
"""Bits of an edge, by a selector of two bits."""
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height, by a number of three bits from 1 on; 0: the width follows."""
_HEADER = 16
"""The size lies within this many bytes."""


def is_jxl(head: bytes) -> bool:
    """Return whether a file with this beginning is a JPEG XL picture."""
    return head.startswith((_CODESTREAM, _CONTAINER))


def size(file: BinaryIO) -> tuple[int, int] | None:
    """Return the stored width and height in px; None if the file has no header."""
    file.seek(0)
    head = file.read(_HEADER)
    if head.startswith(_CONTAINER):
        head = _codestream(file)
    return _read_size(head[2:]) if head.startswith(_CODESTREAM) else None


def _codestream(file: BinaryIO) -> bytes:
    """Return the beginning of the codestream in a container of boxes."""
    at = 0
    while True:
        file.seek(at)
        box = file.read(16)
        length, kind = int.from_bytes(box[:4]), box[4:8]
        header = 8
        if length == 1:
            length, header = int.from_bytes(box[8:16]), 16
        if kind in (b"jxlc", b"jxlp"):
            file.seek(at + header + (4 if kind == b"jxlp" else 0))  # a part has its number first
            return file.read(_HEADER)
        if length < header or len(box) < 8:  # the last box, or no box at all
            return b""
        at += length


def _read_size(data: bytes) -> tuple[int, int]:
    bits = int.from_bytes(data.ljust(_HEADER, b"\0"), "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    small = take(1)

    def edge() -> int:
        return (take(5) + 1) * 8 if small else take(_LENGTHS[take(2)]) + 1

    height = edge()
    ratio = take(3)
    if not ratio:
        return edge(), height
    across, down = _RATIOS[ratio - 1]
    return height * across // down, height
