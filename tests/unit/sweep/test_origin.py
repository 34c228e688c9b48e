import pytest

from lorabench.comfy.client.pictures import with_text
from lorabench.errors import UserError
from lorabench.sweep import origin
from lorabench.sweep.label import CHUNK
from tests import records
from tests.fake_comfy import png


@pytest.fixture
def write(tmp_path):
    """Write a picture where one of a weight lies, with the label given, if any."""

    def write(place, **label):
        path = tmp_path / f"w{place}" / "seed1_00.png"
        path.parent.mkdir()
        path.write_bytes(with_text(png(1), {CHUNK: label} if label else {}))
        return path

    return write


def test_the_prompt_is_that_of_the_first_picture_that_tells_one(write, tmp_path):
    missing = tmp_path / "w0.20" / "seed1_00.png"
    pictures = [write("0.00"), missing, write("0.40", prompt=None), write("0.60", prompt="赤い猫")]
    assert origin.prompt(records.pictures(pictures)) == "赤い猫"


def test_without_labels_there_is_no_prompt(write):
    assert origin.prompt(records.pictures([write("0.00"), write("0.40", prompt=None)])) == ""


def test_a_picture_that_is_odd_in_two_ways_is_named_once(write):
    usual = {"run_id": "r", "lora_sha256": "a", "graph": "g"}
    pictures = [write(f"0.{n}0", **usual) for n in range(4)]
    origin.check_one_sweep(records.pictures(pictures))
    odd = write("0.50", run_id="r", lora_sha256="b", graph="h")
    with pytest.raises(UserError) as error:
        origin.check_one_sweep(records.pictures([*pictures, odd]))
    assert str(error.value).count(str(odd)) == 1


@pytest.mark.parametrize("other", [{"weight": 0.8}, {"seed": 2}])
def test_a_picture_in_the_place_of_another_is_refused(write, other):
    usual = {"run_id": "r", "lora_sha256": "a", "graph": "g", "seed": 1}
    origin.check_one_sweep(records.pictures([write("0.40", **usual, weight=0.4)]))
    wrong = write("0.60", **{**usual, "weight": 0.6, **other})
    with pytest.raises(UserError, match=r"w0.60/seed1_00.png is the picture of weight 0.(60|80)"):
        origin.check_one_sweep(records.pictures([wrong]))


def test_prompts_may_have_graphs_of_their_own_but_one_lora(write, tmp_path):
    usual = {"run_id": "r", "lora_sha256": "a"}
    pictures = [write("0.00", **usual, graph="g"), write("0.40", **usual, graph="g")]
    other = tmp_path / "prompt-cat" / "w0.40"
    other.mkdir(parents=True)
    path = other / "seed1_00.png"
    path.write_bytes(with_text(png(1), {CHUNK: {**usual, "graph": "h"}}))
    origin.check_one_sweep(records.pictures([*pictures, path]))
    path.write_bytes(with_text(png(1), {CHUNK: {**usual, "lora_sha256": "b"}}))
    with pytest.raises(UserError, match="another LoRA"):
        origin.check_one_sweep(records.pictures([*pictures, path]))
