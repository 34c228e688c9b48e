"""Compare the trainings of a matrix: a row for each, the best first, and a page with pictures.

Those that are not finished have a row without a result.
"""

import argparse
import sys
from pathlib import Path

from lorabench import cli, files
from lorabench.errors import UserError


def main(arguments: argparse.Namespace) -> None:
    """Read the runs; write the table and the page."""
    from lorabench.pages import finished_run
    from lorabench.pages.comparison import page, ranking

    rows = ranking.rank([finished_run.read(folder) for folder in arguments.runs])
    drawn = [row.run for row in rows if row.run.pictures]
    if not drawn:
        raise UserError("none of the runs has pictures yet, so there is nothing to compare")
    with files.publish(arguments.table) as temporary:
        ranking.write(rows, temporary)
    with files.publish(arguments.output) as temporary:
        page.write(drawn, temporary, rows)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="FOLDER", help="runs/<run_id>")
    add("--output", type=Path, required=True, metavar="HTML", help="the page")
    add("--table", type=Path, required=True, metavar="CSV", help="a row for each run")
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
