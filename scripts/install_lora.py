"""Install a LoRA where ComfyUI lists it, under a name that carries its content."""

import argparse
import logging
import sys
from pathlib import Path

from lorabench import cli
from lorabench.install import install

log = logging.getLogger("lorabench")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lora", type=Path, required=True, help="the .safetensors to install")
    parser.add_argument(
        "--install-dir", type=Path, required=True, help="the folder that ComfyUI lists LoRAs from"
    )
    parser.add_argument(
        "--receipt", type=Path, required=True, help="JSON to write: what was installed, and where"
    )
    parser.add_argument(
        "--base-model",
        type=Path,
        metavar="PATH",
        help="the checkpoint or diffusers folder that its layers have to be those of",
    )
    return parser


def main(arguments: argparse.Namespace) -> None:
    """Install and say where."""
    installed = install(
        arguments.lora, arguments.install_dir, arguments.receipt, arguments.base_model
    )
    log.info("installed %s", installed)


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
