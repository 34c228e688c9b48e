"""The programs of base_model/ on wrong input: it is told in a line, and nothing is written."""

from importlib import import_module
from pathlib import Path

import pytest

from lorabench.errors import UserError


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train_vae out --decoder-of none", "this is not a trained autoencoder"),
        ("train_vae out --steps 0", "0: should be 1 or more"),
        ("encode_world none out", "this is not a trained autoencoder"),
        ("encode_world none out --drawings 700", "700: should be a multiple of 500"),
        ("train_unet none out", "none: no encoded drawings there"),
        ("export none none card out", "this is not a trained network"),
        ("contact_sheet none out", "this is not an exported model"),
        ("evaluate none none out out out", "this is not an exported model"),
        ("evaluate none none out out out --style-lora none", "this is not a LoRA"),
        ("evaluate none none out out out --prompts 0", "0: should be 1 or more"),
        ("write_card unmarked unmarked out", "unmarked: there is no line <!-- evaluation -->"),
    ],
)
def test_wrong_input_is_told(
    command: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "unmarked").write_text("a card", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    name, *arguments = command.split()
    program = import_module(f"base_model.{name}")
    with pytest.raises((UserError, SystemExit)) as caught:
        program.program(program._parser().parse_args(arguments))
    assert message in str(caught.value) + capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["unmarked"]
