"""What the base model's Snakefile takes after --config."""

import pytest

from base_model.numbers import NUMBERS, numbers
from lorabench.errors import UserError


def test_what_is_given_stands_in_for_the_default():
    assert numbers({}) == NUMBERS
    assert numbers({"unet_steps": 5}) == NUMBERS | {"unet_steps": 5}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"unet_step": 5}, "unet_step: no such key; did you mean unet_steps?"),
        ({"colours": 5}, "allowed are vae_steps, decoder_steps"),
        ({"vae_steps": "abc"}, "vae_steps=abc: should be a whole number, 1 or more"),
        ({"vae_steps": 0}, "vae_steps=0: should be a whole number"),
        ({"drawings": 300}, "drawings=300: should be a multiple of 500"),
    ],
)
def test_a_mistake_is_told_before_anything_is_trained(given, said):
    with pytest.raises(UserError) as caught:
        numbers(given)
    assert said in str(caught.value)
