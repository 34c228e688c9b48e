"""Train a LoRA on a normalized set, with diffusers and PEFT."""

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from lorabench import checkpoint, cli, parent
from lorabench.config import TrainSettings, read_section, validate
from lorabench.errors import UserError
from lorabench.presets import PRESETS


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="the normalized set: a folder with images/"
    )
    parser.add_argument(
        "--base-model",
        type=Path,
        required=True,
        help="SD1.x checkpoint: a diffusers folder or a .safetensors file",
    )
    parser.add_argument("--output", type=Path, required=True, help="the .safetensors to write")
    parser.add_argument(
        "--settings",
        type=Path,
        help="YAML with a section train:, such as run.yaml; "
        "what it leaves out is as usual for the base model",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting, over those of the file; may be given several times",
    )
    return parser


def main(arguments: argparse.Namespace) -> None:
    """Resolve the settings and train."""
    from lorabench.train.embedded import train  # imports torch: only once all else is right

    parent.end_with_workflow()

    if arguments.output.suffix != ".safetensors":
        raise UserError(f"--output {arguments.output}: its name should end in .safetensors.")
    train(arguments.data, arguments.base_model, arguments.output, _settings(arguments))


def _settings(arguments: argparse.Namespace) -> TrainSettings:
    """Merge the preset of the base model's family, the file and the options."""
    preset = PRESETS[checkpoint.inspect(arguments.base_model).family]["train"]
    from_file = read_section(arguments.settings, "train") if arguments.settings else {}
    options = {}
    for option in arguments.set:
        key, equals, value = option.partition("=")
        if not equals:
            raise UserError(f"--set {option}: should be key=value, such as rank=8.")
        options[key.strip()] = _value(option, value)
    return validate(TrainSettings, _over(_over(preset, from_file), options))


def _value(option: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise UserError(f"--set {option}: the value cannot be read as YAML.") from None


def _over(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    """Lay `upper` over `lower`; of epochs and steps the one that it gives replaces the other."""
    cleared = {
        other: None
        for one, other in (("epochs", "steps"), ("steps", "epochs"))
        if upper.get(one) is not None
    }
    return lower | cleared | upper


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
