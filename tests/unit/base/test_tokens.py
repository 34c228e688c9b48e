"""How captions are cut into tokens, without torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from lorabench.base import tokens

ROOT = Path(__file__).parents[3]
BUNDLED = ROOT / "models" / "checkpoints" / "drawnworld"


def test_a_folder_is_counted_by_its_own_tokenizer_and_a_file_by_clips():
    own, clip = tokens.counter(BUNDLED), tokens.counter(Path("any.safetensors"))
    assert clip("a photo of an astronaut") == 5 and clip("") == 0
    assert own("ponnyu style, a cat") > clip("ponnyu style, a cat") - 9
    assert own("cat") >= 1


@pytest.mark.parametrize(
    ("word", "known"), [("mushroom", True), ("crown", True), ("mushrom", False)]
)
def test_words_are_told_from_misspelt_ones(word, known):
    assert tokens.knower()(word) is known


def test_nothing_imports_torch():
    code = (
        "import sys; sys.path.insert(0, 'scripts'); from lorabench.base import tokens;"
        "tokens.clip_tokenizer(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
