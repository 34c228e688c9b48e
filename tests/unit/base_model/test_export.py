"""The exported base is one folder for all: nothing in it tells where it was made."""

from argparse import Namespace
from pathlib import Path

from base_model import export

ROOT = Path(__file__).parents[3]
BUNDLED = ROOT / "models" / "checkpoints" / "drawnworld"


def test_the_bundled_base_exported_again_is_the_same_to_the_byte(tmp_path: Path) -> None:
    card = ROOT / "base_model" / "model_card.md"
    out = tmp_path / "out"
    export.program(Namespace(vae=BUNDLED / "vae", trained=BUNDLED, card=card, output=out))
    first, again = (
        {p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()}
        for f in (BUNDLED, out)
    )
    assert b"Not yet evaluated." in again.pop(Path("README.md"))
    assert b"Not yet evaluated." not in first.pop(Path("README.md"))
    assert again == first
    assert not [name for name, content in again.items() if b"_name_or_path" in content]
