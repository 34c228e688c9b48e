"""Train a LoRA on a normalized set, with kohya's sd-scripts."""

import argparse
import sys

from lorabench import cli, parent
from lorabench.settings.models import KohyaSettings
from lorabench.settings.validation import validate
from lorabench.train import interface
from lorabench.train.kohya.run import train


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    return interface.external_parser(__doc__, "sd-scripts", "sd-scripts")


def main(arguments: argparse.Namespace) -> None:
    """Resolve the settings and train."""
    parent.end_with_workflow()
    interface.check_output(arguments.output)
    train(
        arguments.data,
        arguments.base_model,
        arguments.output,
        interface.settings(arguments),
        validate(KohyaSettings, interface.place(arguments, "sd_scripts")),
        interface.name_of(arguments),
        arguments.reg,
        arguments.keep_epochs,
        interface.pairs("model", arguments.model, "clip_l=clip_l.safetensors"),
    )


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
