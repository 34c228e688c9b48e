"""Compare runs: what differs in data and settings, metrics and pictures side by side.

Prints a summary and writes one page, which opens from disk.
"""

import argparse
import sys
from pathlib import Path

from lorabench import cli, files, layout
from lorabench.errors import UserError


def main(arguments: argparse.Namespace) -> None:
    """Read the runs, print what differs and write the page."""
    from lorabench.pages import find_run, finished_run
    from lorabench.pages.comparison import page, summary

    found = [
        finished_run.read(place.folder, lora=place.lora) for place in find_run.find(arguments.runs)
    ]
    for run in found:
        if not run.pictures:
            raise UserError(
                f"{run.folder}: this run has no pictures yet, so there is nothing to compare; "
                "finish it with the command that began it, or leave it out."
            )
    output = arguments.output or layout.RUNS / f"{_name([run.name for run in found])}.html"
    if output.is_dir() or output.suffix != ".html":
        raise UserError(f"--output {output}: name the page to write, such as comparison.html.")
    for line in summary.lines(found):
        print(line)
    with files.publish(output) as temporary:
        page.write(found, temporary)
    cli.log.info("\nOpen %s", output)


def _name(names: list[str]) -> str:
    """Name the page after the runs, or after the first of many, because file names have a limit."""
    text = "-".join(["comparison", *names[:3]])
    return f"{text}-and-{len(names) - 3}-more" if len(names) > 3 else text


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("runs", nargs="+", metavar="RUN", help="a run's id, its folder, or a LoRA file "
        "that was benched")  # fmt: skip
    add(
        "--output", type=Path, metavar="HTML", help="the page (default: runs/comparison-<ids>.html)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(parser(), main))
