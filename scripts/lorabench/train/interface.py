"""The command line that both training programs share."""

import argparse
from pathlib import Path
from typing import Any

from lorabench.base import checkpoint
from lorabench.errors import UserError
from lorabench.settings import plain_yaml
from lorabench.settings.layers import read_section
from lorabench.settings.models import TrainSettings
from lorabench.settings.validation import validate


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return the command line that the programs share."""
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="the normalized set: a folder with images/")
    add("--reg", type=Path, metavar="DIR",
        help="a normalized set of regularization pictures, without the trigger")  # fmt: skip
    add("--base-model", type=Path, required=True,
        help="the checkpoint: a .safetensors file or a diffusers folder")  # fmt: skip
    add("--output", type=Path, required=True, help="the .safetensors to write")
    add("--settings", type=Path, help="YAML with a section train:, such as run.yaml; "
        "for keys that it lacks, the base model's defaults count")  # fmt: skip
    add("--set", action="append", default=[], metavar="KEY=VALUE",
        help="a setting, over those of the file; may be given several times")  # fmt: skip
    add("--keep-epochs", type=int, default=0, metavar="N",
        help="keep about N of the epochs, if save_every_epochs says none (default: 0)")  # fmt: skip
    return parser


def check_output(output: Path) -> None:
    """Raise `UserError` if the LoRA cannot be written to `output`."""
    if output.suffix != ".safetensors":
        raise UserError(f"--output {output}: its name should end in .safetensors.")
    if output.exists():
        raise UserError(f"{output} exists and is not overwritten; delete it or name another.")


def settings(arguments: argparse.Namespace) -> TrainSettings:
    """Merge the preset of the base model's family, the file and the options."""
    preset = checkpoint.inspect(arguments.base_model).family.preset["train"]
    from_file = read_section(arguments.settings, "train") if arguments.settings else {}
    options = {}
    for option in arguments.set:
        key, equals, value = option.partition("=")
        if not equals:
            raise UserError(f"--set {option}: should be key=value, such as rank=8.")
        try:
            options[key.strip()] = plain_yaml.read(value)
        except ValueError:
            raise UserError(f"--set {option}: the value cannot be read as YAML.") from None
    return validate(TrainSettings, _over(_over(preset, from_file), options))


def _over(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    """Lay `upper` over `lower`; its epochs replace steps there, and the reverse."""
    cleared = {
        other: None
        for one, other in (("epochs", "steps"), ("steps", "epochs"))
        if upper.get(one) is not None
    }
    return lower | cleared | upper
