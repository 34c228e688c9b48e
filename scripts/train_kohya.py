"""Train a LoRA on a normalized set, with kohya's sd-scripts."""

import argparse
import sys
from pathlib import Path

from lorabench import cli, parent
from lorabench.errors import UserError
from lorabench.run.record import RunRecord
from lorabench.settings.models import KohyaSettings
from lorabench.settings.validation import validate
from lorabench.train import interface
from lorabench.train.kohya.run import train


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = interface.parser(__doc__)
    add = parser.add_argument
    add("--sd-scripts", default="", metavar="DIR",
        help="folder of sd-scripts, as the launcher sees it; SD_SCRIPTS_DIR wins")  # fmt: skip
    add("--launcher", default="", metavar="COMMAND",
        help="command that starts a program in the container of sd-scripts")  # fmt: skip
    add("--path", action="append", default=[], metavar="HERE=THERE",
        help="a folder and what the container calls it; may be given several times")  # fmt: skip
    add("--accelerate", default="", metavar="ARGUMENTS",
        help="more arguments of accelerate launch, as one text")  # fmt: skip
    return parser


def main(arguments: argparse.Namespace) -> None:
    """Resolve the settings and train."""
    parent.end_with_workflow()
    interface.check_output(arguments.output)
    kohya = {
        "sd_scripts": arguments.sd_scripts,
        "launcher": arguments.launcher,
        "paths": dict(map(_pair, arguments.path)),
        "accelerate": arguments.accelerate,
    }
    train(
        arguments.data,
        arguments.base_model,
        arguments.output,
        interface.settings(arguments),
        validate(KohyaSettings, kohya),
        _name(arguments),
        arguments.reg,
        arguments.keep_epochs,
    )


def _pair(option: str) -> tuple[str, str]:
    here, equals, there = option.rpartition("=")
    if not equals or not here or not there:
        raise UserError(f"--path {option}: should be here=there, such as datasets=/dataset.")
    return here, there


def _name(arguments: argparse.Namespace) -> str:
    """Return the LoRA's name in output/kohya/: the output's without the run_id, if it has one."""
    given: Path | None = arguments.settings
    run_id = RunRecord.read(given).run_id if given and given.name == "run.yaml" else None
    return arguments.output.stem.removesuffix(f"__{run_id}")


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
