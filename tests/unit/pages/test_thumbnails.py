"""Pictures inside a page."""

import base64
import io

import pytest
from PIL import Image

from lorabench.errors import UserError
from lorabench.pages.thumbnails import data_uri


@pytest.mark.parametrize(("size", "shown"), [((400, 200), (100, 50)), ((60, 40), (60, 40))])
def test_a_picture_is_made_smaller_and_never_larger(tmp_path, size, shown):
    path = tmp_path / "a.png"
    Image.new("RGB", size, "red").save(path)
    head, data = data_uri(path, 100).split(",")
    assert head == "data:image/webp;base64"
    image = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (image.format, image.size) == ("WEBP", shown)


def test_a_damaged_picture_is_named(tmp_path):
    (tmp_path / "a.png").write_text("none")
    with pytest.raises(UserError, match=r"a\.png"):
        data_uri(tmp_path / "a.png", 100)
