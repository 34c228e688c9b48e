"""Draw the metrics of a sweep over the LoRA weight: a panel for each, a line for each seed."""

import argparse
import sys
from pathlib import Path

from lorabench import cli


def main(arguments: argparse.Namespace) -> None:
    """Draw the picture."""
    from lorabench.bench import plots

    plots.draw(plots.read(arguments.metrics), arguments.output, arguments.title)
    cli.log.info("%s", arguments.output)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Where no picture was rendered at weight 0, the panels that compare with it are "
        "left out.",
    )
    parser.add_argument(
        "--metrics", type=Path, required=True, metavar="CSV", help="what bench_metrics.py wrote"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="PNG", help="the picture")
    parser.add_argument("--title", default="", help="heads the picture; the run, for one")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
