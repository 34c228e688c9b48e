"""Whether a picture is one, by its patches."""

import numpy as np
import pytest
from PIL import Image

from lorabench.bench.measures import structure
from tests.pictures import photo


def noise(grain, size):
    """Independent colours of `grain` pixels, soft as an autoencoder makes them of noise."""
    small = np.random.default_rng(grain).integers(0, 256, (size // grain, size // grain, 3))
    return Image.fromarray(small.astype(np.uint8)).resize((size, size), Image.Resampling.BICUBIC)


def coherence(image):
    return structure.coherence(structure.patches(image))


@pytest.mark.parametrize(("grain", "size"), [(1, 128), (2, 512), (8, 128), (8, 256), (8, 1024)])
def test_noise_of_any_grain_is_told_from_a_picture(grain, size):
    assert coherence(noise(grain, size)) < 0.3


def test_a_picture_is_coherent_with_texture_or_without():
    assert coherence(photo(1, 128, 128)) > 0.6
    ground = np.full((128, 128), 230)
    ground[30:100, 40:90] = 120
    ground[::3] //= 2  # hatched
    assert coherence(Image.fromarray(ground.astype(np.uint8)).convert("RGB")) > 0.6
    assert coherence(Image.new("RGB", (64, 64), "teal")) == 1
