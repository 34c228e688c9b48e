"""The command line that the training programs share."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lorabench import parent
from lorabench.base import checkpoint
from lorabench.errors import UserError
from lorabench.settings import plain_yaml
from lorabench.settings.layers import read_section, read_yaml
from lorabench.settings.models import KohyaSettings, MusubiSettings, TrainSettings
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


def external_parser(description: str | None, folder: str, name: str) -> argparse.ArgumentParser:
    """Return the command line for a program of others, `name`, in the folder --`folder`."""
    made = parser(description)
    add = made.add_argument
    add(f"--{folder}", dest="folder", default="", metavar="DIR",
        help=f"folder of {name}, as the launcher sees it; the environment wins")  # fmt: skip
    add("--launcher", default="", metavar="COMMAND",
        help=f"command that starts a program in the container of {name}")  # fmt: skip
    add("--path", action="append", default=[], metavar="HERE=THERE",
        help="a folder and what the container calls it; may be given several times")  # fmt: skip
    add("--accelerate", default="", metavar="ARGUMENTS",
        help="more arguments of accelerate launch, as one text")  # fmt: skip
    add("--model", action="append", default=[], metavar="NAME=FILE",
        help="a file that the family needs beside the base model, such as clip_l=FILE; may be "
        "given several times")  # fmt: skip
    return made


def train_by_others(
    train: Callable[..., None], where: KohyaSettings | MusubiSettings, arguments: argparse.Namespace
) -> None:
    """Resolve the settings and train with the program of others that is at `where`."""
    parent.end_with_workflow()
    check_output(arguments.output)
    train(
        arguments.data,
        arguments.base_model,
        arguments.output,
        settings(arguments),
        where,
        name_of(arguments),
        arguments.reg,
        arguments.keep_epochs,
        pairs("model", arguments.model, "clip_l=clip_l.safetensors"),
    )


def place(arguments: argparse.Namespace, folder: str) -> dict[str, Any]:
    """Return where the program is, as settings; `folder` is the key of its folder."""
    return {
        folder: arguments.folder,
        "launcher": arguments.launcher,
        "paths": pairs("path", arguments.path, "datasets=/dataset"),
        "accelerate": arguments.accelerate,
    }


def pairs(option: str, given: list[str], example: str) -> dict[str, str]:
    """Return options `--option name=value` as a mapping; raises `UserError`."""
    found = {}
    for one in given:
        name, equals, value = one.rpartition("=") if option == "path" else one.partition("=")
        if not equals or not name or not value:
            raise UserError(f"--{option} {one}: should be such as {example}.")
        found[name] = value
    return found


def name_of(arguments: argparse.Namespace) -> str:
    """Return the LoRA's name in output/kohya/: the output's without the run_id, if it has one."""
    given: Path | None = arguments.settings
    run_id = read_yaml(given).get("run_id") if given and given.name == "run.yaml" else None
    return arguments.output.stem.removesuffix(f"__{run_id}")


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
