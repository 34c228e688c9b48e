"""Make the page on a run, report.html: one file that opens from disk, without a network.

It shows what is there so far, and says what is missing. Nothing is rendered or measured for it.
"""

import argparse
import sys
from pathlib import Path

from lorabench import cli


def main(arguments: argparse.Namespace) -> None:
    """Make the page."""
    from lorabench.pages.run.build import build

    output = arguments.output or arguments.run / "report.html"
    missing = build(
        arguments.run, arguments.training_set, output, arguments.base_model, arguments.workers
    )
    for path in missing:
        cli.log.info("left out, because it is not there: %s", path)
    cli.detail("%s (%.1f MB)", output, output.stat().st_size / 1e6)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, metavar="FOLDER", help="runs/<run_id>")
    parser.add_argument(
        "--training-set", type=Path, metavar="FOLDER", help="images/ of the normalized set"
    )
    parser.add_argument("--output", type=Path, metavar="HTML", help="default: report.html there")
    parser.add_argument(
        "--base-model", type=Path, metavar="PATH", help="for the command that the page shows"
    )
    parser.add_argument(
        "--workers", type=_positive, default=2, metavar="N", help="threads (default: %(default)s)"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("should be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
