"""Make the page on a run, report.html: one file that opens from disk, without a network.

It shows what is there so far, and lists what is missing. It renders and measures nothing.
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
    add = parser.add_argument
    add("--run", type=Path, required=True, metavar="FOLDER", help="runs/<run_id>")
    add("--training-set", type=Path, metavar="FOLDER", help="images/ of the normalized set")
    add("--output", type=Path, metavar="HTML", help="default: report.html there")
    add("--base-model", type=Path, metavar="PATH", help="for the command that the page shows")
    add("--workers", type=cli.positive, default=2, metavar="N", help="threads (default: 2)")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
