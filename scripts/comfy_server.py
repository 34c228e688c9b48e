"""Run a local server with ComfyUI's API that renders ordinary workflows itself.

It listens on 127.0.0.1 only. It finds checkpoints in <models-dir>/checkpoints (files and diffusers
folders), LoRAs in --loras-dir, VAEs in <models-dir>/vae, pictures in
--input-dir, and new files at once.
"""

import argparse
import sys
from dataclasses import fields
from pathlib import Path

from lorabench import cli
from lorabench.comfy.embedded.library import INPUT_DIR
from lorabench.comfy.embedded.server import Options, serve


def main() -> int:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--port", type=int, default=8188, metavar="N", help="0 takes any free one (default 8188)")
    add("--models-dir", type=Path, default=Path("models"), metavar="DIR", help="default: models")
    add("--loras-dir", type=Path, metavar="DIR", help="default: <models-dir>/loras")
    add("--checkpoint", type=Path, action="append", default=[], metavar="PATH",
        dest="checkpoints", help="list this file or diffusers folder too, by its own name "
        "(may be repeated)")  # fmt: skip
    add("--output-dir", type=Path, default=Path("output"), metavar="DIR", help="default: output")
    add("--input-dir", type=Path, default=INPUT_DIR, metavar="DIR",
        help="pictures for LoadImage, and uploads (default: input)")  # fmt: skip
    add("--threads", type=int, default=0, metavar="N",
        help="CPU threads; the same number gives the same pixels "
        "(0, the default: all cores)")  # fmt: skip
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="default: auto")
    add("--dtype", choices=["auto", "fp32", "fp16", "bf16"], default="auto",
        help="precision of the UNet; a CPU always computes fp32 (default: auto)")  # fmt: skip
    add("--idle-timeout", type=float, default=0, metavar="SECONDS",
        help="end after so long without a request or a prompt (0, the default: never)")  # fmt: skip
    add("--parent-pid", type=int, metavar="PID", help="end when that process is gone")
    add("--state-file", type=Path, metavar="FILE",
        help='hold {"url": …, "pid": …} there while listening')  # fmt: skip
    return cli.run(parser, _serve)


def _serve(arguments: argparse.Namespace) -> None:
    arguments.loras_dir = arguments.loras_dir or arguments.models_dir / "loras"
    serve(Options(**{field.name: getattr(arguments, field.name) for field in fields(Options)}))


if __name__ == "__main__":
    sys.exit(main())
