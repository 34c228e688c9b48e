"""Measure the pictures of a sweep: one row per picture, and what is plainly wrong with it."""

import argparse
import sys
from pathlib import Path

from lorabench import cli, files


def main(arguments: argparse.Namespace) -> None:
    """Write the table and the warnings."""
    from lorabench.bench import faults, metrics
    from lorabench.bench.cell import sweep
    from lorabench.bench.origin import check_one_sweep

    cells = sweep(arguments.pictures)
    check_one_sweep(cells)
    table = metrics.measure(
        cli.bar(cells, desc="measuring", unit="picture"), arguments.output.parent
    )
    found = faults.find(table)
    with files.publish(arguments.output) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    with files.publish(arguments.warnings) as temporary:
        faults.write(found, temporary)
    cli.log.info("%s: %d pictures measured", arguments.output, len(table))
    if found:
        cli.log.warning("%s", faults.block(found))


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Pictures of a weight above 0 that equal those of weight 0, and pictures of one "
        "colour, are reported loudly; the exit status is 0 all the same.",
    )
    parser.add_argument("pictures", nargs="+", type=Path, metavar="PNG", help="w0.40/seed7_00.png")
    parser.add_argument("--output", type=Path, required=True, metavar="CSV", help="the table")
    parser.add_argument("--warnings", type=Path, required=True, metavar="JSON", help="the faults")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
