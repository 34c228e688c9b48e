"""Install a LoRA where ComfyUI lists it, with a digest of its content in the name."""

import argparse
import sys
from pathlib import Path
from typing import get_args

from lorabench import cli
from lorabench.lora.install import install
from lorabench.lora.modules import Server


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--lora", type=Path, required=True, help="the .safetensors to install")
    add("--install-dir", type=Path, required=True, help="the folder that ComfyUI lists LoRAs from")
    add("--receipt", type=Path, required=True, help="JSON to write: what was installed, and where")
    add("--base-model", type=Path, metavar="PATH", help="the checkpoint or diffusers folder that "
        "its layers have to be those of")  # fmt: skip
    add("--server", choices=get_args(Server), default="embedded", help="the server that will "
        "render: what it cannot apply is refused (default: embedded)")  # fmt: skip
    add("--trained-here", action="store_true", help="refuse it if its tensors have another digest "
        "than its metadata say, which other programs may write wrong")  # fmt: skip
    return parser


def main(arguments: argparse.Namespace) -> None:
    """Install and say where."""
    installed = install(
        arguments.lora,
        arguments.install_dir,
        arguments.receipt,
        arguments.base_model,
        arguments.server,
        arguments.trained_here,
    )
    cli.detail("installed %s", installed)


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
