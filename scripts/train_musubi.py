"""Train a LoRA on a normalized set, with kohya's musubi-tuner."""

import argparse
import sys

from lorabench import cli
from lorabench.settings.models import MusubiSettings
from lorabench.settings.validation import validate
from lorabench.train import interface
from lorabench.train.musubi.run import train


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    return interface.external_parser(__doc__, "musubi-tuner", "musubi-tuner")


def main(arguments: argparse.Namespace) -> None:
    """Train by the program where it is."""
    where = validate(MusubiSettings, interface.place(arguments, "musubi_tuner"))
    interface.train_by_others(train, where, arguments)


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
