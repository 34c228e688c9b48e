"""Train a LoRA on a normalized set, with kohya's sd-scripts."""

import argparse
import sys

from lorabench import cli
from lorabench.settings.models import KohyaSettings
from lorabench.settings.validation import validate
from lorabench.train import interface
from lorabench.train.kohya.run import train


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    return interface.external_parser(__doc__, "sd-scripts", "sd-scripts")


def main(arguments: argparse.Namespace) -> None:
    """Train by the program where it is."""
    where = validate(KohyaSettings, interface.place(arguments, "sd_scripts"))
    interface.train_by_others(train, where, arguments)


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
