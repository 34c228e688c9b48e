"""Which of the two models of Wan 2.2 a name says it is for, and how the other file is called."""

from pathlib import Path

import pytest

from lorabench.lora import pair

PAIRS = [
    ("ink_high_noise", "ink_low_noise", "ink"),
    ("ink-HighNoise", "ink-LowNoise", "ink"),
    ("inkHighNoise_v2", "inkLowNoise_v2", "ink_v2"),
    ("ink_000001200_high_noise", "ink_000001200_low_noise", "ink_000001200"),  # ai-toolkit
    ("ink-high-000004", "ink-low-000004", "ink-000004"),  # musubi-tuner
    ("ink_high_noise-step00000400", "ink_low_noise-step00000400", "ink-step00000400"),
    ("HIGH.ink", "LOW.ink", "ink"),
    ("low_rank_ink_highnoise", "low_rank_ink_lownoise", "low_rank_ink"),
    ("high_noise", "low_noise", "high_noise"),
]


@pytest.mark.parametrize(("high", "low", "title"), PAIRS)
def test_each_file_of_a_pair_names_the_other(high, low, title):
    assert (pair.side(high), pair.side(low)) == ("high", "low")
    folder = Path("loras/high")
    here, there = folder / f"{high}.safetensors", folder / f"{low}.safetensors"
    assert (pair.partner(here), pair.partner(there)) == (there, here)
    assert pair.title(high) == title


@pytest.mark.parametrize("stem", ["ink", "highland", "ink_highres", "flowers", "slow-ink", ""])
def test_other_names_are_of_no_pair(stem):
    assert pair.side(stem) is None
    assert pair.partner(Path(f"{stem}.safetensors")) is None
    assert pair.title(stem) == stem
