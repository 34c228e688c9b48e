import pytest

from lorabench.bench import origin
from lorabench.bench.cell import sweep
from lorabench.comfy.pictures import with_text
from tests.fake_comfy import png


@pytest.fixture
def write(tmp_path):
    """Write a picture at a weight, with the label given, if any."""

    def write(weight, **label):
        path = tmp_path / f"w{weight}" / "seed1_00.png"
        path.parent.mkdir()
        path.write_bytes(with_text(png(1), {origin.CHUNK: label} if label else {}))
        return path

    return write


def test_the_prompt_is_that_of_the_first_picture_that_tells_one(write, tmp_path):
    missing = tmp_path / "w0.20" / "seed1_00.png"
    pictures = [write("0.00"), missing, write("0.40", prompt=None), write("0.60", prompt="赤い猫")]
    assert origin.prompt(sweep(pictures)) == "赤い猫"


def test_without_labels_there_is_no_prompt(write):
    assert origin.prompt(sweep([write("0.00"), write("0.40", prompt=None)])) == ""
