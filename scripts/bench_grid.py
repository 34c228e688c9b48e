"""Lay the pictures of a sweep out in grids: a PNG for each seed, and an overview.

Below the title stands the prompt, where the pictures tell one.
"""

import argparse
import sys
from pathlib import Path

from lorabench import cli


def main(arguments: argparse.Namespace) -> None:
    """Draw the grids."""
    from lorabench.bench import faults, grid, origin
    from lorabench.bench.cell import sweep

    cells = sweep(arguments.pictures)
    found = faults.read(arguments.warnings) if arguments.warnings else []
    caption = origin.prompt(cells)
    for path in grid.draw(cells, found, arguments.output_dir, arguments.title, caption):
        cli.log.info("%s", path)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Writes seed<seed>_weights.png for each seed and overview.png, and, for what one "
        "PNG cannot hold, overview_2.png and so on.",
    )
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PNG", help="w0.40/seed7_00.png")
    parser.add_argument("--output-dir", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--title", default="", help="heads every grid; the run, for one")
    parser.add_argument("--warnings", type=Path, metavar="JSON", help="what bench_metrics.py found")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
