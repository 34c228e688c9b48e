"""What a file is said to be that is another thing than was wanted."""

import pytest

from lorabench.base import recognized
from tests.transformer_files import CASES, as_file
from tests.unit.base.test_model_kinds import FILES

FLUX = as_file(CASES["FLUX.1"], "")


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
@pytest.mark.parametrize("title", CASES)
def test_a_transformer_is_one_of_its_family(title, prefix):
    assert recognized.title(as_file(CASES[title], prefix)) in (
        f"a {title} model",
        f"an {title} model",
    )


@pytest.mark.parametrize("title", FILES)
def test_an_encoder_or_an_autoencoder_is_what_it_is_as_a_file_of_a_training(title):
    assert recognized.title(FILES[title] | {"another": (1,)}) == title


def test_what_is_added_to_a_model_is_not_that_model():
    assert recognized.title(FLUX | {"controlnet_blocks.0.weight": (1, 1)}) == "a ControlNet"


def test_a_checkpoint_is_not_one_of_its_parts():
    parts = ("a UNet", "CLIP-L", "the VAE of SD1.x or SDXL")
    whole = {name: shape for part in parts for name, shape in FILES[part].items()}
    assert recognized.title(whole) == "a whole checkpoint, as base_model= takes it"


def test_what_is_not_known_is_named_by_its_parts_or_not_at_all():
    assert recognized.title({"decoder.a": (2,), "decoder.b": (2,)}) == "a VAE"
    assert recognized.title({"a.weight": (2,), "b.weight": (2,)}) is None
