"""Copy a LoRA into its run, if it still is what the run is named after."""

import argparse
import sys
from pathlib import Path

from lorabench import cli
from lorabench.lora.copying import copy


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--lora", type=Path, required=True, help="the .safetensors to copy")
    add("--sha256", required=True, metavar="HEX", help="the digest of its content")
    add("--output", type=Path, required=True, help="the copy")
    return parser


def main(arguments: argparse.Namespace) -> None:
    """Copy and say where."""
    copy(arguments.lora, arguments.sha256, arguments.output)
    cli.detail("copied to %s", arguments.output)


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
