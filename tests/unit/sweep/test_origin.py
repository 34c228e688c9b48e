from dataclasses import replace

import pytest

from lorabench.comfy.client.pictures import with_text
from lorabench.errors import UserError
from lorabench.sweep import origin
from lorabench.sweep.label import CHUNK
from tests import records
from tests.fake_comfy import png


@pytest.fixture
def write(tmp_path):
    """Write the picture of a weight, and maybe of a prompt, with the label given, if any."""

    def write(weight, of=records.OWN, /, **label):
        picture = records.picture(tmp_path, weight, of=of)
        picture.path.parent.mkdir(parents=True, exist_ok=True)
        picture.path.write_bytes(with_text(png(1), {CHUNK: label} if label else {}))
        return picture

    return write


def test_the_prompt_is_that_of_the_first_picture_that_tells_one(write):
    pictures = [write(0), write(0.2), write(0.4, prompt=None), write(0.6, prompt="赤い猫")]
    pictures[1].path.unlink()
    assert origin.prompt(pictures) == "赤い猫"


def test_without_labels_there_is_no_prompt(write):
    assert origin.prompt([write(0), write(0.4, prompt=None)]) == ""


def test_a_picture_that_is_odd_in_two_ways_is_named_once(write):
    usual = {"run_id": "r", "lora_sha256": "a", "graph": "g"}
    pictures = [write(n / 10, **usual) for n in range(4)]
    origin.check_one_sweep(pictures)
    odd = write(0.5, run_id="r", lora_sha256="b", graph="h")
    with pytest.raises(UserError) as error:
        origin.check_one_sweep([*pictures, odd])
    assert str(error.value).count(str(odd.path)) == 1


@pytest.mark.parametrize("other", [{"weight": 0.8}, {"seed": 2}])
def test_a_picture_in_the_place_of_another_is_refused(write, other):
    usual = {"run_id": "r", "lora_sha256": "a", "graph": "g", "seed": 1}
    origin.check_one_sweep([write(0.4, **usual, weight=0.4)])
    wrong = write(0.6, **{**usual, "weight": 0.6, **other})
    with pytest.raises(UserError, match=r"w0.60/seed1_00.png is the picture of weight 0.(60|80)"):
        origin.check_one_sweep([wrong])


def test_prompts_may_have_graphs_of_their_own_but_one_lora(write):
    usual = {"run_id": "r", "lora_sha256": "a"}
    pictures = [write(0, **usual, graph="g"), write(0.4, **usual, graph="g")]
    cat = records.variant("cat")
    origin.check_one_sweep([*pictures, write(0.4, cat, **usual, graph="h")])
    with pytest.raises(UserError, match="another LoRA"):
        origin.check_one_sweep([*pictures, write(0.4, cat, **{**usual, "lora_sha256": "b"})])


@pytest.fixture
def of_several(write):
    """Two LoRAs with a picture each, and the one without any that they share."""

    def swept(lora, weight, sha256):
        variant = replace(records.variant(weights=(0, weight)), lora=lora, baseline="none")
        label = {"run_id": "r", "lora_sha256": sha256, "graph": "g", "weight": weight}
        return replace(
            write(weight, variant, **label), lora=lora if weight else "none", baseline="none"
        )

    return [swept("a", 0.4, "1"), swept("b", 0.4, "2"), swept("a", 0, "1")], swept


def test_several_loras_are_one_sweep_and_whoever_drew_weight_0_does_not_count(of_several):
    pictures, swept = of_several
    origin.check_one_sweep(pictures)
    origin.check_one_sweep([*pictures[:2], swept("a", 0, "3")])


def test_a_picture_of_another_lora_among_those_of_one_is_refused(of_several):
    pictures, swept = of_several
    mixed = [*pictures, swept("a", 0.6, "1"), swept("a", 0.8, "2")]
    with pytest.raises(UserError, match=r"another LoRA.*a/w0\.80/seed1_00\.png"):
        origin.check_one_sweep(mixed)


def test_pictures_of_an_earlier_sweep_of_the_same_loras_are_alike(of_several):
    pictures, swept = of_several
    more, other = swept("b", 0.8, "2"), swept("b", 0.6, "9")
    assert origin.alike([more, other], pictures) == [more]
