"""Train a LoRA on a normalized set, with kohya's musubi-tuner."""

import argparse
import sys

from lorabench import cli, parent
from lorabench.settings.models import MusubiSettings
from lorabench.settings.validation import validate
from lorabench.train import interface
from lorabench.train.musubi.run import train


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    return interface.external_parser(__doc__, "musubi-tuner", "musubi-tuner")


def main(arguments: argparse.Namespace) -> None:
    """Resolve the settings and train."""
    parent.end_with_workflow()
    interface.check_output(arguments.output)
    train(
        arguments.data,
        arguments.base_model,
        arguments.output,
        interface.settings(arguments),
        validate(MusubiSettings, interface.place(arguments, "musubi_tuner")),
        interface.name_of(arguments),
        arguments.reg,
        arguments.keep_epochs,
        interface.pairs("model", arguments.model, "clip_l=clip_l.safetensors"),
    )


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
