"""The programs of base_model/ on wrong input: one line that says what, and nothing written."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train_vae.py out --decoder-of none", "this is not a trained autoencoder"),
        ("encode_world.py none out", "this is not a trained autoencoder"),
        ("encode_world.py none out --drawings 700", "700: should be a multiple of 500"),
        ("train_unet.py none out", "none: no encoded drawings there"),
        ("export.py none none card out", "this is not a trained network"),
        ("contact_sheet.py none out", "this is not an exported model"),
        ("evaluate.py none none out out out", "this is not an exported model"),
        ("evaluate.py none none out out out --prompts 0", "0: should be 1 or more"),
        ("write_card.py unmarked unmarked out", "unmarked: there is no line <!-- evaluation -->"),
    ],
)
def test_wrong_input_is_told_in_a_line(command: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "unmarked").write_text("a card", encoding="utf-8")
    program, *arguments = command.split()
    done = subprocess.run(
        [sys.executable, ROOT / "base_model" / program, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["unmarked"]
