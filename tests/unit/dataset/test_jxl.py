"""The size of a JPEG XL picture is known before it is decoded."""

import io

import pillow_jxl  # noqa: F401  (Pillow writes JPEG XL by it)
import pytest
from PIL import Image

from lorabench.dataset import jxl
from lorabench.dataset.decoding import RejectedError, open_picture


def saved(size, **options):
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "JXL", effort=1, **options)
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize(
    "size", [(8, 8), (256, 256), (264, 256), (513, 1), (1, 513), (120, 100), (640, 480), (9000, 9)]
)
def test_the_size_is_that_of_the_picture(size, container):
    assert jxl.size(saved(size, use_container=container)) == size


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(Image, "open", None)
    with pytest.raises(
        RejectedError, match=r"too many pixels: 1200×1000 are 1.2 million, at most 1"
    ):
        open_picture(saved((1200, 1000)), 1)


@pytest.mark.parametrize(
    "data", [b"\0\0\0\x0cJXL \r\n\x87\n", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\0mdat"]
)
def test_a_container_without_a_picture_has_no_size(data):
    assert jxl.size(io.BytesIO(data)) is None
    with pytest.raises(RejectedError, match="truncated"):
        open_picture(io.BytesIO(data))


def test_a_damaged_one_is_refused_in_plain_words():
    data = saved((160, 160)).getvalue()
    for broken in (data[: len(data) // 2], b"\xff\x0a" + b"\0" * 200):
        with pytest.raises(RejectedError, match="a damaged or truncated JPEG XL file"):
            open_picture(io.BytesIO(broken))
