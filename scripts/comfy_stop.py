"""End the embedded ComfyUI-compatible server of a workflow; nothing happens if none runs."""

import argparse
import sys
from pathlib import Path

from lorabench import cli
from lorabench.comfy.client.launch import stop_server


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--server-state", type=Path, required=True, metavar="FILE", help="as bench_image.py has it")
    return cli.run(parser, lambda arguments: stop_server(arguments.server_state))


if __name__ == "__main__":
    sys.exit(main())
